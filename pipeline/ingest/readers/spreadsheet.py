"""Workbooks of Excel's with a table of messages in any of their sheets: the columns are those of any table (`table_fields`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.errors import ExportError
from pipeline.ingest.detection.table_evidence import holds_messages, is_complete, typed_columns
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.grids import Grid, day_zero, workbook_grids
from pipeline.ingest.parsing.table_fields import Columns
from pipeline.ingest.parsing.table_records import Record, Wanted
from pipeline.ingest.readers.tables import Table
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the conversations of each sheet that holds messages. A sheet is held whole while it is read.

    Raises
    ------
    ConfigError
        When ``options.columns`` names a field that we do not have.
    ExportError
        When the workbook is damaged, no sheet holds messages, a column is missing, or a record cannot be read: with its row.
    """
    asked = options.columns
    Columns.named(asked)
    grids = workbook_grids(unit.file)
    complete = [
        (grid, header) for grid in grids if (header := grid.header(lambda names: is_complete(names, typed_columns(names, asked))))
    ]
    partial = [(grid, header) for grid in grids if (header := grid.header(lambda names: holds_messages(names, asked)))]
    if not (complete or partial):
        raise ExportError(
            f"none of the {len(grids)} sheet(s) is a table of messages",
            where=unit.file.name,
            do="Say which columns hold what: --column conversation_id=… --column text=…, or save the table as CSV",
        )
    chosen = complete or partial
    if len(chosen) < len(grids):
        log.warn(unit.file.name, f"{len(grids) - len(chosen)} sheet(s) passed over that hold no table of messages")
    for number, (grid, (place, names)) in enumerate(chosen):
        columns = Columns.typed(names, asked)
        yield from _table(unit.file, grid, place, names, number, columns, options, log).conversations()


def _table(
    file: ExportFile,
    grid: Grid,
    header: int,
    names: list[str],
    number: int,
    columns: Columns,
    options: ReadOptions,
    log: ReadLog,
) -> Table:
    own_ids = columns.of["message_id"]

    def records(wanted: Wanted) -> Iterator[Record]:
        rows = ((place, cells) for place, cells in grid.rows() if place > header)
        for index, (place, cells) in enumerate(rows):
            if wanted(index):
                record: dict[str, Any] = dict(zip(names, cells, strict=False))
                if number and not record.get(own_ids):
                    record[own_ids] = f"{file.sha256[:12]}:{number << 20 | place}"
                yield index, place, record

    return Table(file, records, columns, options, log, has_lines=False, day_zero=day_zero(file))
