"""Find one conversation in the results without reading those of the others."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq


class RowReader:
    """Reads rows of a Parquet file by their numbers, from 0: only the row groups that hold them, the last of which it keeps."""

    def __init__(self, path: Path, columns: list[str] | None = None) -> None:
        """Open a file, to read these columns of it or all."""
        self._file = pq.ParquetFile(path)
        self._columns = columns
        sizes = [self._file.metadata.row_group(group).num_rows for group in range(self._file.num_row_groups)]
        self._edges = np.cumsum([0, *sizes])
        self._kept: tuple[int, pa.Table] | None = None

    def __enter__(self) -> RowReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def rows(self, start: int, stop: int) -> pa.Table:
        """Return the rows from ``start`` up to ``stop``, which is left out; fewer where the file ends before."""
        tables = []
        group = int(np.searchsorted(self._edges, start, side="right")) - 1
        while group < len(self._edges) - 1 and self._edges[group] < stop:
            table, offset = self._group(group), int(self._edges[group])
            first, last = max(start - offset, 0), min(stop - offset, table.num_rows)
            tables.append(table.slice(first, max(0, last - first)))
            group += 1
        if tables:
            return pa.concat_tables(tables)
        empty = self._file.schema_arrow.empty_table()
        return empty if self._columns is None else empty.select(self._columns)

    def _group(self, group: int) -> pa.Table:
        if self._kept is None or self._kept[0] != group:
            self._kept = group, self._file.read_row_group(group, columns=self._columns)
        return self._kept[1]


class Place(NamedTuple):
    """Where a conversation stands: its row in the conversations, its first row in the scores, and the one after its last."""

    row: int
    first: int
    stop: int


class Places:
    """The places of all conversations of a run. Both files are in one order, so two columns of the smaller one tell them."""

    def __init__(self, conversations: Path) -> None:
        """Read the two columns of ``conversations.parquet``."""
        table = pq.read_table(conversations, columns=["conversation_id", "messages"])
        self._ids = table["conversation_id"].combine_chunks()
        self._edges = np.concatenate([[0], np.cumsum(table["messages"].to_numpy(), dtype=np.int64)])

    def find(self, wanted: Iterable[str]) -> dict[str, Place]:
        """Return the places of conversations, by id, in the order of the file; those that the run has not are left out."""
        names = pa.array(sorted(name for name in frozenset(wanted) if _is_utf8(name)), self._ids.type)
        held = pc.is_in(self._ids, value_set=names)  # pyright: ignore[reportAttributeAccessIssue] - Arrow makes it at run time
        rows = np.flatnonzero(held.to_numpy(zero_copy_only=False)).tolist()
        return {self._ids[row].as_py(): Place(row, int(self._edges[row]), int(self._edges[row + 1])) for row in rows}


def _is_utf8(name: str) -> bool:
    """Return whether a file could hold the name: a lone surrogate stands in none."""
    return name == name.encode("utf-8", "replace").decode("utf-8")
