"""The records of each conversation together, in their order, whatever the order of the table.

A table is read twice. The first reading looks at every record, so that damage is found before a message is handed out, and keeps
twelve bytes of each: the number of its conversation and a hash of its message id. Where the records of each conversation stand
together, the second reading streams them. Where they do not, as in a platform's night sorted by time, the table is read once more
for every ``HELD_BYTES`` of text, with the records of as many whole conversations held as fit: no text is ever written to disk.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np

from pipeline.ingest.options import DateOrder
from pipeline.ingest.parsing.table_records import Record, Wanted, everything

HELD_BYTES = 1 << 29
"""How much may be held, reckoned as the text and ``_RECORD_BYTES`` a record; a larger conversation is held alone."""

_RECORD_BYTES = 800

Records = Callable[[Wanted], Iterator[Record]]
"""Reads the wanted records of a table, from its start."""


@dataclass(slots=True)
class Survey:
    """What the first reading found.

    ``numbers`` holds the conversation of each record, as its number in ``sizes``, which are in the order in which the
    conversations begin. ``together``: the records of each conversation stand together. ``twins``: hashes of message ids that stand
    more than once in a conversation. ``date_order``: that of times which are not ISO 8601.
    """

    numbers: array[int] = field(default_factory=lambda: array("I"))
    sizes: list[int] = field(default_factory=list)
    together: bool = True
    twins: frozenset[int] = frozenset()
    date_order: DateOrder = "dmy"


def survey(
    records: Records, conversation_of: Callable[[Record], str], message_of: Callable[[Record], str | None], text: str
) -> Survey:
    """Read a table once; ``text`` is the column whose length is reckoned.

    Raises
    ------
    ExportError
        Whatever reading the records raises.
    """
    found = Survey()
    order: dict[str, int] = {}
    hashes = array("q")
    for record in records(everything):
        conversation = conversation_of(record)
        number = order.setdefault(conversation, len(order))
        if number == len(found.sizes):
            found.sizes.append(0)
        elif number != found.numbers[-1]:
            found.together = False
        found.numbers.append(number)
        found.sizes[number] += _RECORD_BYTES + _length(record[2].get(text))
        if (message := message_of(record)) is not None:
            hashes.append(id_hash(conversation, message))
    found.twins = _twice(hashes)
    return found


def id_hash(conversation: str, message: str) -> int:
    """Return what stands for a message id in ``Survey.twins``."""
    return hash((conversation, message))


def _length(value: Any) -> int:
    return len(value) if isinstance(value, str) else 0


def _twice(hashes: array[int]) -> frozenset[int]:
    values, counts = np.unique(np.frombuffer(hashes, dtype=np.int64), return_counts=True)
    return frozenset(values[counts > 1].tolist())


def group(records: Records, found: Survey) -> Iterator[Iterator[Record]]:
    """Yield the records of each conversation, in the order in which the conversations begin; to be used as ``groupby``'s groups."""
    if found.together:
        for _, together in groupby(records(everything), lambda record: found.numbers[record[0]]):
            yield together
        return
    for numbers in _batches(found.sizes):
        held: dict[int, list[Record]] = {number: [] for number in numbers}
        for record in records(lambda index, numbers=numbers: found.numbers[index] in numbers):
            held[found.numbers[record[0]]].append(record)
        for number in numbers:
            yield iter(held.pop(number))


def _batches(sizes: list[int]) -> Iterator[range]:
    """Yield runs of conversations that may be held at once."""
    start = size = 0
    for number, rows in enumerate(sizes):
        if number > start and size + rows > HELD_BYTES:
            yield range(start, number)
            start, size = number, 0
        size += rows
    if sizes:
        yield range(start, len(sizes))
