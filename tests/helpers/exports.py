"""Read an export in one line, for the tests of readers."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.ingest import ReadLog, ReadOptions, read_conversations
from pipeline.schema import Conversation, Message


def read_all(path: Path, **options: Any) -> tuple[list[Conversation], ReadLog]:
    """Return every conversation at a path, loaded, and what the readers noticed."""
    log = ReadLog()
    if isinstance(options.get("timezone"), str):
        options["timezone"] = ZoneInfo(options["timezone"])
    return [conversation.load() for conversation in read_conversations([path], ReadOptions(**options), log)], log


def read_one(path: Path, **options: Any) -> list[Message]:
    """Return the messages of the only conversation at a path."""
    (conversation,), _ = read_all(path, **options)
    return list(conversation.messages)


def write(path: Path, content: str | bytes) -> Path:
    """Write a file as it is, and return its path."""
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return path
