"""Snapchat's ``chat_history.json``: an object with a list of rows for each conversation, the newest first.

::

    {"friend": [{"From": …, "Media Type": "TEXT", "Created": "2024-02-13 21:05:11 UTC", "Content": …, "IsSender": true,
                 "Conversation Title": …, "IsSaved": …, "Media IDs": …, "Created(microseconds)": 1707858311000}, …], …}

What is called microseconds is milliseconds in most exports: told from the number's size. A row has no id. One conversation is held
at a time, for it has to be turned round. Older files have a list for each direction: see `pipeline.ingest.readers.snapchat_lists`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.errors import ExportError
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.json_stream import read_members
from pipeline.ingest.parsing.shape import Row, name_of, rest, shaped, string
from pipeline.ingest.readers.snapchat_lists import is_by_direction, read_by_direction
from pipeline.ingest.readers.snapchat_rows import kind_of
from pipeline.ingest.times.order import in_time_order
from pipeline.ingest.times.parse import from_iso, from_number, whole
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Message, Source

_UTC = ZoneInfo("UTC")
_READ = frozenset(
    {"From", "Media Type", "Created", "Content", "Text", "Conversation Title", "IsSender", "Created(microseconds)", "Media IDs"}
)


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the conversations of a ``chat_history.json``, each in the order of time.

    Raises
    ------
    ExportError
        When the file is no such export, or cannot be read whole.
    """
    file = unit.file
    if is_by_direction(file, log):
        yield from read_by_direction(file, options, log)
        return
    before = 0
    for key, rows in read_members(file, log):
        if not isinstance(rows, list):
            raise ExportError("a conversation is not a list", where=file.name, do="Give the chat_history.json of Snapchat")
        messages = _messages(rows, file.name, file.sha256[:12], before)
        before += len(rows)
        title = next((row["Conversation Title"] for row in rows if isinstance(row, dict) and row.get("Conversation Title")), None)
        yield Conversation(conversation_id=key, platform="snapchat", title=title, messages=messages)


def _messages(rows: Sequence[Any], name: str, digest: str, before: int) -> tuple[Message, ...]:
    return in_time_order(_message(row, Source(name, row=number), digest) for number, row in enumerate(rows, before + 1))


def _message(row: Row, source: Source, digest: str) -> Message:
    with shaped(source, "Snapchat"):
        media_type = string(row.get("Media Type"))
        text = string(row.get("Content")) or string(row.get("Text"))
        kind = kind_of(media_type, text)
        meta = rest(row, _READ)
        if media_type not in ("", "TEXT"):
            meta["media_type"] = media_type
        if row.get("Media IDs"):
            meta["attachments"] = string(row["Media IDs"]).split(" | ")
        if kind == "system":
            meta["actor_id"] = row.get("From")
        if row.get("IsSender") is True:
            meta["owner"] = True
        return Message(
            message_id=f"{digest}:{source.row}",
            speaker=None if kind == "system" else name_of(row.get("From")),
            timestamp=_moment(row),
            text=text,
            kind=kind,
            source=source,
            meta=meta,
        )


def _moment(row: Row) -> datetime | None:
    exact = row.get("Created(microseconds)")
    if exact:
        return from_number(whole(exact))
    created = row.get("Created")
    return from_iso(string(created).removesuffix(" UTC"), _UTC) if created else None
