"""The utterances of a conversation: the messages that a model learns from and scores, as it reads them."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.ingest.own_words import own_words
from pipeline.model.base import Utterance
from pipeline.schema import Message


def utterances(messages: Iterable[Message]) -> list[tuple[int, Utterance]]:
    """Return the scorable messages as utterances, each with its position in ``messages`` from 0."""
    rows = ((message.speaker, message.kind, message.text) for message in messages)
    return utterances_of_rows(rows)


def utterances_of_rows(rows: Iterable[tuple[str | None, str, str | None]]) -> list[tuple[int, Utterance]]:
    """Return the same from the columns ``speaker``, ``kind`` and ``text`` of a conversation's rows."""
    read = (
        (position, speaker, own_words(kind, text))
        for position, (speaker, kind, text) in enumerate(rows)
        if speaker is not None and text is not None
    )
    return [(position, (speaker, words)) for position, speaker, words in read if words]
