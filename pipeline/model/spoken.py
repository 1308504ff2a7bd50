"""Which messages a model reads: somebody's words."""

from __future__ import annotations

from pipeline.schema import Message


def has_words(message: Message) -> bool:
    """Tell a message that has words and a speaker: what a model scores."""
    return message.speaker is not None and message.kind in ("message", "media") and bool(message.text.strip())
