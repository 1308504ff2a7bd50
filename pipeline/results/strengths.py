"""How strong a stage's probability is, in two steps, and what a sign of it was worth where the model was measured."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from pipeline.results.columns import stage_column
from pipeline.results.run import SCORES, Run

TIMES = 5
"""A probability of so many times the stage's mean in the run, and under its threshold, is a weak hint."""

_LEAST = 0.03
_GROUPS = 40


def hint_from(run: Run) -> Mapping[str, float]:
    """Return from which probability a stage is a weak hint in a run."""
    path = run.path / SCORES
    means = _means(path, path.stat().st_mtime_ns, run.taxonomy.keys)
    return {stage: max(TIMES * mean, _LEAST) for stage, mean in means.items()}


@lru_cache(maxsize=16)
def _means(path: Path, changed: int, stages: tuple[str, ...]) -> Mapping[str, float]:
    """Return the mean probability of each stage over the run, or over some row groups of a large one."""
    del changed
    with pq.ParquetFile(path) as file:
        count = file.num_row_groups
        chosen = sorted(set(np.linspace(0, count - 1, min(count, _GROUPS)).astype(int).tolist())) if count else []
        table = file.read_row_groups(chosen, columns=[stage_column(stage) for stage in stages])
    columns = {stage: table[stage_column(stage)].drop_null().to_numpy() for stage in stages}
    return {stage: float(values.mean(dtype=np.float64)) if len(values) else 0.0 for stage, values in columns.items()}


def worth(run: Run) -> Mapping[str, int | None]:
    """Return of how many of 100 signs of each stage were right on the test part of the model's corpus.

    Nothing where the model folder does not tell, or the run's threshold is another one than was measured.
    """
    figures = run.record["model"].get("metrics", {}).get("stages", {})
    return {stage: _of_hundred(figures.get(stage), run.thresholds.stages.get(stage)) for stage in run.taxonomy.keys}


def _of_hundred(figure: Mapping[str, float] | None, threshold: float | None) -> int | None:
    if not figure or threshold is None or figure.get("precision") is None or figure.get("too_few"):
        return None
    return round(100 * figure["precision"]) if abs(figure.get("threshold", -1.0) - threshold) < 1e-6 else None
