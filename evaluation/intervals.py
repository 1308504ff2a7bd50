"""Intervals: how surely a figure is known."""

from __future__ import annotations

import math
from statistics import NormalDist


def wilson(successes: int, trials: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Return the score interval of a share (Wilson 1927), which holds near 0 and 1 and for few trials; (0, 1) for none."""
    if trials == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = successes / trials
    scale = 1 + z * z / trials
    middle = (share + z * z / (2 * trials)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return max(0.0, middle - half), min(1.0, middle + half)


def newcombe(successes: int, trials: int, others: int, other_trials: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval of the difference of two shares, first minus second (Newcombe 1998, method 10: from Wilson's)."""
    share, other = (hits / total if total else 0.5 for hits, total in ((successes, trials), (others, other_trials)))
    low, high = wilson(successes, trials, confidence=confidence)
    other_low, other_high = wilson(others, other_trials, confidence=confidence)
    difference = share - other
    return (
        difference - math.hypot(share - low, other_high - other),
        difference + math.hypot(high - share, other - other_low),
    )
