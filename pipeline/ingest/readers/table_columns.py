"""A table of messages read by columns, where its blocks are regular; any other block is read record by record.

What comes out is what `pipeline.ingest.readers.tables.Table` reads record by record: ids, times, texts, warnings, errors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, groupby, pairwise
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.ingest.columns import MessagePieces, Piece
from pipeline.ingest.parsing.table_blocks import Block, Blocks
from pipeline.ingest.parsing.table_groups import Survey, Surveyor, hashes_of, held_together
from pipeline.ingest.parsing.table_records import Record
from pipeline.ingest.readers.table_convert import Converted, converted, ids_of, joined
from pipeline.schema import Conversation, Message

if TYPE_CHECKING:
    from pipeline.ingest.readers.table_seen import Seen
    from pipeline.ingest.readers.tables import Table


@dataclass(frozen=True, slots=True)
class Listed:
    """Records of a block that is not regular, and the number of the conversation of each."""

    records: Sequence[Record]
    numbers: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64]) -> Listed:
        """Return some of the records."""
        return Listed([self.records[row] for row in rows.tolist()], self.numbers[rows])

    def first(self, row: int) -> Record:
        """Return a record."""
        return self.records[row]


Part = Converted | Listed

Run = tuple[int, Part, int, int]
"""Records of one conversation that follow each other: its number, the part they are of, their first row and the row behind them."""


@dataclass(slots=True)
class _Course:
    """How far a conversation has been read."""

    twins: Counter[str] = field(default_factory=Counter)
    latest: datetime | None = None


@dataclass(frozen=True, slots=True)
class ColumnTable:
    """A table, and its file by blocks."""

    table: Table
    blocks: Blocks

    def conversations(self, seen: Seen) -> Iterator[Conversation]:
        """Yield the conversations as `Table.conversations` does; their messages are a `MessagePieces`."""
        survey = seen.checked(self._survey(seen))
        runs = self._together(survey) if survey.together else self._apart(survey)
        for _, runs_of_chat in groupby(runs, itemgetter(0)):
            yield self._conversation(runs_of_chat, survey)

    def _conversation(self, runs: Iterator[Run], survey: Survey) -> Conversation:
        start = next(runs)
        first = start[1].first(start[2])
        return self.table.conversation(first, MessagePieces(self._pieces(chain([start], runs), first, survey)))

    def _survey(self, seen: Seen) -> Survey:
        surveyor = Surveyor()
        text = self.table.columns.of["text"]
        for block in self.blocks():
            ids = None
            if block.columns is not None:
                names = {**seen.names, **dict.fromkeys(block.columns.schema.names)}
                if all(name in names for name in self.table.columns.required):
                    ids = ids_of(block.columns, self.table.columns)
            if ids is None:
                for record in block.records():
                    surveyor.add(seen.conversation_of(record), seen.message_of(record), record[2].get(text))
            else:
                if block.columns is not None:
                    seen.take_columns(block.columns, block.places)
                surveyor.add_columns(ids.conversations, ids.messages.to_pylist(), ids.lengths)
        return surveyor.found()

    def _part(self, block: Block, survey: Survey) -> Part:
        numbers = np.frombuffer(survey.numbers, np.uint32)[block.start :]
        if block.columns is not None and survey.serial_dates is None:
            part = converted(block, numbers[: len(block.places)].astype(np.int64), self.table)
            if part is not None and not (survey.twins and self._has_twins(block, survey)):
                return part
        records = list(block.records())
        return Listed(records, numbers[: len(records)].astype(np.int64))

    def _has_twins(self, block: Block, survey: Survey) -> bool:
        ids = ids_of(block.columns, self.table.columns) if block.columns is not None else None
        return ids is None or not survey.twins.isdisjoint(hashes_of(ids.conversations, ids.messages.to_pylist()))

    def _together(self, survey: Survey) -> Iterator[Run]:
        for block in self.blocks():
            yield from _runs(self._part(block, survey))

    def _apart(self, survey: Survey) -> Iterator[Run]:
        for wanted in held_together(survey.sizes):
            parts: list[Part] = []
            for block in self.blocks():
                part = self._part(block, survey)
                rows = np.flatnonzero((part.numbers >= wanted.start) & (part.numbers < wanted.stop))
                if len(rows):
                    parts.append(part.take(rows))
            runs: dict[int, list[Run]] = {number: [] for number in wanted}
            for part in joined(parts):
                for run in _runs(part.take(np.argsort(part.numbers, kind="stable"))):
                    runs[run[0]].append(run)
            del parts
            for number in wanted:
                yield from runs.pop(number)

    def _pieces(self, runs: Iterator[Run], first: Record, survey: Survey) -> Iterator[Piece]:
        course = _Course()
        for _, part, start, stop in runs:
            if isinstance(part, Converted):
                if part.runs_backwards(start, stop, course.latest):
                    self.table.tell_backwards()
                course.latest = part.latest(start, stop) or course.latest
                yield part.piece(start, stop, first, self.table)
            else:
                yield from self._messages(part.records[start:stop], first, survey, course)

    def _messages(self, records: Sequence[Record], first: Record, survey: Survey, course: _Course) -> Iterator[Message]:
        from pipeline.ingest.readers.tables import before

        for record in records:
            message = self.table.message(record, first, survey, course.twins)
            if before(message.timestamp, course.latest):
                self.table.tell_backwards()
            course.latest = message.timestamp or course.latest
            yield message


def _runs(part: Part) -> Iterator[Run]:
    """Yield the runs of a part."""
    numbers = part.numbers
    starts = np.flatnonzero(np.diff(numbers, prepend=-1)).tolist()
    for start, stop in pairwise([*starts, len(numbers)]):
        yield int(numbers[start]), part, start, stop
