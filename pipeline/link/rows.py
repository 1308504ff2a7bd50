"""A block of a run's scores as arrays: who wrote each row, to whom, when, and with which stages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from pipeline.results import stage_column

pc: Any = pyarrow.compute  # its functions are made when it is imported, so no type checker knows them

NEVER = np.iinfo(np.int64).min
"""A time that is not known."""

_PAIR = 2


@dataclass(frozen=True)
class Rows:
    """Rows of whole conversations, in the order of the run.

    ``conversation`` is a number from 0 for each row; ``part`` one for each speaker of each conversation, −1 where a row has no
    speaker. ``part_conversation`` says of which conversation a part is.
    """

    table: pa.Table
    conversation: NDArray[np.int64]
    part: NDArray[np.int64]
    part_conversation: NDArray[np.int64]
    part_slot: Sequence[str]

    @classmethod
    def of(cls, scores: pa.Table, lengths: Sequence[int]) -> Rows:
        """Return the rows of a block whose conversations have these lengths."""
        conversation = np.repeat(np.arange(len(lengths)), lengths)
        slots = pc.dictionary_encode(scores["speaker_slot"].combine_chunks())
        codes = np.asarray(slots.indices.fill_null(-1), np.int64)
        names = slots.dictionary.to_pylist()
        keys = np.where(codes < 0, -1, conversation * max(1, len(names)) + codes)
        unique, part = np.unique(keys, return_inverse=True)
        if len(unique) and unique[0] == -1:
            unique, part = unique[1:], part - 1
        return cls(
            scores, conversation, part.astype(np.int64), unique // max(1, len(names)), [names[key % len(names)] for key in unique]
        )

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a column as double-precision numbers, NaN where null: as `pipeline.alerts` compares them."""
        return np.asarray(self.table[name].combine_chunks().cast(pa.float64()).fill_null(np.nan), np.float64)

    def values(self, name: str) -> list[Any]:
        """Return a column as a list."""
        return self.table[name].to_pylist()

    @cached_property
    def spoken(self) -> NDArray[np.bool_]:
        """Whether a row is somebody's words or file."""
        said = pc.is_in(self.table["kind"].combine_chunks(), value_set=pa.array(["message", "media"]))
        return np.asarray(said, bool) & (self.part >= 0)

    @cached_property
    def time(self) -> NDArray[np.int64]:
        """Microseconds since 1970, `NEVER` where a row has no time; a time without a zone is taken as written."""
        text = pc.utf8_slice_codeunits(self.table["timestamp"].combine_chunks(), 0, 19)
        return np.asarray(
            pc.strptime(text, format="%Y-%m-%dT%H:%M:%S", unit="us", error_is_null=True).cast(pa.int64()).fill_null(NEVER)
        )

    def mask(self, stages: Sequence[str], thresholds: Mapping[str, float]) -> NDArray[np.int64]:
        """Return a bit for each stage that is over its threshold, for each row."""
        masks = np.zeros(self.table.num_rows, np.int64)
        for bit, stage in enumerate(stages):
            masks |= (self.numbers(stage_column(stage)) >= thresholds.get(stage, 1.0)).astype(np.int64) << bit
        return masks

    @cached_property
    def target(self) -> NDArray[np.int64]:
        """To whom a row is written, as a part; −1 where nobody is there.

        Of two the other; in a group the one replied to, where the run has that, or else who spoke last before.
        """
        rows = np.flatnonzero(self.part >= 0)
        part, conversation = self.part[rows], self.conversation[rows]
        first = np.ones(len(rows), bool)
        first[1:] = part[1:] != part[:-1]
        before = np.maximum.accumulate(np.where(first, np.arange(len(rows)), 0)) - 1
        known = (before >= 0) & (conversation[before] == conversation)
        targets = np.full(len(self.part), -1, np.int64)
        targets[rows] = np.where(known, part[before], -1)
        sizes = np.bincount(self.part_conversation, minlength=1)
        starts = np.concatenate([[0], np.cumsum(sizes)])
        pair = rows[sizes[conversation] == _PAIR]
        targets[pair] = 2 * starts[self.conversation[pair]] + 1 - self.part[pair]
        for row, other in self._replies(sizes):
            targets[row] = other
        return targets

    def _replies(self, sizes: NDArray[np.int64]) -> list[tuple[int, int]]:
        """Return the rows of groups that say to which message they reply, with its writer."""
        replying = pc.fill_null(pc.match_substring(self.table["meta"].combine_chunks(), '"reply_to"'), False)
        rows = [row for row in np.flatnonzero(np.asarray(replying, bool)) if sizes[self.conversation[row]] > _PAIR]
        if not rows:
            return []
        groups = {self.conversation[row] for row in rows}
        ids = self.values("message_id")
        written = {(c, ids[row]): row for row, c in enumerate(self.conversation.tolist()) if c in groups}
        replies = []
        for row in rows:
            about = json.loads(self.table["meta"][int(row)].as_py()).get("reply_to")
            other = written.get((self.conversation[row], str(about)))
            if other is not None and self.part[other] >= 0 and self.part[other] != self.part[row] and self.part[row] >= 0:
                replies.append((int(row), int(self.part[other])))
        return replies


class Groups:
    """Groups of rows, by a number for each row; figures of each group, in the order of ``keys``."""

    def __init__(self, keys: NDArray[np.int64]) -> None:
        self.keys, self._group = np.unique(keys, return_inverse=True)

    def count(self, which: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return how many rows of each group are among ``which``."""
        return np.bincount(self._group[which], minlength=len(self.keys))

    def bits(self, masks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return all bits of each group."""
        bits = np.zeros(len(self.keys), np.int64)
        np.bitwise_or.at(bits, self._group, masks)
        return bits

    def highest(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the highest number of each group, 0 where there is none."""
        highest = np.zeros(len(self.keys))
        np.maximum.at(highest, self._group, np.nan_to_num(values))
        return highest

    def span(self, times: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the first and the last time of each group, `NEVER` where there is none."""
        first, last = np.full(len(self.keys), np.iinfo(np.int64).max), np.full(len(self.keys), NEVER)
        np.minimum.at(first, self._group, np.where(times == NEVER, np.iinfo(np.int64).max, times))
        np.maximum.at(last, self._group, times)
        return np.where(first == np.iinfo(np.int64).max, NEVER, first), last

    def first_row(self, which: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """Return the number of the first row of each group, or the first among ``which``; −1 where there is none."""
        rows = np.arange(len(self._group)) if which is None else np.flatnonzero(which)
        first_rows = np.full(len(self.keys), len(self._group))
        np.minimum.at(first_rows, self._group[rows], rows)
        return np.where(first_rows == len(self._group), -1, first_rows)
