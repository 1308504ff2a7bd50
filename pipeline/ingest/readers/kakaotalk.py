"""KakaoTalk: the text of Android, iOS and Windows, and the CSV of the Mac.

::

    지우 님과 카카오톡 대화                         KakaoTalk Chats with Jiwoo
    저장한 날짜 : 2024년 2월 14일 오전 8:00         Date Saved : Feb 14, 2024 at 8:00 AM

    2024년 2월 13일 오후 9:05, 지우 : words        Android; Feb 13, 2024 at 9:05 PM, Jiwoo : words
    2024. 2. 13. 오후 9:05, 지우 : words           iOS
    --------------- 2024년 2월 13일 화요일 ---------------
    [지우] [오후 9:05] words                       Windows

    Date,User,Message                              Mac
    2024-02-13 21:05:11,"지우","words"

A notice has no name. Windows marks it by nothing: a line is one where its whole wording is known and a row or a day follows. Times
are the device's own. No layout but the CSV marks where a message ends, so that a person can type a line that looks like a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.table_fields import Columns
from pipeline.ingest.parsing.table_records import Record, Wanted, csv_records
from pipeline.ingest.readers.kakaotalk_grammar import COLUMNS, FORMAT, is_csv, kind_of
from pipeline.ingest.readers.tables import Table
from pipeline.ingest.readers.text_log import read_text
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
    if is_csv(file.head().decode("utf-8", "replace")):
        yield from _table(file, options, log).conversations()
    else:
        yield read_text(file, FORMAT, options, log)


def _table(file: ExportFile, options: ReadOptions, log: ReadLog) -> Table:
    def records(wanted: Wanted) -> Iterator[Record]:
        for index, line, row in csv_records(file, COLUMNS, wanted):
            yield index, line, _record(row, file.sha256[:12])

    return Table(file, records, Columns.named({}), options, log, platform="kakaotalk", only_dates=True)


def _record(row: dict[str, Any], conversation: str) -> dict[str, Any]:
    speaker, text = row["User"] or None, row["Message"]
    kind, meta = kind_of(speaker, text) if speaker else ("system", {})
    return {
        "conversation_id": conversation,
        "speaker": None if kind == "system" else speaker,
        "timestamp": row["Date"],
        "text": text,
        "kind": kind,
        "meta": meta,
    }
