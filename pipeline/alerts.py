"""The rules that turn raw scores into what is shown, each written once: which stages are found, and where an alert begins.

Both compare in double precision, so that a score says the same in an array, in Parquet and as a number of Python.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike


def stages_over(stages: Mapping[str, float] | None, thresholds: Mapping[str, float]) -> dict[str, float]:
    """Return the stages whose probability reaches their threshold, in the order of ``stages``; none where there are no stages.

    A stage that the thresholds do not name needs a probability of 1.
    """
    return {key: value for key, value in (stages or {}).items() if float(value) >= thresholds.get(key, 1.0)}


def first_alert(risks: ArrayLike, threshold: float) -> int | None:
    """Return the position, from 1, at which the running risk of a conversation first reaches the threshold, or ``None``.

    A conversation stays flagged from there on, whatever follows. ``risks`` is of shape (n,): the risk after each message, in order.
    """
    reached = np.flatnonzero(np.asarray(risks, np.float64) >= threshold)
    return int(reached[0]) + 1 if len(reached) else None
