"""The records of each conversation together, in their order, whatever the order of the table.

A table is read twice. The first reading looks at every record, so that damage is found before a message is handed out, and keeps
twelve bytes of each: the number of its conversation and a hash of its message id. Where the records of each conversation stand
together, the second reading streams them. Where they do not, as in a platform's night sorted by time, the table is read once more
for every ``HELD_BYTES`` of text, with the records of as many whole conversations held as fit: no text is ever written to disk.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.ingest.options import DateOrder
from pipeline.ingest.parsing.table_records import Record, Wanted, everything
from pipeline.ingest.times.serial_numbers import SerialDates

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
    more than once in a conversation. ``date_order``: that of times which are not ISO 8601. ``serial_dates`` reads the numbers in
    the column of times, where they are Excel's.
    """

    numbers: array[int] = field(default_factory=lambda: array("I"))
    sizes: list[int] = field(default_factory=list)
    together: bool = True
    twins: frozenset[int] = frozenset()
    date_order: DateOrder = "dmy"
    serial_dates: SerialDates | None = None


class Surveyor:
    """Gathers what the first reading of a table finds."""

    def __init__(self) -> None:
        self._found = Survey()
        self._order: dict[str, int] = {}
        self._hashes = array("q")

    def add(self, conversation: str, message: str | None, text: object) -> None:
        """Take in a record: the ids of its conversation and of its message, and what stands in the column of the text."""
        survey = self._found
        number = self._order.setdefault(conversation, len(self._order))
        if number == len(survey.sizes):
            survey.sizes.append(0)
        elif number != survey.numbers[-1]:
            survey.together = False
        survey.numbers.append(number)
        survey.sizes[number] += _RECORD_BYTES + (len(text) if isinstance(text, str) else 0)
        if message is not None:
            self._hashes.append(id_hash(conversation, message))

    def add_columns(self, conversations: pa.StringArray, messages: Sequence[str | None], lengths: NDArray[np.int64]) -> None:
        """Take in records as columns; ``lengths`` are those of the texts."""
        survey = self._found
        codes = conversations.dictionary_encode()
        names = codes.dictionary.to_pylist()
        known = np.array([self._order.setdefault(name, len(self._order)) for name in names], np.int64)
        numbers = known[codes.indices.to_numpy()]
        last = survey.numbers[-1] if survey.numbers else 0
        survey.sizes += [0] * (len(self._order) - len(survey.sizes))
        if len(numbers) and (np.diff(numbers, prepend=last) < 0).any():  # they are numbered in the order in which they begin
            survey.together = False
        survey.numbers.frombytes(numbers.astype(np.uint32).tobytes())
        sizes = np.bincount(codes.indices.to_numpy(), lengths + _RECORD_BYTES, len(names))
        for number, size in zip(known.tolist(), sizes.tolist(), strict=True):
            survey.sizes[number] += int(size)
        self._hashes.extend(hashes_of(conversations, messages))

    def found(self) -> Survey:
        """Return what was found."""
        self._found.twins = _twice(self._hashes)
        return self._found


def survey(
    records: Records, conversation_of: Callable[[Record], str], message_of: Callable[[Record], str | None], text: str
) -> Survey:
    """Read a table once; ``text`` is the column whose length is reckoned.

    Raises
    ------
    ExportError
        Whatever reading the records raises.
    """
    surveyor = Surveyor()
    for record in records(everything):
        surveyor.add(conversation_of(record), message_of(record), record[2].get(text))
    return surveyor.found()


def hashes_of(conversations: pa.StringArray, messages: Sequence[str | None]) -> Iterator[int]:
    """Return what stands for each message id that there is."""
    pairs = zip(conversations.to_pylist(), messages, strict=True)
    return map(hash, pairs if None not in messages else (pair for pair in pairs if pair[1] is not None))


def id_hash(conversation: str, message: str) -> int:
    """Return what stands for a message id in ``Survey.twins``."""
    return hash((conversation, message))


def _twice(hashes: array[int]) -> frozenset[int]:
    values, counts = np.unique(np.frombuffer(hashes, dtype=np.int64), return_counts=True)
    return frozenset(values[counts > 1].tolist())


def group(records: Records, survey: Survey) -> Iterator[Iterator[Record]]:
    """Yield the records of each conversation, in the order in which the conversations begin; to be used as ``groupby``'s groups."""
    if survey.together:
        for _, together in groupby(records(everything), lambda record: survey.numbers[record[0]]):
            yield together
        return
    for numbers in held_together(survey.sizes):
        held: dict[int, list[Record]] = {number: [] for number in numbers}
        for record in records(lambda index, numbers=numbers: survey.numbers[index] in numbers):
            held[survey.numbers[record[0]]].append(record)
        for number in numbers:
            yield iter(held.pop(number))


def held_together(sizes: list[int]) -> Iterator[range]:
    """Yield runs of conversations that may be held at once."""
    start = size = 0
    for number, rows in enumerate(sizes):
        if number > start and size + rows > HELD_BYTES:
            yield range(start, number)
            start, size = number, 0
        size += rows
    if sizes:
        yield range(start, len(sizes))
