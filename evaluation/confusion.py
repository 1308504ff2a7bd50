"""Which stages are taken for which. A message may carry several stages, and several may be found on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evaluation.metrics import Judged

NONE = "none"


def stage_confusion(judged: Sequence[Judged], keys: Sequence[str], thresholds: Mapping[str, float]) -> dict[str, Any]:
    """Return counts of messages: a row a true stage, a column a stage found, and none; only messages where every stage is told.

    A message with two true stages counts in both rows. In the row of a stage, another one found counts as confusion only where the
    message does not carry that one too; ``messages`` are the rows' totals. A row need not add up: several stages may be found.
    """
    labels = np.concatenate([conversation.labels for conversation in judged]) if judged else np.zeros((0, len(keys)))
    scores = np.concatenate([conversation.stages for conversation in judged]) if judged else np.zeros((0, len(keys)))
    labelled = ~np.isnan(labels).any(axis=1)
    true = labels[labelled] == 1
    predicted = scores[labelled] >= np.asarray([thresholds[key] for key in keys])
    rows = [true[:, row] for row in range(len(keys))] + [~true.any(axis=1)]
    counts = []
    for number, inside in enumerate(rows):
        hits = [
            int((predicted[inside, column] & ((column == number) | ~true[inside, column])).sum()) for column in range(len(keys))
        ]
        counts.append([*hits, int((~predicted[inside].any(axis=1)).sum())])
    return {"stages": [*keys, NONE], "messages": [int(inside.sum()) for inside in rows], "counts": counts}
