"""How far readers agree beyond chance: Krippendorff's alpha for nominal values.

The PyPI package `krippendorff` computes the same and is GPL, which an Apache-licensed program cannot depend on; a test holds
this against the published example of Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Agreement:
    """``alpha`` is 1 where all agree, 0 where they agree as chance would have it; ``None`` where nothing can be compared.

    ``units`` were judged by two readers or more; ``same`` of them alike by all.
    """

    alpha: float | None
    units: int
    same: int


def krippendorff_alpha(units: Iterable[Sequence[Hashable]]) -> Agreement:
    """Return the agreement on units, each with the values that readers gave it; a unit with one value compares nothing."""
    compared = [Counter(values) for values in units if len(values) > 1]
    totals: Counter[Hashable] = Counter()
    observed = 0.0
    for counts in compared:
        size = counts.total()
        totals += counts
        observed += sum(count * (size - count) for count in counts.values()) / (size - 1)
    values = totals.total()
    expected = sum(count * (values - count) for count in totals.values())
    same = sum(len(counts) == 1 for counts in compared)
    if not compared:
        return Agreement(None, 0, 0)
    if expected == 0:  # one value only: nothing varies, so nothing says whether readers can tell
        return Agreement(None, len(compared), same)
    return Agreement(1 - (values - 1) * observed / expected, len(compared), same)


def alpha_interval(tables: Sequence[tuple[int, int, int]], *, seed: int, resamples: int = 1000) -> tuple[float, float] | None:
    """Return the 95 % interval of the alpha of two readers who mark things or do not, by a bootstrap over groups of units.

    Each group, such as a conversation, is ``(both, alone, neither)``: how many of its units both readers marked, one alone, or
    neither. Units of one conversation are not independent, so whole groups are drawn. Nothing where fewer than ten groups are
    there, or hardly any resample has both values.
    """
    if len(tables) < _LEAST_GROUPS:
        return None
    counts = np.asarray(tables, np.float64)
    drawn = np.random.default_rng(seed).integers(0, len(counts), (resamples, len(counts)))
    both, alone, neither = counts[drawn].sum(axis=1).T
    marked, unmarked = 2 * both + alone, 2 * neither + alone
    varies = (marked > 0) & (unmarked > 0)
    if varies.mean() < _ENOUGH:
        return None
    values = (marked + unmarked)[varies]
    alphas = 1 - (values - 1) * alone[varies] / (marked[varies] * unmarked[varies])
    low, high = np.quantile(alphas, (0.025, 0.975))
    return float(low), float(high)


_LEAST_GROUPS = 10
_ENOUGH = 0.9
