"""Which messages a model reads: somebody's words."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.model.base import Utterance
from pipeline.schema import Message


def has_words(message: Message) -> bool:
    """Tell a message that has words and a speaker: what a model scores."""
    return is_scorable(message.speaker, message.kind, message.text)


def is_scorable(speaker: str | None, kind: str, text: str | None) -> bool:
    """Tell the same from a message's columns."""
    return speaker is not None and kind in ("message", "media") and bool(text and text.strip())


def utterances(messages: Iterable[Message]) -> list[tuple[int, Utterance]]:
    """Return the messages with words as a model reads them, each with its position from 0."""
    return [(position, (str(message.speaker), message.text)) for position, message in enumerate(messages) if has_words(message)]
