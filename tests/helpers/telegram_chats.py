"""Rows and chats as Telegram Desktop writes them, and what is read of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.ingest import ReadLog, ReadOptions, read_conversations
from pipeline.schema import Conversation, Message

NOON = 1707825600


def row(id_: int = 1, text: object = "hello", **fields: Any) -> dict[str, Any]:
    """Return a row as Telegram Desktop writes it."""
    return {
        "id": id_,
        "type": "message",
        "date": "2024-02-13T13:00:00",
        "date_unixtime": str(NOON + id_),
        "from": "Kim",
        "from_id": "user7",
        "text": text,
        **fields,
    }


def chat(*rows: object, id_: int = 42, type_: str = "personal_chat", name: str | None = "Kim") -> dict[str, Any]:
    """Return a chat of rows."""
    return {"name": name, "type": type_, "id": id_, "messages": list(rows)}


def read(path: Path, content: object, *, log: ReadLog | None = None, zone: str | None = None) -> list[Conversation]:
    """Return the conversations of a ``result.json`` with this content."""
    file = path / "result.json"
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content, indent=1, ensure_ascii=False).encode())
    options = ReadOptions(format="telegram", timezone=ZoneInfo(zone) if zone else None)
    return [conversation.load() for conversation in read_conversations([file], options, log or ReadLog())]


def messages(path: Path, *rows: object, **how: Any) -> list[Message]:
    """Return the messages of one chat of rows."""
    (conversation,) = read(path, chat(*rows), **how)
    return list(conversation.messages)


def message_of(path: Path, *, zone: str | None = None, **fields: Any) -> Message:
    """Return the message of one row with these fields."""
    (message,) = messages(path, row(**fields), zone=zone)
    return message
