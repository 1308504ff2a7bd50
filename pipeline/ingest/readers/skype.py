"""Skype's export ``messages.json``, and that of Teams for private use, which has the same form.

::

    {"userId": "8:live:kim", "exportDate": "2024-02-14T08:00", "conversations": [{"id": "8:live:robin", "displayName": "Robin",
        "threadProperties": null, "MessageList": [{"id": "1707858311000", "originalarrivaltime": "2024-02-13T21:05:11.123Z",
            "messagetype": "RichText", "content": …, "from": "8:live:robin", "displayName": …, "properties": {…}}, …]}]}

Messages stand newest first. The content of all but ``Text`` is Skype's XML: what people saw is ``text``, and where that differs
what Skype wrote is ``meta["raw_text"]``. One conversation is held at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.errors import ExportError
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.json_stream import read_items
from pipeline.ingest.parsing.markup import Words, words_of
from pipeline.ingest.parsing.shape import Row, name_of, rest, shaped, string
from pipeline.ingest.parsing.table_fields import plain
from pipeline.ingest.times.order import in_time_order
from pipeline.ingest.times.parse import from_iso
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Kind, Message, Source

_UTC = ZoneInfo("UTC")
_SPOKEN = frozenset({"text", "richtext", "richtext/html", "richtext/contacts", "richtext/location"})
_SYSTEM = (
    "threadactivity/",
    "event/",
    "notice",
    "popcard",
    "invitefreerelationshipchanged/",
    "systemmessage",
    "translation",
    "control/",
)
_READ = frozenset({"id", "originalarrivaltime", "messagetype", "content", "from", "displayName", "conversationid", "version"})


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the conversations of an export, each in the order of time.

    Raises
    ------
    ExportError
        When the file is no such export, or cannot be read whole.
    """
    file = unit.file
    row = 0
    for number, value in enumerate(read_items(file, "conversations.item", log), 1):
        if not isinstance(value, dict) or not isinstance(value.get("MessageList") or [], list):
            raise ExportError(
                "a conversation is not of the form that Skype writes",
                where=f"{file.name}: conversation {number}",
                do="Give messages.json as it stands in the export",
            )
        rows = value.get("MessageList") or []
        with shaped(Source(file.name, row=row + 1), "Skype"):
            thread = value.get("threadProperties") or {}
            title = string(value.get("displayName")) or string(thread.get("topic"))
            identity = name_of(value.get("id")) or f"{file.sha256[:12]}:{number}"
        yield Conversation(
            conversation_id=identity,
            platform="skype",
            title=title or None,
            messages=in_time_order(
                _message(entry, Source(file.name, row=place), file) for place, entry in enumerate(rows, row + 1)
            ),
        )
        row += len(rows)


def _message(row: Row, source: Source, file: ExportFile) -> Message:
    with shaped(source, "Skype"):
        sort = string(row.get("messagetype"))
        raw = string(row.get("content"))
        words = Words(raw) if sort == "Text" else words_of(raw)
        kind = _kind(row, sort.casefold(), words)
        sender = name_of(row.get("from"))
        sender = sender.rpartition("/contacts/")[2] if sender else None
        meta = _meta(row, sort, words)
        if words.text != raw:
            meta["raw_text"] = raw
        if kind == "system":
            meta["actor_id"] = sender
        return Message(
            message_id=name_of(row.get("id")) or f"{file.sha256[:12]}:{source.row}",
            speaker=None if kind == "system" else sender,
            timestamp=from_iso(string(row["originalarrivaltime"]), _UTC) if row.get("originalarrivaltime") else None,
            text=words.text,
            kind=kind,
            source=source,
            meta=plain(meta),
        )


def _kind(row: Row, sort: str, words: Words) -> Kind:
    if sort.startswith(_SYSTEM):
        return "system"
    properties = row.get("properties") or {}
    if properties.get("deletetime") or properties.get("isserversidegenerated") == "deleted":
        return "deleted"
    if words.files or (sort not in _SPOKEN and sort.startswith("richtext/")):
        return "media"
    return "message" if words.text else "unsupported"


def _meta(row: Row, sort: str, words: Words) -> dict[str, Any]:
    meta = rest(row, _READ)
    if row.get("displayName"):
        meta["speaker_name"] = string(row["displayName"])
    if sort.casefold() not in ("text", "richtext"):
        meta["type"] = sort
    if (row.get("properties") or {}).get("edittime"):
        meta["edited"] = True
    if words.quoted:
        meta["quoted"] = words.quoted
    if words.files:
        meta["attachments"] = words.files
    return meta
