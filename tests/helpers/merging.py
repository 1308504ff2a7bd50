"""Chats of two people, and exports of them, for the tests of merging."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from pipeline.ingest.merge.group import Member, Whole
from pipeline.ingest.merge.talk import Talk
from pipeline.schema import Conversation, Message, Source

WORDS = [
    *("rye", "oven", "loaf", "flour", "bake", "salt", "water", "dough"),
    *("crust", "rise", "knead", "cool", "slice", "butter", "jam", "toast"),
]
START = datetime(2024, 2, 13, 21, 5)
OFTEN = ("ok", "yes", "haha", "👍")


def chat(seed: int, count: int, *, minutes: int = 7, names: Sequence[str] = ("Kim", "Robin")) -> list[Message]:
    """Return messages of two people, some of them the short ones that stand in every chat, at times that only go forward."""
    chance = random.Random(seed)  # noqa: S311
    moment = START + timedelta(days=seed % 300)
    rows: list[Message] = []
    for number in range(count):
        moment += timedelta(seconds=chance.choice((0, 5, 20, 61, 60 * minutes)))
        text = chance.choice(OFTEN) if chance.random() < 0.4 else " ".join(chance.choices(WORDS, k=chance.randint(2, 5)))
        speaker = names[number % len(names)] if number < 2 else chance.choice(names)
        rows.append(Message(message_id=str(number), speaker=speaker, text=text, timestamp=moment, source=Source("x", line=number)))
    return rows


def export(
    rows: Sequence[Message],
    unit: int,
    *,
    platform: str = "whatsapp",
    conversation: str | None = None,
    title: str | None = None,
    hours: int = 0,
    seconds: bool = True,
    names: dict[str, str] | None = None,
) -> Member:
    """Return rows as an export: with its own ids (where the platform has none), its own clock, and its own names."""
    digest = hashlib.sha256(repr((rows, hours, seconds, names)).encode()).hexdigest()
    messages = tuple(
        replace(
            row,
            message_id=row.message_id if conversation is not None else f"{digest[:12]}:{number}",
            speaker=(names or {}).get(row.speaker or "", row.speaker),
            timestamp=None
            if row.timestamp is None
            else (row.timestamp if seconds else row.timestamp.replace(second=0)) + timedelta(hours=hours),
            source=Source(digest[:12], line=number),
        )
        for number, row in enumerate(rows, 1)
    )
    talk = Talk(
        Conversation(conversation_id=conversation or digest[:12], platform=platform, title=title, messages=messages), messages
    )
    return Member(talk, f"export {digest[:6]}", digest, unit, 0)


def said(whole: Whole | Sequence[Message]) -> list[tuple[str | None, str]]:
    """Return who says what, in order."""
    messages = whole.talk.messages if isinstance(whole, Whole) else whole
    return [(message.speaker, message.text) for message in messages]
