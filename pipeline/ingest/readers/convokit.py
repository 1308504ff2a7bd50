"""ConvoKit's corpus folders: ``utterances.jsonl``, with ``conversations.json`` and lists of its own beside it.

::

    {"id": …, "conversation_id": …, "speaker": …, "text": …, "reply-to": …, "timestamp": 1707858311, "meta": {…}, "vectors": []}

Older corpora say ``user`` and ``root``. A folder that `pipeline.convert` wrote has, in ``meta["safelight"]``, what the form has no
place for, and is read back as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.errors import ExportError
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.json_stream import read_members
from pipeline.ingest.parsing.table_fields import Columns
from pipeline.ingest.parsing.table_records import Record, Wanted, jsonl_records
from pipeline.ingest.readers.tables import Table
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation

OURS = "safelight"

_READ = frozenset(
    {"id", "conversation_id", "root", "speaker", "user", "text", "reply-to", "reply_to", "timestamp", "meta", "vectors"}
)


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the conversations of a corpus folder.

    Raises
    ------
    ExportError
        When an utterance cannot be read, with its line.
    """
    file = unit.file
    about = _conversations(unit, log)

    def records(wanted: Wanted) -> Iterator[Record]:
        for index, line, row in jsonl_records(file, log, wanted):
            yield index, line, _record(row, about, f"{file.name}:{line}")

    yield from Table(file, records, Columns.named({}), options, log, platform="convokit").conversations()


def _conversations(unit: Unit, log: ReadLog) -> dict[str, Any]:
    """Return what the folder says of each conversation: newer corpora put it under ``meta``."""
    beside = unit.file.sibling("conversations.json")
    if beside is None:
        return {}
    about = {}
    for key, value in read_members(beside, log):
        if isinstance(value, dict):
            about[key] = value["meta"] if isinstance(value.get("meta"), dict) else value
    return about


def _record(row: dict[str, Any], about: dict[str, Any], where: str) -> dict[str, Any]:
    conversation = row.get("conversation_id", row.get("root"))
    meta = row.get("meta") or {}
    if not isinstance(meta, dict) or "id" not in row:
        raise ExportError("the utterance has no `id`, or its `meta` is no object", where=where, do="Write the corpus again")
    known = about.get(str(conversation), {})
    ours = meta.get(OURS)
    kept = {key: value for key, value in meta.items() if key != OURS}
    reply = row.get("reply-to", row.get("reply_to"))
    if isinstance(ours, dict):
        extra = ours
    else:
        extra = {"timestamp": row.get("timestamp"), "speaker": row.get("speaker", row.get("user"))}
        if reply not in (None, ""):
            kept["reply_to"] = reply
    return {
        "conversation_id": conversation,
        "message_id": row["id"],
        "text": row.get("text"),
        "conversation_meta": {key: value for key, value in known.items() if key not in ("platform", "title")},
        "platform": known.get("platform"),
        "conversation_title": known.get("title"),
        "meta": kept | {key: value for key, value in row.items() if key not in _READ and value not in (None, "", [], {})},
        "speaker": None,
        "timestamp": None,
        **extra,
    }
