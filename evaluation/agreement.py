"""How far readers agree beyond chance: Krippendorff's alpha for nominal values.

The PyPI package `krippendorff` computes the same and is GPL, which an Apache-licensed program cannot depend on; a test holds
this against the published example of Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass


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
