"""Judged conversations of one speaker, from the running risk alone, and their scores as an evaluation keeps them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from evaluation.metrics import Judged
from evaluation.saved import SCORES, Saved, write_saved
from pipeline.thresholds import Thresholds


def judged(name: str, risk: list[float], *, grooming: bool) -> Judged:
    count = len(risk)
    return Judged(
        id=name,
        grooming=grooming,
        groomers=frozenset({"A"} if grooming else ()),
        speakers=("A",) * count,
        labels=np.zeros((count, 1)),
        stages=np.zeros((count, 1)),
        speaker_risk=np.asarray(risk),
        risk=np.asarray(risk),
    )


def wide(groomings: int, ordinary: int) -> list[Judged]:
    """Conversations whose risks lie evenly: grooming from 0.5 up, ordinary below 0.6."""
    grooming = [judged(f"g{n}", [0.5 + 0.5 * n / groomings], grooming=True) for n in range(groomings)]
    return grooming + [judged(f"o{n}", [0.6 * n / ordinary], grooming=False) for n in range(ordinary)]


def saved_at(path: Path, rows: list[Judged]) -> Path:
    """Save an evaluation's scores in a folder of its own."""
    path.mkdir(parents=True)
    write_saved(Saved(rows, Thresholds(risk=0.5, stages={"access": 0.5})), path / SCORES)
    return path
