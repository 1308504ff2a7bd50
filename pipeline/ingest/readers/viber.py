"""Viber: the CSV of its message history, a file a chat, mostly without a header, and the text of a single chat.

::

    13/02/2024,21:05:11,Robin,+447700900123,words       date, time of day, name, number, words
    [ 13/02/2024 21:05 ] Robin: words

Times are the phone's own, in its own order of day and month. The CSV quotes a text of several lines; the text does not mark where a
message ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from pipeline.errors import ExportError
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.table_fields import Columns
from pipeline.ingest.parsing.table_records import Record, Wanted, csv_rows
from pipeline.ingest.readers.tables import Table
from pipeline.ingest.readers.text_log import read_text
from pipeline.ingest.readers.viber_grammar import DELIMITERS, FORMAT, is_header, kind_of, time_of
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the one conversation of a file.

    Raises
    ------
    ExportError
        When a line is not UTF-8, no line begins a message, or a record cannot be read.
    AmbiguousDateOrder
        When nothing tells day from month.
    """
    file = unit.file
    delimiter = next((sign for sign in DELIMITERS if time_of(_first(file, sign, options)) is not None), None)
    if delimiter is not None:
        yield from _table(file, delimiter, options, log).conversations()
    else:
        yield read_text(file, FORMAT, options, log, title=_title(file))


def _title(file: ExportFile) -> str:
    return PurePosixPath(file.member or file.path.name).stem


def _table(file: ExportFile, delimiter: str, options: ReadOptions, log: ReadLog) -> Table:
    def records(wanted: Wanted) -> Iterator[Record]:
        for index, (line, row) in enumerate(_rows(file, delimiter, options)):
            if wanted(index):
                yield index, line, _record(row, file, line)

    return Table(file, records, Columns.named({}), options, log, platform="viber")


def _rows(file: ExportFile, delimiter: str, options: ReadOptions) -> Iterator[tuple[int, list[str]]]:
    """Yield the records without a header."""
    for number, (line, row) in enumerate(csv_rows(file, delimiter)):
        if number or not is_header(row):
            yield line, row


def _first(file: ExportFile, delimiter: str, options: ReadOptions) -> list[str]:
    try:
        return next(_rows(file, delimiter, options), (1, []))[1]
    except ExportError:
        return []


def _record(row: list[str], file: ExportFile, line: int) -> dict[str, Any]:
    if time_of(row) is None:
        raise ExportError(
            f"a record of {len(row)} fields that does not begin with a date and a time of day",
            where=f"{file.name}:{line}",
            do="Export the chats again, and do not edit the file",
        )
    name, number, text = row[2].strip(), row[3].strip() if len(row) == 5 else "", row[-1]
    speaker = number or name or None
    kind, meta = kind_of(speaker, text) if speaker else ("system", {})
    if number and name:
        meta["speaker_name"] = name
    return {
        "conversation_id": file.sha256[:12],
        "conversation_title": _title(file),
        "speaker": None if kind == "system" else speaker,
        "timestamp": f"{row[0].strip()} {row[1].strip()}",
        "text": text,
        "kind": kind,
        "meta": meta,
    }
