"""Label Studio's JSON export: a task a message, with what was imported in ``data`` and the labels of each annotator.

::

    [{"id": 1, "data": {"conversation_id": "c1", "speaker": "kim", "timestamp": …, "text": …},
      "annotations": [{"id": 9, "was_cancelled": false, "result": [{"from_name": "stages", "type": "choices",
                                                                    "value": {"choices": ["access"]}}]}]}, …]

A label stands in the column that its control is named for. Of several annotations the last one that was not skipped counts. Its CSV
and its JSON_MIN are tables: see `pipeline.corpora.readers.tables`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.errors import CorpusError, ExportError
from pipeline.ingest import ReadLog, ReadOptions
from pipeline.ingest.detection.json_evidence import key_chains
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.parsing.json_stream import read_items
from pipeline.ingest.parsing.table_fields import REQUIRED, Columns
from pipeline.ingest.parsing.table_records import Record, Wanted
from pipeline.ingest.readers.tables import Table
from pipeline.schema import Conversation

_TASK = frozenset({"annotations", "data", "result"})
_ID = "label_studio_id"


def is_label_studio(path: Path) -> bool:
    """Tell a file of tasks by the keys of its first objects."""
    if not path.is_file():
        return False
    try:
        head = ExportFile(path).head()
    except ExportError:
        return False
    return head.lstrip()[:1] == b"[" and any(chain >= _TASK for chain in key_chains(head))


def read_label_studio(path: Path, options: ReadOptions) -> Iterator[Conversation]:
    """Yield the conversations of a file, with the labels in the ``meta`` of their messages.

    Raises
    ------
    CorpusError
        When a task is not of the form that Label Studio writes, or lacks a field that a message needs.
    """
    file, log = ExportFile(path), ReadLog()
    columns = Columns.named(options.columns)

    def records(wanted: Wanted) -> Iterator[Record]:
        for index, task in enumerate(read_items(file, "item", log)):
            if wanted(index):
                yield index, index + 1, _record(task, f"{file.name}: record {index + 1}", columns)

    yield from Table(file, records, columns, options, log, has_lines=False, platform="label_studio").conversations()


def _record(task: Any, where: str, columns: Columns) -> dict[str, Any]:
    try:
        record = dict(task["data"])
        labels: dict[str, list[Any]] = {}
        annotations = [entry for entry in task["annotations"] if not entry.get("was_cancelled")]
        for result in annotations[-1]["result"] if annotations else ():
            value = result["value"]
            chosen = value.get("choices") or value.get("labels") or [levels[-1] for levels in value.get("taxonomy") or ()]
            if chosen:
                labels.setdefault(result["from_name"], []).extend(chosen)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        raise CorpusError("not a task as Label Studio writes it", where=where, do="Export again, as JSON") from None
    missing = [columns.of[field] for field in REQUIRED if columns.of[field] not in record]
    if missing:
        raise CorpusError(
            f"the `data` of the task has no {', '.join(missing)}",
            where=where,
            do="Import a task a message with conversation_id, speaker, timestamp and text, or name the fields with --column",
        )
    return {_ID: task.get("id"), **record, **{name: entry[0] if len(entry) == 1 else entry for name, entry in labels.items()}}
