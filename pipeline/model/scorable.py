"""The utterances of a conversation: the messages that a model scores, as it reads them."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.model.base import Utterance
from pipeline.schema import Message, has_words


def utterances(messages: Iterable[Message]) -> list[tuple[int, Utterance]]:
    """Return the scorable messages as utterances, each with its position in ``messages`` from 0."""
    return [(position, (str(message.speaker), message.text)) for position, message in enumerate(messages) if has_words(message)]
