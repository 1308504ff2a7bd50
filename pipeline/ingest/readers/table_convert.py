"""Columns of a table to columns of messages, where every value is one that a table usually holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from pipeline.ingest.columns import COLUMNS, MessageColumns, Meta
from pipeline.ingest.parsing.table_blocks import Block
from pipeline.ingest.parsing.table_fields import Columns, moment
from pipeline.ingest.parsing.table_records import Record
from pipeline.ingest.times.columns import microseconds_of, stamps_of
from pipeline.schema import KINDS

if TYPE_CHECKING:
    from pipeline.ingest.readers.tables import Table

pc: Any = pyarrow.compute  # its functions are made at run time
_ISO_OR_NONE = r"(?s)^(.{4}-|$)"
_EPOCH = datetime(1970, 1, 1)
_MOST_JOINED = 1 << 30


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids of the conversations of records and of their messages (null where there is none), and the lengths of the texts."""

    conversations: pa.StringArray
    messages: pa.StringArray
    lengths: NDArray[np.int64]


def ids_of(batch: pa.RecordBatch, columns: Columns) -> Ids | None:
    """Return the ids; ``None`` where one is of another type, a conversation has none, or a time is not of ISO 8601."""
    conversations, messages = _names(batch, columns.of["conversation_id"]), _names(batch, columns.of["message_id"])
    if conversations is None or messages is None or conversations.null_count:
        return None
    time = _column(batch, columns.of["timestamp"])
    if pa.types.is_string(time.type) and not pc.all(pc.match_substring_regex(time, _ISO_OR_NONE), min_count=0).as_py():
        return None
    text = _column(batch, columns.of["text"])
    # Of a number as text no length is reckoned.
    lengths = pc.fill_null(pc.utf8_length(text), 0).to_numpy() if pa.types.is_string(text.type) else np.zeros(len(text))
    return Ids(conversations, messages, lengths.astype(np.int64))


@dataclass(frozen=True)
class Converted:
    """Records as columns of messages, with the number of the conversation of each.

    ``times`` are microseconds on the clock that they were written by, and ``timed`` says which records have one. ``records`` are
    the records themselves where one of them has something for ``meta``, and else ``None``; ``rest`` says which.
    """

    batch: pa.RecordBatch
    conversations: pa.StringArray
    numbers: NDArray[np.int64]
    places: NDArray[np.int64]
    times: NDArray[np.int64]
    timed: NDArray[np.bool_]
    column: str
    records: Sequence[Record] | None = None
    rest: NDArray[np.bool_] | None = None

    def take(self, rows: NDArray[np.int64]) -> Converted:
        """Return some of the records."""
        at = pa.array(rows)
        return Converted(
            self.batch.take(at),
            self.conversations.take(at),
            self.numbers[rows],
            self.places[rows],
            self.times[rows],
            self.timed[rows],
            self.column,
            None if self.records is None else [self.records[row] for row in rows.tolist()],
            None if self.rest is None else self.rest[rows],
        )

    def first(self, row: int) -> Record:
        """Return a record as far as it says something of its conversation."""
        if self.records is not None:
            return self.records[row]
        return 0, int(self.places[row]), {self.column: self.conversations[row].as_py()}

    @property
    def some_rest(self) -> NDArray[np.bool_]:
        """Which records have something for ``meta``."""
        return np.zeros(len(self.places), bool) if self.rest is None else self.rest

    @cached_property
    def _falls(self) -> bool:
        """Whether a time is before the one above it, in any conversation, or not all are known."""
        return not bool(self.timed.all()) or bool((np.diff(self.times)[np.diff(self.numbers) == 0] < 0).any())

    @cached_property
    def _spoken(self) -> bool:
        speakers, kinds = self.batch.column("speaker"), self.batch.column("kind")
        return speakers.null_count == 0 and bool(pc.all(pc.equal(kinds, "message")).as_py())

    def runs_backwards(self, start: int, stop: int, latest: datetime | None) -> bool:
        """Whether a time is before the one above it, the first of them ``latest``."""
        times = self.times[start:stop][self.timed[start:stop]] if latest is not None or self._falls else self.times[:0]
        if not len(times):
            return False
        if latest is not None and times[0] < (latest.replace(tzinfo=None) - _EPOCH) // datetime.resolution:
            return True
        return self._falls and bool((np.diff(times) < 0).any())

    def latest(self, start: int, stop: int) -> datetime | None:
        """Return the last time that is known."""
        rows = np.flatnonzero(self.timed[start:stop])
        return datetime.fromisoformat(self.batch.column("timestamp")[start + int(rows[-1])].as_py()) if len(rows) else None

    def piece(self, start: int, stop: int, first: Record, table: Table) -> MessageColumns:
        """Return the messages of some rows, which are of the conversation that begins with ``first``."""
        return MessageColumns(self.batch, start, stop, self._meta(start, stop, first, table), self._spoken)

    def _meta(self, start: int, stop: int, first: Record, table: Table) -> list[Meta] | None:
        if self.records is None or self.rest is None or not self.rest[start:stop].any():
            return None
        rest = self.rest[start:stop].tolist()
        rows: list[Meta] = [
            table.meta(record, first) if some else {} for record, some in zip(self.records[start:stop], rest, strict=True)
        ]
        return rows if any(rows) else None


def joined(parts: Sequence[Any]) -> Iterator[Any]:
    """Yield the parts, those that were converted and follow each other as one."""
    held: list[Converted] = []
    for part in parts:
        if not isinstance(part, Converted) or (
            held and sum(part_held.batch.nbytes for part_held in held) + part.batch.nbytes > _MOST_JOINED
        ):
            if held:
                yield _joined(held)
                held = []
            if not isinstance(part, Converted):
                yield part
                continue
        held.append(part)
    if held:
        yield _joined(held)


def _joined(parts: Sequence[Converted]) -> Converted:
    if len(parts) == 1:
        return parts[0]
    records = any(part.records is not None for part in parts)
    return Converted(
        pa.record_batch([pa.concat_arrays([part.batch.column(name) for part in parts]) for name in COLUMNS.names], schema=COLUMNS),
        pa.concat_arrays([part.conversations for part in parts]),
        np.concatenate([part.numbers for part in parts]),
        np.concatenate([part.places for part in parts]),
        np.concatenate([part.times for part in parts]),
        np.concatenate([part.timed for part in parts]),
        parts[0].column,
        [part.first(row) for part in parts for row in range(len(part.places))] if records else None,
        np.concatenate([np.zeros(len(part.places), bool) if part.rest is None else part.rest for part in parts])
        if records
        else None,
    )


def converted(block: Block, numbers: NDArray[np.int64], table: Table) -> Converted | None:
    """Return a block as columns of messages; ``None`` where a value is one that only the careful reader reads, or refuses."""
    batch, of = block.columns, table.columns.of
    ids = ids_of(batch, table.columns) if batch is not None else None
    if batch is None or ids is None:
        return None
    speakers, text = _names(batch, of["speaker"]), _column(batch, of["text"])
    text = text if pa.types.is_string(text.type) else _names(batch, of["text"])
    stamps = stamps_of(_column(batch, of["timestamp"]), table.options.timezone, moment)
    if speakers is None or text is None or stamps is None:
        return None
    kinds = _kinds(_column(batch, of["kind"]), text)
    sources = _sources(batch, block.places, table)
    if kinds is None or sources is None:
        return None
    times = microseconds_of(stamps)
    if times is None:
        return None
    messages = ids.messages
    if messages.null_count:
        made_ids = pc.binary_join_element_wise(table.file.sha256[:12], pa.array(block.places).cast(pa.string()), ":")
        messages = pc.coalesce(messages, made_ids)
    columns = [messages, speakers, kinds, stamps, pc.fill_null(text, ""), *sources]
    rest = _rest(batch, table.columns)
    return Converted(
        pa.record_batch(columns, schema=COLUMNS),
        ids.conversations,
        numbers,
        block.places,
        pc.fill_null(times, 0).to_numpy(),
        pc.is_valid(times).to_numpy(zero_copy_only=False),
        of["conversation_id"],
        list(block.records()) if rest is not None else None,
        rest,
    )


def _column(batch: pa.RecordBatch, name: str) -> pa.Array:
    """Return a column, with no values where there is none; of texts always as `pyarrow.string`."""
    index = batch.schema.get_field_index(name)
    if index < 0:
        return pa.nulls(batch.num_rows, pa.string())
    column = batch.column(index)
    if pa.types.is_dictionary(column.type) and pa.types.is_string(column.type.value_type):
        return column.dictionary_decode()
    return column.cast(pa.string()) if pa.types.is_large_string(column.type) or pa.types.is_null(column.type) else column


def _names(batch: pa.RecordBatch, name: str) -> pa.StringArray | None:
    """Return ids or names, null where nothing stands; see `table_fields.identity`."""
    column = _column(batch, name)
    if pa.types.is_integer(column.type):
        return column.cast(pa.string())
    if not pa.types.is_string(column.type):
        return None
    empty = pc.equal(column, "")
    return pc.if_else(empty, pa.scalar(None, pa.string()), column) if pc.any(empty).as_py() else column


def _kinds(column: pa.Array, text: pa.StringArray) -> pa.StringArray | None:
    if not pa.types.is_string(column.type):
        return None
    kinds = pc.if_else(pc.is_null(text), "unsupported", "message")
    if column.null_count == len(column):
        return kinds
    named = pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
    known = pc.is_in(named, pa.array(KINDS), skip_nulls=False)
    return pc.coalesce(named, kinds) if pc.all(pc.or_(known, pc.is_null(named))).as_py() else None


def _sources(batch: pa.RecordBatch, places: NDArray[np.int64], table: Table) -> tuple[pa.Array, pa.Array, pa.Array] | None:
    """Return file, line and row of each message: as the table says, else its own place in it."""
    row_numbers, none = pa.array(places), pa.nulls(len(places), pa.int64())
    lines, rows = (row_numbers, none) if table.has_lines else (none, row_numbers)
    files = pa.repeat(table.file.name, len(places))
    of = table.columns.of
    named = _column(batch, of["source_file"])
    if named.null_count == len(named):
        return files, lines, rows
    told_lines, told_rows = (_column(batch, of[name]) for name in ("source_line", "source_row"))
    if not pa.types.is_string(named.type) or not all(
        pa.types.is_int64(column.type) or column.null_count == len(column) for column in (told_lines, told_rows)
    ):
        return None
    known = pc.fill_null(pc.not_equal(named, ""), False)
    lines, rows = (pc.if_else(known, _whole(there), place) for there, place in ((told_lines, lines), (told_rows, rows)))
    return pc.if_else(known, named, files), lines, rows


def _whole(column: pa.Array) -> pa.Array:
    return column if pa.types.is_int64(column.type) else pa.nulls(len(column), pa.int64())


def _rest(batch: pa.RecordBatch, columns: Columns) -> NDArray[np.bool_] | None:
    """Return which records have something in a column that is no field of every message; ``None`` where none has."""
    some = np.zeros(batch.num_rows, bool)
    for name in batch.schema.names:
        if name not in columns.of_every_message:
            column = _column(batch, name)
            filled = pc.is_valid(column)
            if pa.types.is_string(column.type):
                filled = pc.and_(filled, pc.fill_null(pc.not_equal(column, ""), False))
            some |= filled.to_numpy(zero_copy_only=False)
    return some if some.any() else None
