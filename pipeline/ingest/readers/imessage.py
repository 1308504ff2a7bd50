"""iMessage, SMS and WhatsApp, as iMazing writes them to CSV, a row a message.

::

    Chat Session,Message Date,Delivered Date,Read Date,Edited Date,Service,Type,Sender ID,Sender Name,Status,…,Text,…

Tables of WhatsApp have no ``Service``. Outgoing rows name no sender: they are the phone's owner, ``Me``. Times are the phone's own.
Other exporters' tables are read as CSV with their columns named (``--column``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.ingest.addresses import OWNER
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.table_fields import Columns
from pipeline.ingest.parsing.table_records import Record, Wanted, csv_records
from pipeline.ingest.readers.tables import Table
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation

COLUMNS = frozenset({"Chat Session", "Message Date", "Type", "Text"})

_READ = COLUMNS | {"Sender ID", "Sender Name", "Edited Date", "Deleted Date", "Replying to", "Attachment", "Attachment type"}


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the conversations of a table.

    Raises
    ------
    ExportError
        When a record cannot be read, with its line.
    """

    def records(wanted: Wanted) -> Iterator[Record]:
        for index, line, row in csv_records(unit.file, sorted(COLUMNS), wanted):
            yield index, line, _record(row)

    first = next(csv_records(unit.file, sorted(COLUMNS)), None)
    platform = "whatsapp" if first is not None and "Service" not in first[2] else "imessage"
    yield from Table(unit.file, records, Columns.named({}), options, log, platform=platform, only_dates=True).conversations()


def _record(row: dict[str, Any]) -> dict[str, Any]:
    type_ = row.get("Type", "")
    sender = row.get("Sender ID") or row.get("Sender Name")
    meta: dict[str, Any] = {key: value for key, value in row.items() if key not in _READ and value}
    for name, column in (("edited", "Edited Date"), ("deleted", "Deleted Date"), ("reply_to", "Replying to"), ("type", "Type")):
        if row.get(column):
            meta[name] = row[column]
    if row.get("Sender Name"):
        meta["speaker_name"] = row["Sender Name"]
    if row.get("Attachment"):
        meta["attachments"] = [row["Attachment"]]
    if row.get("Attachment type"):
        meta["media_type"] = row["Attachment type"]
    kind = "message"
    if type_ == "Notification":
        kind = "system"
    elif row.get("Deleted Date"):
        kind = "deleted"
    elif row.get("Attachment"):
        kind = "media"
    return {
        "conversation_id": row.get("Chat Session"),
        "speaker": None if kind == "system" else sender or (OWNER if type_ == "Outgoing" else None),
        "timestamp": row.get("Message Date"),
        "text": row.get("Text", ""),
        "kind": kind,
        "meta": meta,
    }
