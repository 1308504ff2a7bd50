"""Where alerts of a model begin when it ships: chosen on the validation part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.metrics import Judged, f_score, precision_recall, stage_columns
from pipeline.model.thresholds import Thresholds

_GRID = np.unique(np.concatenate([np.linspace(0.02, 0.98, 49), np.asarray([0.005, 0.01, 0.99, 0.995])]))


def choose_thresholds(judged: Sequence[Judged], keys: Sequence[str], *, rate: float) -> Thresholds:
    """Choose the lowest risk that flags at most ``rate`` of the ordinary conversations, and for each stage the highest F1."""
    ordinary = sorted((one.peak for one in judged if one.grooming is False), reverse=True)
    allowed = int(np.floor(rate * len(ordinary)))
    risk = float(np.ceil(np.nextafter(ordinary[allowed], 1.0) * 1e4) / 1e4) if allowed < len(ordinary) else 0.5
    stages = {}
    for column, key in enumerate(keys):
        labels, scores = stage_columns(judged, column)
        f1 = [f_score(*precision_recall(labels, scores >= cut)) for cut in _GRID]
        stages[key] = round(float(_GRID[int(np.argmax(f1))]), 4)
    return Thresholds(
        risk=min(max(risk, 0.0001), 0.9999),
        stages=stages,
        chosen=(
            f"risk: the lowest value at which at most {rate:.1%} of the {len(ordinary)} ordinary conversations of the validation "
            "part are flagged; stages: the value with the highest F1 there"
        ),
    )
