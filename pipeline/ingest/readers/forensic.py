"""Examiners' reports: the tables of Cellebrite and of Magnet AXIOM as CSV and XLSX, and their XML.

Cellebrite's tables begin with rows of their own, and name ``Chat #, Participants, From, Body, Timestamp: Time``, with times such as
``13/02/2024 21:05:11(UTC+0)``. AXIOM's have a header that says the zone and the order of dates: ``Message Sent Date/Time -
UTC+00:00 (dd/MM/yyyy)``. Columns differ between versions and apps (see `forensic_columns`); all that are not told are
kept in ``meta``. A message that was deleted and recovered is a message, with what the report says of it in ``meta``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from pipeline.errors import ExportError
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.grids import Grid, csv_grids, day_zero, is_workbook, workbook_grids
from pipeline.ingest.parsing.table_fields import Columns
from pipeline.ingest.parsing.table_records import Record, Wanted
from pipeline.ingest.readers.axiom_xml import axiom_records
from pipeline.ingest.readers.forensic_columns import ROLES, Roles
from pipeline.ingest.readers.tables import Table
from pipeline.ingest.readers.ufed_xml import ufed_records
from pipeline.ingest.times.serial_numbers import FROM_1900
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation

_SHEET = 1 << 20
_NAMES = {"cellebrite": "Cellebrite", "axiom": "Magnet AXIOM"}


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the conversations of a report, put together where their rows do not stand together.

    Raises
    ------
    ExportError
        When the file is no such report, or a record cannot be read: with its line or row.
    AmbiguousDateOrder
        When nothing tells day from month.
    """
    file, head = unit.file, unit.file.head()
    if head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        source = ufed_records if unit.format == "cellebrite" else axiom_records
        table = Table(
            file, lambda wanted: source(file, wanted), Columns.named({}), options, log, platform=unit.format, by_time=True
        )
    else:
        sheets = is_workbook(file, head)
        tables = _tables(file, unit.format, sheets, options, log)
        records = _records(file, tables)
        table = Table(
            file,
            records,
            Columns.named({}),
            options,
            log,
            has_lines=not sheets,
            platform=unit.format,
            by_time=True,
            only_dates=True,
            day_zero=day_zero(file) if sheets else FROM_1900,
        )
    yield from table.conversations()


@dataclass(frozen=True, slots=True)
class _Told:
    """A grid whose columns are told."""

    grid: Grid
    header: int
    roles: Roles
    number: int


def _tables(file: ExportFile, program: str, sheets: bool, options: ReadOptions, log: ReadLog) -> list[_Told]:
    grids = workbook_grids(file) if sheets else csv_grids(file)
    roles = ROLES[program]
    tables: list[_Told] = []
    others: list[str] = []
    for number, grid in enumerate(grids):
        try:
            header = grid.header(lambda names: roles(names) is not None)
        except ExportError:
            if sheets:
                raise
            continue
        column_roles = roles(header[1]) if header is not None else None
        if header is None or column_roles is None:
            others.append(grid.title or "")
        else:
            tables.append(_Told(grid, header[0], column_roles, number))
    if not tables:
        raise ExportError(
            f"no table with the columns of a report by {_NAMES[program]}",
            where=file.name,
            do="Give the report's chats, or name the columns: --format csv --column text=… (or --format xlsx)",
        )
    if sheets and others:
        log.warn(file.name, f"{len(others)} sheet(s) passed over that hold no messages, such as {others[0]}")
    return tables if sheets else tables[:1]


def _records(file: ExportFile, tables: list[_Told]) -> Callable[[Wanted], Iterator[Record]]:
    def records(wanted: Wanted) -> Iterator[Record]:
        rows = chain.from_iterable(_rows(table) for table in tables)
        for index, (table, above, place, cells) in enumerate(rows):
            record = table.roles.record(cells, above)
            if wanted(index):
                record["conversation_id"] = f"{file.sha256[:12]}/{record['conversation_id']}"
                if table.number:
                    record["message_id"] = f"{file.sha256[:12]}:{table.number * _SHEET + place}"
                yield index, place, record if table.grid.title is None else _in_sheet(record, table.grid.title)

    return records


def _rows(table: _Told) -> Iterator[tuple[_Told, dict[int, Any], int, list[Any]]]:
    above: dict[int, Any] = {}
    for place, cells in table.grid.rows():
        if place > table.header and any(cell not in ("", None) for cell in cells):
            yield table, above, place, cells


def _in_sheet(record: dict[str, Any], sheet: str) -> dict[str, Any]:
    return {**record, "meta": {**record["meta"], "sheet": sheet}}
