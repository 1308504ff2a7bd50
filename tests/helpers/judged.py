"""Judged conversations of one speaker, from the running risk alone."""

from __future__ import annotations

import numpy as np

from evaluation.metrics import Judged


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
