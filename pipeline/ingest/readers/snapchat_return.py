"""Snapchat's answer to a warrant: ``conversations.csv``, below lines of its own that say what each column holds.

::

    content_type,message_type,conversation_id,message_id,reply_to_message_id,conversation_title,sender_username,sender_user_id,…
    TEXT,chat,aaaa,1,,,kim,1,robin_b,2,bread?,,true,true,Tue Feb 13 21:05:11 UTC 2024

Columns differ between years: those that are not told are kept in ``meta``. A conversation's rows are put in the order of time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from pipeline.errors import ExportError
from pipeline.ingest.detection.table_evidence import RETURN_COLUMNS, return_header
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.table_fields import Columns
from pipeline.ingest.parsing.table_records import Record, Wanted, csv_rows
from pipeline.ingest.parsing.text_lines import decoded_lines
from pipeline.ingest.readers.snapchat_rows import kind_of
from pipeline.ingest.readers.tables import Table
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation

_HEADER_LINES = 1_000
_READ = frozenset(
    {"conversation_id", "conversation_title", "message_id", "sender_username", "sender_user_id", "text", "timestamp"}
    | {"content_type", "media_id", "reply_to_message_id"}
)


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the conversations of a return.

    Raises
    ------
    ExportError
        When the file has no such table, or a record cannot be read: with its line.
    """
    file = unit.file
    header = _header_line(file)

    def records(wanted: Wanted) -> Iterator[Record]:
        rows = csv_rows(file, ",", start=header)
        names = [name.strip() for name in next(rows)[1]]
        for index, (line, cells) in enumerate(rows):
            if len(cells) != len(names):
                raise ExportError(
                    f"{len(cells)} fields where the header has {len(names)}",
                    where=f"{file.name}:{line}",
                    do="Give the file as Snapchat sent it: a spreadsheet program may have changed it",
                )
            if wanted(index):
                yield index, line, _record(dict(zip(names, cells, strict=True)))

    table = Table(file, records, Columns.named({}), options, log, platform="snapchat", by_time=True, mixed=True, only_dates=True)
    yield from table.conversations()


def _header_line(file: ExportFile) -> int:
    for number, line in decoded_lines(file):
        if return_header(line):
            return number
        if number == _HEADER_LINES:
            break
    raise ExportError(
        f"no line with the columns {', '.join(sorted(RETURN_COLUMNS))}", where=file.name, do="Give conversations.csv of the return"
    )


def _record(row: dict[str, str]) -> dict[str, Any]:
    text = row.get("text", "")
    content = row.get("content_type", "").strip().upper()
    kind = "media" if row.get("media_id") and not content.startswith("STATUS") else kind_of(content, text)
    speaker = row.get("sender_username") or row.get("sender_user_id") or None
    meta: dict[str, Any] = {name: value for name, value in row.items() if name not in _READ and value}
    if row.get("reply_to_message_id"):
        meta["reply_to"] = row["reply_to_message_id"]
    if row.get("media_id"):
        meta["attachments"] = [row["media_id"]]
    if content not in ("", "TEXT"):
        meta["media_type"] = row["content_type"]
    if kind == "system":
        meta["actor_id"] = speaker
    return {
        "conversation_id": row.get("conversation_id"),
        "conversation_title": row.get("conversation_title") or None,
        "message_id": row.get("message_id") or None,
        "speaker": None if kind == "system" else speaker,
        "timestamp": _iso(row.get("timestamp", "").strip()),
        "text": text,
        "kind": kind,
        "meta": meta,
    }


def _iso(text: str) -> str:
    """Return a time as ISO 8601: Java writes ``Tue Feb 13 21:05:11 UTC 2024``. Another one is left to be refused with its line."""
    try:
        return datetime.strptime(text.replace(" UTC ", " "), "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC).isoformat()
    except ValueError:
        return text.removesuffix(" UTC") + "+00:00" if text.endswith(" UTC") else text
