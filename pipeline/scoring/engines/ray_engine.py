"""The Ray engine: exports are shards read by the nodes of a cluster, conversations are scored by actors that hold the model.

A row of the dataset is a batch of whole conversations, so no block can part one. The driver keeps the scores as parts, as the local
engine does: a cluster that dies can be started again, and only what is missing is done. When a node dies, Ray runs its work again
elsewhere.
Every node must see the exports and the model folder under the same paths. Needs the extra `ray`.

``RAY_ADDRESS`` says which cluster; without it Ray starts one on this machine.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.errors import ConfigError, ExportError
from pipeline.ingest import ReadLog, ReadOptions
from pipeline.ingest.options import ReadWarning
from pipeline.ingest.units import Unit
from pipeline.model.encoder.runtime import Device, RuntimeName
from pipeline.model.load import load_model
from pipeline.scoring.batches import Batch, UnitEnd, unit_batches
from pipeline.scoring.checkpoint import Checkpoint
from pipeline.scoring.core import Scored, Scorer, score_table
from pipeline.scoring.engines.local import end_unit

logger = logging.getLogger(__name__)

_SHARD = pa.schema([("unit", pa.int64()), ("number", pa.int64()), ("content", pa.binary())])
"""A batch of whole conversations, or the end of a unit (number −1), packed into one cell."""


@dataclass(frozen=True)
class Task:
    """A unit to be read, and which of its batches are done."""

    number: int
    unit: Unit
    done: frozenset[int]


def score_units(
    units: Sequence[Unit],
    model: Path,
    device: Device,
    scorer: Scorer,
    checkpoint: Checkpoint,
    options: ReadOptions,
    *,
    runtime: RuntimeName,
    progress: Callable[[int], None],
) -> None:
    """Score what is missing of ``checkpoint`` on a Ray cluster.

    Raises
    ------
    ConfigError
        When Ray is not installed.
    ExportError
        When there is one unit, and it is damaged.
    Unfinished
        When a part cannot be written.
    """
    try:
        import ray  # pyright: ignore[reportMissingImports] - an extra of its own
        import ray.data  # pyright: ignore[reportMissingImports] - an extra of its own
    except ModuleNotFoundError as error:
        raise ConfigError("--engine ray needs Ray", do="Install it with: pip install 'safelight[ray]'") from error
    tasks = [Task(number, unit, checkpoint.done(number)) for number, unit in enumerate(units) if not checkpoint.ended(number)]
    if not tasks:
        return
    if not ray.is_initialized():
        ray.init(logging_level=logging.ERROR, log_to_driver=False)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = 0
    actors, needs = _actors(dict(ray.cluster_resources()), device)
    bare = replace(scorer, model=None)  # type: ignore[arg-type]  # the actors load it themselves
    shards = ray.data.from_items([{"task": task} for task in tasks], override_num_blocks=len(tasks))
    scored = shards.map_batches(
        _read,  # pyright: ignore[reportArgumentType] - its keywords come from fn_kwargs
        fn_kwargs={"options": options, "text": scorer.text},
        batch_size=1,
        batch_format="pyarrow",
        zero_copy_batch=True,
        num_cpus=0.5,  # not what the actors take, so that Ray does not make one step of both: then every batch finds a free actor
    ).map_batches(
        _Actor,
        fn_constructor_args=(str(model.resolve()), device, runtime, bare),
        batch_size=1,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=actors),
        **needs,
    )
    ended: list[UnitEnd] = []
    for row in scored.iter_rows():
        number, batch = int(row["unit"]), int(row["number"])
        if batch < 0:
            ended.append(_unpack_end(number, row["content"]))
            continue
        shard_scores = _unpack_scored(row["content"])
        checkpoint.put(number, batch, shard_scores)
        progress(shard_scores.scores.num_rows)
    for end in ended:
        end_unit(end, checkpoint, alone=len(units) == 1)


def _actors(resources: Mapping[str, float], device: Device) -> tuple[int, dict[str, Any]]:
    """Return how many actors there may be and what each takes: a GPU, or two cores where there are as many."""
    if device == "cuda":
        return max(1, int(resources.get("GPU", 1))), {"num_gpus": 1}
    cores = max(1, int(resources.get("CPU", 1)))
    return max(1, cores - 1), {"num_cpus": 1}


def _read(rows: pa.Table, *, options: ReadOptions, text: Any) -> Iterator[pa.Table]:
    for task in rows["task"].to_pylist():
        for event in unit_batches(task.unit, task.number, options, text=text, done=task.done):
            if isinstance(event, Batch):
                content = _pack(event.chats)
                yield _row(event.unit, event.number, content)
            else:
                yield _row(event.unit, -1, _pack_end(event))


class _Actor:
    """Holds the model on a node."""

    def __init__(self, model: str, device: Device, runtime: RuntimeName, scorer: Scorer) -> None:
        _, loaded = load_model(Path(model), device=device, runtime=runtime)
        self._scorer = replace(scorer, model=loaded)

    def __call__(self, rows: pa.Table) -> Iterator[pa.Table]:
        for row in rows.to_pylist():
            if row["number"] < 0:
                yield _row(row["unit"], row["number"], row["content"])
            else:
                yield _row(row["unit"], row["number"], _pack_scored(score_table(_unpack(row["content"]), self._scorer)))


def _row(unit: int, number: int, content: bytes) -> pa.Table:
    return pa.Table.from_pylist([{"unit": unit, "number": number, "content": content}], schema=_SHARD)


def _pack(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue()


def _unpack(content: bytes) -> pa.Table:
    with pa.ipc.open_stream(content) as stream:
        return stream.read_all()


def _pack_scored(scored: Scored) -> bytes:
    cells = {
        "scores": _pack(scored.scores),
        "conversations": _pack(scored.conversations),
        "failed": [list(p) for p in scored.failed],
    }
    return _pack(pa.Table.from_pylist([cells], schema=_SCORED))


_SCORED = pa.schema([("scores", pa.binary()), ("conversations", pa.binary()), ("failed", pa.list_(pa.list_(pa.string())))])
_END = pa.schema(
    [
        ("batches", pa.int64()),
        ("kinds", pa.list_(pa.struct([("kind", pa.string()), ("rows", pa.int64())]))),
        ("warnings", pa.list_(pa.list_(pa.string()))),
        ("error", pa.list_(pa.string())),
    ]
)


def _unpack_scored(content: bytes) -> Scored:
    (cells,) = _unpack(content).to_pylist()
    failed = tuple((conversation, reason) for conversation, reason in cells["failed"])
    return Scored(_unpack(cells["scores"]), _unpack(cells["conversations"]), failed)


def _pack_end(event: UnitEnd) -> bytes:
    error = event.error
    row = {
        "batches": event.batches,
        "kinds": [{"kind": kind, "rows": rows} for kind, rows in event.log.kinds.items()],
        "warnings": [[warning.where, warning.what] for warning in event.log.warnings],
        "error": None if error is None else [error.what, error.where, error.do],
    }
    return _pack(pa.Table.from_pylist([row], schema=_END))


def _unpack_end(unit: int, content: bytes) -> UnitEnd:
    (row,) = _unpack(content).to_pylist()
    log = ReadLog(warnings=[ReadWarning(where, what) for where, what in row["warnings"]])
    log.kinds.update({count["kind"]: count["rows"] for count in row["kinds"]})
    error = None
    if row["error"] is not None:
        what, where, do = row["error"]
        error = ExportError(what, where=where, do=do)
    return UnitEnd(unit, row["batches"], log, error)
