"""Records of tables: JSON Lines, a JSON list, CSV and Parquet, one by one, each with its place in the file."""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import ExportError
from pipeline.ingest.detection.table_evidence import folded, is_separator_line
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog
from pipeline.ingest.parsing.json_line import decoded, line_object
from pipeline.ingest.parsing.json_stream import read_items
from pipeline.ingest.parsing.text_lines import line_blocks
from pipeline.schema import Source

Record = tuple[int, int, dict[str, Any]]
"""The index of a record from 0, its place (the line it starts on, or its row from 1), and its values by column."""

Wanted = Callable[[int], bool]
"""Whether the record of an index is wanted; the others are passed over as cheaply as the format allows."""

_LONGEST_FIELD = 1 << 24
_MOST_COLUMNS = 10_000
_BATCH = 4096
_BEGIN = 256
_DELIMITERS = (",", ";", "\t")


def everything(index: int) -> bool:
    """Want every record."""
    return True


def jsonl_records(file: ExportFile, log: ReadLog, wanted: Wanted = everything) -> Iterator[Record]:
    """Yield the objects of a JSON Lines file; empty lines are passed over.

    Raises
    ------
    ExportError
        When a line is not UTF-8, not JSON, not an object, or has a key twice: with the line.
    """
    index = -1
    for line, raw in _lines(file):
        if raw.isspace() or not raw:
            continue
        index += 1
        if wanted(index):
            yield index, line, line_object(raw, file.name, line, log)


def json_records(file: ExportFile, log: ReadLog, wanted: Wanted = everything) -> Iterator[Record]:
    """Yield the objects of a file that is one JSON list.

    Raises
    ------
    ExportError
        When the file is not whole and valid JSON, or an element is no object.
    """
    for index, value in enumerate(read_items(file, "item", log)):
        if not isinstance(value, dict):
            raise ExportError("not a JSON object", where=f"{file.name}: record {index + 1}", do="Each element is to be one object")
        if wanted(index):
            yield index, index + 1, value


def is_json_list(file: ExportFile) -> bool:
    """Whether a file begins as a JSON list does."""
    return file.head(_BEGIN).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")


def list_or_lines(file: ExportFile, log: ReadLog, wanted: Wanted = everything) -> Iterator[tuple[Record, Source]]:
    """Yield the objects of a JSON list or of JSON Lines, each with where it stands; raises as the readers of either do."""
    is_list = is_json_list(file)
    for record in json_records(file, log, wanted) if is_list else jsonl_records(file, log, wanted):
        yield record, Source(file.name, row=record[1]) if is_list else Source(file.name, line=record[1])


class CsvHeader(NamedTuple):
    """The header of a CSV file: what separates its columns, their names, and the line it starts on."""

    delimiter: str
    names: list[str]
    line: int


def csv_header(file: ExportFile, required: Sequence[str]) -> CsvHeader:
    """Return the header of a CSV file, separated by commas, semicolons or tabs.

    The separator is the one that gives a header with the ``required`` columns, else the one that gives most columns.

    Raises
    ------
    ExportError
        When a column stands twice, or there are more of them than any table of messages has.
    """
    csv.field_size_limit(_LONGEST_FIELD)
    headers = {delimiter: _csv_header(file, delimiter) for delimiter in _DELIMITERS}
    delimiter = max(_DELIMITERS, key=lambda d: (set(map(folded, required)) <= set(map(folded, headers[d][1])), len(headers[d][1])))
    line, names = headers[delimiter]
    header = [name.strip() for name in names]
    if len(header) > _MOST_COLUMNS:
        raise ExportError(
            f"{len(header):,} columns in the header", where=f"{file.name}:1", do="Check that this is a table of messages"
        )
    if twice := [name for name, number in Counter(header).items() if number > 1]:
        shown = ", ".join(sorted(twice)) if set(required) <= set(header) else f"{len(twice)} of {len(header)}"
        raise ExportError(f"columns stand twice in the header: {shown}", where=f"{file.name}:1", do="Rename one of each")
    return CsvHeader(delimiter, header, line)


def csv_records(
    file: ExportFile,
    required: Sequence[str],
    wanted: Wanted = everything,
    *,
    header: CsvHeader | None = None,
    start: tuple[int, int] = (0, 1),
) -> Iterator[Record]:
    """Yield the records of a CSV file with a header (see `csv_header`), quoted with ``"``.

    With ``start`` they begin with the record of that index, which starts on that line.

    Raises
    ------
    ExportError
        When the file is not UTF-8, holds NUL bytes, a quote stays open, or a record has not the header's number of fields.
    """
    header = header or csv_header(file, required)
    index, line = start
    rows = csv_rows(file, header.delimiter, start=line)
    if line == 1:
        next((row for row in rows if row[0] == header.line), None)
    for index, (line, row) in enumerate(rows, index):  # noqa: B020 - the count goes on from the start
        if len(row) != len(header.names):
            raise ExportError(
                f"{len(row)} fields where the header has {len(header.names)}",
                where=f"{file.name}:{line}",
                do="A field that holds the separator or a line break is to stand in quotes",
            )
        if wanted(index):
            yield index, line, dict(zip(header.names, row, strict=True))


def _csv_header(file: ExportFile, delimiter: str) -> tuple[int, list[str]]:
    """Return the line and the names of the header as this separator cuts it; none where it cannot be cut so."""
    try:
        rows = csv_rows(file, delimiter)
        first = next(rows, (1, []))
        return next(rows, first) if is_separator_line(delimiter.join(first[1])) else first
    except ExportError:
        return 1, []


def csv_rows(file: ExportFile, delimiter: str, *, start: int = 1) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not empty with the line that each starts on, from line ``start`` on."""
    before = start - 1
    reader = csv.reader(islice(_csv_lines(file), before, None), delimiter=delimiter, strict=True)
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise ExportError(
                f"not valid CSV in the record that starts here ({error})",
                where=f"{file.name}:{start}",
                do="Check its quotes: within a quoted field each quote is to stand twice, and the last one closes it",
            ) from None
        if row is None:
            return
        if row:
            yield start, row
        start = before + reader.line_num + 1


def _csv_lines(file: ExportFile) -> Iterator[str]:
    for line, raw in _lines(file):
        where = f"{file.name}:{line}"
        if b"\0" in raw:
            raise ExportError(
                "a NUL byte in the text", where=where, do="Save the file as CSV in UTF-8; this is another sort of file"
            )
        yield decoded(raw, where)


def _lines(file: ExportFile) -> Iterator[tuple[int, bytes]]:
    r"""Yield the lines, which end with ``\n``, and their numbers from 1; without a byte order mark."""
    line = 0
    with file.open() as stream:
        for block in line_blocks(stream, file.name, do="Check that this is a table of messages"):
            yield from lines_of(block.removeprefix(codecs.BOM_UTF8) if line == 0 else block, line)
            line += block.count(b"\n")


def lines_of(block: bytes, line: int) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a block with their ends and their numbers; ``line`` is the number of the line before it."""
    *whole, last = block.split(b"\n")
    for raw in whole:
        line += 1
        yield line, raw + b"\n"
    if last:
        yield line + 1, last


def parquet_columns(file: ExportFile) -> list[str]:
    """Return the columns of a Parquet file.

    Raises
    ------
    ExportError
        When the file is damaged.
    """
    with _parquet(file) as table:
        return table.schema_arrow.names


def parquet_records(file: ExportFile, wanted: Wanted = everything) -> Iterator[Record]:
    """Yield the rows of a Parquet file; times, dates, decimals and bytes as Python's own.

    Raises
    ------
    ExportError
        When the file is damaged.
    """
    start = 0
    for batch in parquet_batches(file):
        indices = [i for i in range(batch.num_rows) if wanted(start + i)]
        rows = _python_rows(batch if len(indices) == batch.num_rows else batch.take(pa.array(indices, pa.int64())), file)
        for i, row in zip(indices, rows, strict=True):
            yield start + i, start + i + 1, row
        start += batch.num_rows


def parquet_batches(file: ExportFile) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a Parquet file in batches; raises as `parquet_records` does."""
    with _parquet(file) as table:
        yield from _batches(table, file)


def batch_records(batch: pa.RecordBatch, start: int, places: Iterable[int], file: ExportFile) -> Iterator[Record]:
    """Yield the rows of a batch as records, the first of which has the index ``start``; raises as `parquet_records` does."""
    for index, (place, row) in enumerate(zip(places, _python_rows(batch, file), strict=True), start):
        yield index, place, row


def _python_rows(batch: pa.RecordBatch, file: ExportFile) -> list[dict[str, Any]]:
    try:
        return batch.to_pylist()
    except (UnicodeDecodeError, ValueError, OverflowError) as error:
        raise _damaged(file) from error


@contextmanager
def _parquet(file: ExportFile) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file; a member of an archive, in which one cannot seek, is unpacked into memory."""
    with file.open() as raw:
        source = raw if raw.seekable() else pa.BufferReader(raw.read())
        try:
            table = pq.ParquetFile(source)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise _damaged(file) from error
        with table:
            yield table


def _batches(table: pq.ParquetFile, file: ExportFile) -> Iterator[pa.RecordBatch]:
    """Yield batches whose times count microseconds at the finest: Python has no nanoseconds."""
    schema = pa.schema([field.with_type(_no_nanoseconds(field.type)) for field in table.schema_arrow])
    try:
        for batch in table.iter_batches(_BATCH):
            yield batch if batch.schema.types == schema.types else batch.cast(schema, safe=False)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(file) from error


def _no_nanoseconds(type_: pa.DataType) -> pa.DataType:
    return pa.timestamp("us", type_.tz) if pa.types.is_timestamp(type_) and type_.unit == "ns" else type_


def _damaged(file: ExportFile) -> ExportError:
    return ExportError("the Parquet file is damaged or cut off", where=file.name, do="Copy or export it again")
