"""Which messages a model reads: somebody's words."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.model.reading import Spoken
from pipeline.schema import Message


def has_words(message: Message) -> bool:
    """Tell a message that has words and a speaker: what a model scores."""
    return says(message.speaker, message.kind, message.text)


def says(speaker: str | None, kind: str, text: str | None) -> bool:
    """Tell the same from a message's columns."""
    return speaker is not None and kind in ("message", "media") and bool(text and text.strip())


def spoken(messages: Iterable[Message]) -> list[tuple[int, Spoken]]:
    """Return the messages with words as a model reads them, each with its position from 0."""
    return [(position, (str(message.speaker), message.text)) for position, message in enumerate(messages) if has_words(message)]
