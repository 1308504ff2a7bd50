"""Tables as rows of cells, from CSV or from the sheets of a workbook, before it is known which row is the header."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum

from pipeline.errors import ArchiveRefused, ExportError
from pipeline.ingest.files.archives import archive_kind
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.parsing.table_records import csv_rows
from pipeline.ingest.parsing.xml_stream import read_xml
from pipeline.ingest.times.serial_numbers import FROM_1900, FROM_1904

DELIMITERS = (",", ";", "\t")
HEADER_ROWS = 40
"""A header is looked for in this many rows: reports begin with rows of their own."""

Row = tuple[int, list[Any]]
"""A row's place from 1 (the line of a CSV, the row of a sheet), and its cells; an empty cell is an empty text."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of cells that can be read again and again. ``title`` is the sheet's."""

    rows: Callable[[], Iterator[Row]]
    title: str | None = None

    def header(self, fits: Callable[[Sequence[str]], bool]) -> tuple[int, list[str]] | None:
        """Return the place of the first row that fits as a header, and its names."""
        for count, (place, cells) in enumerate(self.rows()):
            if count == HEADER_ROWS:
                return None
            names = column_names(cells)
            if fits(names):
                return place, names
        return None


def column_names(cells: Sequence[Any]) -> list[str]:
    """Return the names of columns, each once: a second ``Name`` becomes ``Name~2``, and one without a name its number."""
    names: dict[str, None] = {}
    copies: Counter[str] = Counter()
    for number, cell in enumerate(cells, 1):
        title = name = str(cell).strip() or f"column {number}"
        copies[title] += 1
        while name in names:
            name = f"{title}~{copies[title]}"
            copies[title] += name in names
        names[name] = None
    return list(names)


def csv_grids(file: ExportFile) -> list[Grid]:
    """Return a CSV as it is cut by each separator."""
    return [Grid(lambda delimiter=delimiter: csv_rows(file, delimiter)) for delimiter in DELIMITERS]


def is_workbook(file: ExportFile, head: bytes) -> bool:
    """Whether a file is a workbook of Excel's: an archive with a member for it."""
    if archive_kind(head) != "zip":
        return False
    try:
        return file.as_archive().has("xl/workbook.xml")
    except ArchiveRefused:
        return False


def _content(file: ExportFile) -> io.BytesIO:
    with file.open_bytes() as stream:
        return io.BytesIO(stream.read())


def workbook_grids(file: ExportFile) -> list[Grid]:
    """Return the sheets of a workbook. A sheet is held whole while it is read.

    Raises
    ------
    ArchiveRefused
        When the workbook unpacks to more than the file's ``max_bytes``.
    ExportError
        When it is damaged, or protected by a password.
    """
    content = _content(file)
    _check_size(content, file)
    content.seek(0)
    try:
        workbook = CalamineWorkbook.from_filelike(content)
        names = [sheet.name for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    except (CalamineError, ValueError, OSError) as error:
        raise _damaged(file) from error
    return [Grid(lambda name=name: _sheet_rows(workbook, name, file), name) for name in names]


def day_zero(file: ExportFile) -> datetime:
    """Return the day from which a workbook counts its dates: it says so where that is in 1904.

    Raises
    ------
    ArchiveRefused, ExportError
        When the workbook is damaged.
    """
    for event in read_xml(file.inside("xl/workbook.xml")):
        if event.kind == "start" and event.value.rpartition(":")[2] == "workbookPr":
            return FROM_1904 if event.attributes.get("date1904") in ("1", "true") else FROM_1900
    return FROM_1900


def _check_size(content: io.BytesIO, file: ExportFile) -> None:
    """Unpack every member once and count, as for any archive: what the members say of their size is not trusted."""
    try:
        with zipfile.ZipFile(content) as archive:
            left = file.max_bytes
            for member in archive.infolist():
                with archive.open(member) as stream:
                    while block := stream.read(1 << 20):
                        left -= len(block)
                        if left < 0:
                            raise ArchiveRefused(
                                f"the workbook unpacks to more than {file.max_bytes:,} bytes",
                                where=file.name,
                                do="If it is to be trusted, save its table as CSV, or raise --max-member-bytes",
                            )
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError) as error:
        raise _damaged(file) from error


def _sheet_rows(workbook: CalamineWorkbook, name: str, file: ExportFile) -> Iterator[Row]:
    try:
        sheet: CalamineSheet = workbook.get_sheet_by_name(name)
        first = sheet.start[0] + 1 if sheet.start is not None else 1
        rows = sheet.iter_rows()
    except (CalamineError, ValueError, OSError) as error:
        raise _damaged(file) from error
    for place, cells in enumerate(rows, first):
        if any(cell != "" for cell in cells):
            yield place, cells


def _damaged(file: ExportFile) -> ExportError:
    return ExportError(
        "the workbook is damaged, or protected by a password", where=file.name, do="Save it again without a password, or as CSV"
    )
