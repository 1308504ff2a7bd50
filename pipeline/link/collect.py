"""Read all runs, block by block, and keep what the step found as Parquet files of one folder, a file a run and table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import ConfigError
from pipeline.link.parts import PARTS
from pipeline.link.step import SUMMARY, RunContext, read_block
from pipeline.results import CONVERSATIONS, SCORES, RowReader, stage_column

Engine = Literal["local", "ray"]

ROWS = 200_000
"""Rows of scores that are read at once; a conversation is never parted."""

_COLUMNS = ("message_id", "position", "speaker_slot", "speaker", "kind", "timestamp", "speaker_risk", "source_file", "source_line")
_WORDS = ("source_row", "meta", "text")


@dataclass(frozen=True, slots=True)
class BlockPlace:
    """Where a block lies: its conversations, as rows of one file, and its messages, as rows of the other."""

    first_conversation: int
    last_conversation: int
    first_row: int
    last_row: int


def blocks_of(run: Path, rows: int = ROWS) -> Iterator[BlockPlace]:
    """Yield the blocks of a run: as many whole conversations as have so many rows, at least one."""
    with pq.ParquetFile(run / CONVERSATIONS) as file:
        start = number = 0
        first, size = 0, 0
        for batch in file.iter_batches(columns=["messages"]):
            for length in batch["messages"].to_pylist():
                if size and size + length > rows:
                    yield BlockPlace(first, number, start, start + size)
                    first, start, size = number, start + size, 0
                number += 1
                size += length
        if number > first:
            yield BlockPlace(first, number, start, start + size)


def read_place(context: RunContext, place: BlockPlace) -> dict[str, pa.Table]:
    """Read one block of a run and do the step."""
    columns = [*_COLUMNS, *_WORDS, *map(stage_column, context.stages)]
    with (
        RowReader(Path(context.path) / CONVERSATIONS, list(SUMMARY)) as conversations,
        RowReader(Path(context.path) / SCORES, columns) as scores,
    ):
        return read_block(
            scores.rows(place.first_row, place.last_row).combine_chunks(),
            conversations.rows(place.first_conversation, place.last_conversation),
            place.first_conversation,
            context,
        )


def collect(contexts: Sequence[RunContext], folder: Path, *, engine: Engine = "local", progress: Callable[[int], None]) -> None:
    """Read all runs into ``folder``; ``progress`` is told the rows of each block.

    With ``ray`` the blocks are read by the nodes of a Ray cluster, each of which must see the runs under the same paths.
    ``RAY_ADDRESS`` says which; without it Ray starts one on this machine.

    Raises
    ------
    ConfigError
        When Ray is not installed.
    ResultsError
        When the files of a run do not belong together.
    """
    work = [(number, place) for number, context in enumerate(contexts) for place in blocks_of(Path(context.path))]
    read = _on_ray if engine == "ray" else _here
    for name in PARTS:
        (folder / name).mkdir(parents=True)
    with ExitStack() as stack:
        writers: dict[tuple[str, int], pq.ParquetWriter] = {}
        for number, place, tables in read(contexts, work):
            run = contexts[number].run
            for name, table in tables.items():
                if name != "conversations":
                    table = table.append_column("run", pa.array([run] * table.num_rows, pa.string()))
                if (name, number) not in writers:
                    path = folder / name / f"{number}.parquet"
                    writers[name, number] = stack.enter_context(pq.ParquetWriter(path, table.schema, compression="zstd"))
                writers[name, number].write_table(table)
            progress(place.last_row - place.first_row)


_Work = Sequence[tuple[int, BlockPlace]]
_Read = Iterator[tuple[int, BlockPlace, dict[str, pa.Table]]]


def _here(contexts: Sequence[RunContext], work: _Work) -> _Read:
    for number, place in work:
        yield number, place, read_place(contexts[number], place)


def _on_ray(contexts: Sequence[RunContext], work: _Work) -> _Read:
    """Read the blocks on a cluster, a few more than it has cores at a time, so that what waits stays small."""
    try:
        import ray  # pyright: ignore[reportMissingImports] - an extra of its own
    except ModuleNotFoundError as error:
        raise ConfigError("--engine ray needs Ray", do="Install it with: pip install 'safelight[ray]'") from error
    if not ray.is_initialized():
        ray.init(log_to_driver=False)
    task = ray.remote(read_place)
    shared = [ray.put(context) for context in contexts]
    waiting: dict[Any, tuple[int, BlockPlace]] = {}
    left = iter(work)
    most = 2 * max(1, int(ray.cluster_resources().get("CPU", 1)))
    while True:
        for number, place in islice(left, most - len(waiting)):
            waiting[task.remote(shared[number], place)] = number, place
        if not waiting:
            return
        (done, *_), _ = ray.wait(list(waiting), num_returns=1)
        yield *waiting.pop(done), ray.get(done)
