"""Rows of Telegram as columns: those that are words and nothing else at once, each other one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import pyarrow as pa
import pyarrow.compute

from pipeline.errors import ExportError
from pipeline.ingest.columns import COLUMNS, MessageColumns, Meta, array_of
from pipeline.schema import Message

pc: Any = pyarrow.compute  # its functions are made at run time

_PLAIN = frozenset({"id", "type", "date", "date_unixtime", "from", "from_id", "text", "text_entities"})
"""What a message has that is words and nothing else."""

_FIELDS = ("type", "id", "from_id", "text", "date_unixtime", "from")
_NEEDED = frozenset(_FIELDS)
_VALUES = itemgetter(*_FIELDS)

_LONGEST_TIME = 10
"""Digits of a time in seconds; see `pipeline.ingest.times.parse.from_number`."""


def plain_row(row: Any) -> Sequence[Any] | None:
    """Return what stands in a message of words alone, as Telegram Desktop writes them today; ``None`` for any other row."""
    if type(row) is not dict or not _NEEDED <= row.keys() <= _PLAIN:
        return None
    values = _VALUES(row)
    type_, id_, speaker, text, stamp, name = values
    known = type_ == "message" and type(id_) is int and type(speaker) is str and type(text) is str and type(stamp) is str
    named = name is None or type(name) is str
    return values if known and named and len(stamp) <= _LONGEST_TIME and stamp.isascii() and stamp.isdigit() else None


def columns_of(
    rows: Sequence[Any], first: int, file: str, read: Callable[[Any, int], Message]
) -> tuple[MessageColumns, ExportError | None]:
    """Return rows as columns, up to one that cannot be read, and its error; ``first`` is the number of the first row.

    ``read`` reads a row with care, from the row and its number.
    """
    ids: list[str] = []
    speakers: list[str | None] = []
    kinds: list[str] = []
    texts: list[str] = []
    seconds: list[int | None] = []
    meta: list[Meta] = []
    times: dict[int, str | None] = {}
    named: dict[str | None, Meta] = {None: {}}
    error: ExportError | None = None
    for number, row in enumerate(rows):
        if (values := plain_row(row)) is not None:
            _, id_, speaker, text, stamp, name = values
            ids.append(str(id_))
            speakers.append(speaker)
            kinds.append("message")
            texts.append(text)
            seconds.append(int(stamp))
            about = named.get(name)
            meta.append(named.setdefault(name, {"speaker_name": name}) if about is None else about)
            continue
        try:
            message = read(row, first + number)
        except ExportError as known:
            error = known
            break
        ids.append(message.message_id)
        speakers.append(message.speaker)
        kinds.append(message.kind)
        texts.append(message.text)
        seconds.append(None)
        meta.append(message.meta)
        times[number] = message.timestamp.isoformat() if message.timestamp is not None else None
    count = len(ids)
    batch = pa.record_batch(
        [
            array_of(ids, pa.string()),
            array_of(speakers, pa.string()),
            pa.array(kinds, pa.string()),
            _stamps(seconds, times),
            array_of(texts, pa.string()),
            pa.repeat(file, count),
            pa.nulls(count, pa.int64()),
            pa.array(range(first, first + count), pa.int64()),
        ],
        schema=COLUMNS,
    )
    return MessageColumns(batch, 0, count, meta, spoken=not times), error


def _stamps(seconds: list[int | None], others: dict[int, str | None]) -> pa.Array:
    """Return the times as ISO 8601 writes them: of seconds since 1970, and of the others as they are given."""
    known = pa.array(seconds, pa.int64()).cast(pa.timestamp("s")).cast(pa.string())
    stamps = pc.binary_join_element_wise(pc.replace_substring(known, " ", "T"), "+00:00", "")
    return pc.coalesce(stamps, pa.array([others.get(row) for row in range(len(seconds))], pa.string())) if others else stamps
