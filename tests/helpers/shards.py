"""Tables of conversations of random lines, and a conversation, for the tests of scoring at scale."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from pipeline.schema import Conversation, Message, Source

LINES = (
    "good game everyone",
    "how old are you anyway",
    "this stays our secret ok",
    "dinner is ready",
    "no bye",
    "the dog win level",
)


def write_shard(path: Path, conversations: int, *, seed: int, length: int = 8) -> Path:
    """Write a table of conversations of random lines."""
    chance = random.Random(seed)  # noqa: S311
    with path.open("w", encoding="utf-8") as file:
        for number in range(conversations):
            for row in range(chance.randint(1, length)):
                cells = {"conversation_id": f"{path.stem}-{number}", "message_id": str(row), "speaker": chance.choice("KP")}
                file.write(json.dumps({**cells, "timestamp": None, "text": chance.choice(LINES)}) + "\n")
    return path


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """Return a folder of three tables of conversations."""
    folder = tmp_path / "night"
    folder.mkdir()
    for number in range(3):
        write_shard(folder / f"shard-{number}.jsonl", 30, seed=number)
    return folder


def conversation(*texts: str, name: str = "c") -> Conversation:
    """Return a conversation of two people who take turns."""
    messages = tuple(
        Message(message_id=str(number), speaker="KP"[number % 2], text=text, source=Source("x", row=number))
        for number, text in enumerate(texts, 1)
    )
    return Conversation(conversation_id=name, platform="test", messages=messages)
