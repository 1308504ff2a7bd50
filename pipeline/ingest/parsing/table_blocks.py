"""Tables by blocks of records: as Arrow's own readers give them where a block is regular, else one by one.

A block is regular where Arrow surely reads it as the careful reader of `table_records` does: the same records at the same lines.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.json as arrow_json
from numpy.typing import NDArray

from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog
from pipeline.ingest.parsing.json_escapes import EscapeMender
from pipeline.ingest.parsing.json_line import line_object, read_fast
from pipeline.ingest.parsing.table_records import (
    Record,
    batch_records,
    lines_of,
    parquet_batches,
)
from pipeline.ingest.parsing.text_lines import line_blocks

STEP = 16
"""Blocks of `line_blocks` read as one: a megabyte."""

_ROWS = 4096
DO = "Check that this is a table of messages"
_LF, _CR, _OPEN, _CLOSE = b"\n\r{}"
_NOWHERE = np.zeros(0, np.int64)
_TYPES = {str: pa.string(), bool: pa.bool_(), int: pa.int64(), type(None): pa.string()}


@dataclass(frozen=True, slots=True)
class Block:
    """Records that follow each other: the index of the first from 0, and the place of each (its line, or its row from 1).

    ``columns`` and ``places`` are those of a regular block. ``records`` reads a block record by record, and one that is not regular
    as it streams past: once.
    """

    start: int
    places: NDArray[np.int64]
    columns: pa.RecordBatch | None
    records: Callable[[], Iterator[Record]]


Blocks = Callable[[], Iterator[Block]]
"""Reads a table by blocks, from its start."""


def one_by_one(records: Iterator[Record], start: int) -> Generator[Block, None, int]:
    """Yield blocks of records that the careful reader reads, each when it is asked for, and return the index behind the last."""
    while True:
        part = _Counted(islice(records, _ROWS))
        yield Block(start, _NOWHERE, None, part.records)
        for _ in part.records():
            pass  # what nobody wanted
        if not part.count:
            return start
        start += part.count


@dataclass
class _Counted:
    """Records, to be read once, and how many have been."""

    rest: Iterator[Record]
    count: int = 0

    def records(self) -> Iterator[Record]:
        for record in self.rest:
            self.count += 1
            yield record


@dataclass
class JsonLines:
    """JSON Lines by blocks. The columns are those that the first records of the blocks have."""

    file: ExportFile
    log: ReadLog
    _types: dict[str, pa.DataType] = field(default_factory=dict)

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks; raises as `table_records.jsonl_records` does."""
        index = line = 0
        with self.file.open() as stream:
            parts = line_blocks(stream, self.file.name, do=DO)
            while raw := several_of(parts):
                block = raw.removeprefix(codecs.BOM_UTF8) if line == 0 else raw
                columns = self._columns(block)
                records = partial(self._records, block, index, line)
                if columns is None:
                    index = yield from one_by_one(records(), index)
                else:
                    yield Block(index, np.arange(line + 1, line + 1 + columns.num_rows), columns, records)
                    index += columns.num_rows
                line += raw.count(b"\n") + (not raw.endswith(b"\n"))

    def _records(self, block: bytes, index: int, line: int) -> Iterator[Record]:
        for number, raw in lines_of(block, line):
            if not raw.isspace():
                yield index, number, line_object(raw, self.file.name, number, self.log)
                index += 1

    def _columns(self, block: bytes) -> pa.RecordBatch | None:
        """Return a block as columns where each line surely is one object, with each key once, of values that columns can hold."""
        if not block.startswith(b"{") or (lines := _objects(block)) is None or _has_halves(block):
            return None
        first = read_fast(block[: block.find(b"\n") if lines > 1 else len(block)])
        if first is None or not self._know(first):
            return None
        schema = pa.schema(list({name: self._types.get(name, pa.string()) for name in (*first, *self._types)}.items()))
        try:
            table = arrow_json.read_json(
                pa.BufferReader(block),
                read_options=arrow_json.ReadOptions(use_threads=False, block_size=len(block) + 1),
                parse_options=arrow_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error"),
            )
        except pa.ArrowException:
            return None
        if table.num_rows != lines or not _is_valid(batch := one_batch(table)):
            return None
        return batch.select([name for name in schema.names if name in first or batch.column(name).null_count < lines])

    def _know(self, first: dict[str, Any]) -> bool:
        """Take in the types of a record's values; whether columns can hold them."""
        for name, value in first.items():
            if type(value) not in _TYPES:
                return False
            if value is not None:
                self._types.setdefault(name, _TYPES[type(value)])
        return True


def _has_halves(block: bytes) -> bool:
    """Whether there may be half of a surrogate pair, which the careful reader mends and tells."""
    if b"\\ud" not in block and b"\\uD" not in block:
        return False
    mender = EscapeMender()
    mender.feed(block)
    mender.rest()
    return mender.halves > 0


def _objects(block: bytes) -> int | None:
    """Return how many lines a block has, where each begins and ends as an object does, else ``None``.

    A line end between ``}`` and ``{`` is never within a value, so that as many objects as lines are one in each.
    """
    codes = np.frombuffer(block.rstrip(b"\r\n"), np.uint8)
    ends = np.flatnonzero(codes == _LF)
    before = codes[ends - 1]
    if b"\r" in block:
        before = np.where(before == _CR, codes[ends - 2], before)
    regular = len(block) - len(codes) <= 2 and codes[-1] == _CLOSE and (before == _CLOSE).all() and (codes[ends + 1] == _OPEN).all()
    return len(ends) + 1 if regular else None


class Parquet:
    """Parquet by its batches."""

    def __init__(self, file: ExportFile) -> None:
        self._file = file

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks; raises as `table_records.parquet_records` does."""
        start = 0
        for batch in parquet_batches(self._file):
            places = np.arange(start + 1, start + 1 + batch.num_rows)
            records = partial(batch_records, batch, start, range(start + 1, start + 1 + batch.num_rows), self._file)
            yield Block(start, places, batch if _is_valid(batch) else None, records)
            start += batch.num_rows


def _is_valid(batch: pa.RecordBatch) -> bool:
    try:
        batch.validate(full=True)
    except (pa.ArrowException, UnicodeDecodeError):
        return False
    return len(set(batch.schema.names)) == batch.num_columns


def one_batch(table: pa.Table) -> pa.RecordBatch:
    """Return a table as one batch."""
    columns = [column.combine_chunks() for column in table.columns]
    arrays = [column.chunk(0) if isinstance(column, pa.ChunkedArray) else column for column in columns]
    return pa.record_batch(arrays, schema=table.schema)


def several_of(parts: Iterator[bytes]) -> bytes:
    """Return some blocks of whole lines as one; none at the end."""
    return b"".join(islice(parts, STEP))
