"""Signal Desktop's messages as they lie in its database, which sigtop and like programs write as JSON: a list, or one a line.

::

    [{"id": …, "conversationId": …, "type": "incoming", "sent_at": 1707858311000, "source": "+447700900123", "sourceServiceId": …,
      "body": "bread?", "attachments": [{"fileName": …, "contentType": …}], "quote": {"text": …, "authorAci": …, "id": …},
      "reactions": [{"emoji": …, "fromId": …}]}, …]

Signal's ``model-types.d.ts`` says what there is. The file's name is the chat's. Whatever is neither ``incoming`` nor ``outgoing``
is Signal's own: calls, changed keys, changes of the group.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from pipeline.ingest.addresses import OWNER
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.shape import Row, name_of, rest, shaped, string
from pipeline.ingest.parsing.table_fields import Columns
from pipeline.ingest.parsing.table_records import Record, Wanted, is_json_list, list_or_lines
from pipeline.ingest.readers.tables import Table
from pipeline.ingest.times.parse import from_number, whole
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Kind

_READ = frozenset(
    {"id", "conversationId", "type", "sent_at", "body", "source", "sourceServiceId", "sourceUuid", "attachments", "quote"}
    | {"reactions", "sticker", "deletedForEveryone", "received_at", "received_at_ms", "serverTimestamp", "timestamp", "rowid"}
    | {"sourceDevice", "seenStatus", "readStatus", "unidentifiedDeliveryReceived", "schemaVersion", "hasAttachments"}
)
_SPOKEN = ("incoming", "outgoing")


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the chats of a file, each in the order of time.

    Raises
    ------
    ExportError
        When a message is not of the form that Signal keeps, or the file cannot be read whole.
    """
    file = unit.file

    def records(wanted: Wanted) -> Iterator[Record]:
        for (index, place, row), source in list_or_lines(file, log, wanted):
            with shaped(source, "Signal Desktop"):
                yield index, place, _record(row, file)

    lines = not is_json_list(file)
    table = Table(file, records, Columns.named({}), options, log, has_lines=lines, platform="signal", by_time=True, mixed=True)
    yield from table.conversations()


def _record(row: Row, file: ExportFile) -> dict[str, Any]:
    text = string(row.get("body"))
    files = [string(entry.get("fileName")) or string(entry.get("contentType")) for entry in row.get("attachments") or ()]
    kind = _kind(row, text, media=bool(files))
    speaker = _speaker(row)
    meta = rest(row, _READ)
    if row.get("source") and row["source"] != speaker:
        meta["speaker_name"] = string(row["source"])
    if row.get("type") == "outgoing":
        meta["owner"] = True
    elif row.get("type") not in _SPOKEN:
        meta |= {"type": string(row.get("type")), "actor_id": speaker}
    if files:
        meta["attachments"] = files
    if row.get("sticker"):
        meta["media_type"] = "sticker"
    if quote := row.get("quote"):
        meta["reply_to"] = name_of(quote.get("id"))
        author = name_of(quote.get("authorAci") or quote.get("authorUuid") or quote.get("author"))
        meta |= {"quoted": [{"text": string(quote["text"]), "speaker": author}]} if quote.get("text") else {}
    if row.get("reactions"):
        meta["reactions"] = [
            {"emoji": string(reaction.get("emoji")), "speaker": name_of(reaction.get("fromId"))} for reaction in row["reactions"]
        ]
    return {
        "conversation_id": name_of(row["conversationId"]),
        "conversation_title": PurePosixPath(file.location.name).stem,
        "message_id": name_of(row.get("id")),
        "speaker": None if kind == "system" else speaker,
        "timestamp": from_number(whole(row.get("sent_at") or row["timestamp"])),
        "text": text,
        "kind": kind,
        "meta": meta,
    }


def _speaker(row: Row) -> str | None:
    if row.get("type") == "outgoing":
        return OWNER
    return name_of(row.get("sourceServiceId") or row.get("sourceUuid") or row.get("source") or row["conversationId"])


def _kind(row: Row, text: str, *, media: bool) -> Kind:
    if row.get("deletedForEveryone"):
        return "deleted"
    if row.get("type") not in _SPOKEN:
        return "system"
    return "media" if media or row.get("sticker") else "message" if text else "unsupported"
