"""Which messages a model scores: those that have words and a speaker."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.model.base import Utterance
from pipeline.schema import Message


def has_words(message: Message) -> bool:
    """Return whether a message has words and a speaker."""
    return is_scorable(message.speaker, message.kind, message.text)


def is_scorable(speaker: str | None, kind: str, text: str | None) -> bool:
    """Return the same as `has_words` from the columns of a message."""
    return speaker is not None and kind in ("message", "media") and bool(text and text.strip())


def utterances(messages: Iterable[Message]) -> list[tuple[int, Utterance]]:
    """Return the scorable messages as utterances, each with its position in ``messages`` from 0."""
    return [(position, (str(message.speaker), message.text)) for position, message in enumerate(messages) if has_words(message)]
