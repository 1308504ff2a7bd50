"""Rows of Telegram as columns: those that are words and nothing else by Arrow's own reader, each other one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.json as arrow_json
from numpy.typing import NDArray

from pipeline.errors import ExportError
from pipeline.ingest.columns import COLUMNS, MessageColumns, Meta, SharedMeta, message_columns
from pipeline.ingest.parsing.json_cut import Build, Run, list_of
from pipeline.ingest.parsing.table_blocks import one_batch
from pipeline.schema import Message

pc: Any = pyarrow.compute  # its functions are made at run time

_TEXT = pa.string()
_ALWAYS = {"id": pa.int64()} | dict.fromkeys(("type", "date", "date_unixtime", "from", "from_id", "text"), _TEXT)
_ALWAYS["text_entities"] = pa.list_(pa.struct([("type", _TEXT)]))
_PLAIN = pa.schema({**_ALWAYS, "reply_to_message_id": pa.int64()})
"""What a message has that is words and nothing else; the last is not in each."""

_LONGEST_TIME = 10
"""Digits of a time in seconds; see `pipeline.ingest.times.parse.from_number`."""
_COMMA, _LF = b",\n"


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that follow each other: ``plain`` has those at the indices ``places`` as columns, ``others`` each other as it stands."""

    plain: pa.RecordBatch | None
    places: NDArray[np.int64]
    others: Sequence[Any]
    run: Run | None = None

    def __len__(self) -> int:
        return len(self.places) + len(self.others)


def single(row: Any) -> Rows:
    """Return rows that are one."""
    return Rows(None, np.zeros(0, np.int64), [row])


def read_run(run: Run, build: Build) -> Rows:
    """Return the rows of a run; raises as the parser does."""
    candidates = ((run.members == len(_ALWAYS)) | (run.members == len(_PLAIN))) & (run.nested == 1)
    plain = _plain(run, candidates) if candidates.any() else None
    if plain is None:
        return Rows(None, np.zeros(0, np.int64), run.values(build), run)
    batch, places = plain
    others = np.ones(len(run.starts), np.bool_)
    others[places] = False
    spans = zip(run.starts[others].tolist(), run.ends[others].tolist(), strict=True)
    text = b",".join([run.text[start:end] for start, end in spans])
    return Rows(batch, places, list_of(b"[%s]" % text, build) if text else [], run)


def _plain(run: Run, candidates: NDArray[np.bool_]) -> tuple[pa.RecordBatch, NDArray[np.int64]] | None:
    """Return which of the candidates are words and nothing else; ``None`` where Arrow may not read them as the parser does.

    An object is plain where each of its members is one of `_PLAIN` and says something: then none stands twice, either.
    """
    # A line end within a text stays an error: a tab is one, too.
    lines = bytearray(run.text.replace(b"\n", b"\t").replace(b"\r", b"\t"))
    codes = np.frombuffer(lines, np.uint8)
    if (codes[run.ends[:-1]] != _COMMA).any():
        return None
    codes[run.ends[:-1]] = _LF
    for start, end in zip(run.starts[~candidates].tolist(), run.ends[~candidates].tolist(), strict=True):
        codes[start:end] = ord(" ")
    try:
        lines.decode("utf-8")
        table = arrow_json.read_json(
            pa.BufferReader(lines),
            read_options=arrow_json.ReadOptions(use_threads=False, block_size=len(lines) + 1),
            parse_options=arrow_json.ParseOptions(explicit_schema=_PLAIN, unexpected_field_behavior="ignore"),
        )
    except (pa.ArrowException, UnicodeDecodeError):
        return None
    if table.num_rows != candidates.sum():
        return None
    batch = one_batch(table)
    said = sum(column.is_valid().to_numpy(zero_copy_only=False).astype(np.int8) for column in batch.columns)
    stamps = batch.column("date_unixtime")
    whole = pc.and_(pc.ascii_is_decimal(stamps), pc.less_equal(pc.binary_length(stamps), _LONGEST_TIME))
    known = pc.fill_null(pc.and_(whole, pc.equal(batch.column("type"), "message")), fill_value=False)
    plain = known.to_numpy(zero_copy_only=False) & (said == run.members[candidates]) & ~_missing(batch)
    return batch.filter(pa.array(plain)), np.flatnonzero(candidates)[plain]


def _missing(batch: pa.RecordBatch) -> NDArray[np.bool_]:
    """Return which rows lack something that each plain row has."""
    return np.logical_or.reduce([batch.column(name).is_null().to_numpy(zero_copy_only=False) for name in _ALWAYS])


def columns_of(rows: Rows, first: int, file: str, read: Callable[[Any, int], Message]) -> tuple[MessageColumns, ExportError | None]:
    """Return rows as columns, up to one that cannot be read, and its error; ``first`` is the number of the first row.

    ``read`` reads a row with care, from the row and its number.
    """
    others = np.ones(len(rows), np.bool_)
    others[rows.places] = False
    messages: list[Message] = []
    error: ExportError | None = None
    stop = len(rows)
    for place, row in zip(np.flatnonzero(others).tolist(), rows.others, strict=True):
        try:
            messages.append(read(row, first + place))
        except ExportError as known:
            error, stop = known, place
            break
    if rows.plain is None:
        return message_columns(messages), error
    count = int(np.searchsorted(rows.places, stop))
    plain, meta = _columns(rows.plain.slice(0, count), rows.places[:count] + first, file)
    if not messages:
        return MessageColumns(plain, 0, count, meta, spoken=True), error
    careful = message_columns(messages)
    order = np.empty(stop, np.int64)
    order[rows.places[:count]] = np.arange(count)
    order[others[:stop].nonzero()[0]] = np.arange(count, stop)
    batch = one_batch(pa.Table.from_batches([plain, careful.batch]).take(pa.array(order)))
    return MessageColumns(batch, 0, stop, meta.joined([message.meta for message in messages]).taken(order)), error


def _columns(batch: pa.RecordBatch, numbers: NDArray[np.int64], file: str) -> tuple[pa.RecordBatch, SharedMeta]:
    """Return plain rows as columns, and what else is known of each."""
    count = batch.num_rows
    times = batch.column("date_unixtime").cast(pa.int64()).cast(pa.timestamp("s")).cast(pa.string())
    columns = [
        batch.column("id").cast(pa.string()),
        batch.column("from_id"),
        pa.repeat("message", count),
        pc.binary_join_element_wise(pc.replace_substring(times, " ", "T"), "+00:00", ""),
        batch.column("text"),
        pa.repeat(file, count),
        pa.nulls(count, pa.int64()),
        pa.array(numbers, pa.int64()),
    ]
    return pa.record_batch(columns, schema=COLUMNS), _meta(batch)


def _meta(batch: pa.RecordBatch) -> SharedMeta:
    names = batch.column("from").dictionary_encode()
    replies = batch.column("reply_to_message_id")
    values: list[Meta] = [{"speaker_name": name} for name in names.dictionary.to_pylist()]
    places = names.indices.to_numpy().astype(np.int64)
    answers = np.flatnonzero(replies.is_valid().to_numpy(zero_copy_only=False))
    if len(answers):
        known = [values[place] for place in places[answers].tolist()]
        numbers = replies.take(pa.array(answers)).to_pylist()
        places[answers] = np.arange(len(values), len(values) + len(answers))
        values += [{**about, "reply_to": str(answered)} for about, answered in zip(known, numbers, strict=True)]
    return SharedMeta(values, places)
