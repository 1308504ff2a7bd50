"""Intervals: how surely a figure is known, and what few examples can say at all."""

from __future__ import annotations

import math
from statistics import NormalDist

FEW = 10
"""A share of fewer examples than this is said as a bound, or as counts, and never as one number; a ranking of fewer is not said."""

_NOISE = 1e-6
"""Of sums of floating-point numbers."""


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


def at_most(successes: int, trials: int, *, confidence: float = 0.95) -> float:
    """Return the share that is not exceeded, so surely: the exact bound of Clopper and Pearson (1934); 1 for no trials.

    Of no success in *n* trials it is ``1 - (1 - confidence) ** (1 / n)``, about ``3 / n`` for 0.95.
    """
    if trials == 0 or successes >= trials:
        return 1.0
    if successes == 0:
        return 1 - (1 - confidence) ** (1 / trials)
    low, high = successes / trials, 1.0
    while high - low > 1e-7:
        middle = (low + high) / 2
        low, high = (middle, high) if binomial_tail(successes, trials, middle) > 1 - confidence else (low, middle)
    return high


def at_least(successes: int, trials: int, *, confidence: float = 0.95) -> float:
    """Return the share that is reached, so surely; 0 for no trials."""
    return 1 - at_most(trials - successes, trials, confidence=confidence)


def binomial_tail(successes: int, trials: int, share: float) -> float:
    """Return the chance of at most so many successes in so many trials."""
    if share in (0.0, 1.0):
        return 1.0 if share == 0.0 or successes >= trials else 0.0
    ways = [math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1) for k in range(successes + 1)]
    logs = [way + k * math.log(share) + (trials - k) * math.log1p(-share) for k, way in enumerate(ways)]
    return min(1.0, math.fsum(math.exp(value) for value in logs))


def not_a_point(value: float, interval: tuple[float, float], examples: int) -> tuple[float, float]:
    """Return the interval of a figure between 0 and 1, or a bound where resampling gave one point.

    Examples that all are at an end of the scale cannot vary when they are drawn again, so that their bootstrap interval has no
    width, however few they are. The bound is the exact one of a share, which holds for any mean of values between 0 and 1.
    """
    low, high = interval
    if min(value, low) > 1 - _NOISE:
        return at_least(examples, examples), 1.0
    if max(value, high) < _NOISE:
        return 0.0, at_most(0, examples)
    return low, high


def share_in_words(successes: int, trials: int) -> str:
    """Return a share as a person is to read it: with its counts, and as a bound where the examples cannot carry a number."""
    if trials == 0:
        return "none there"
    counts = f"{successes:,} of {trials:,}"
    if successes == 0:
        return f"{counts}: at most {percent(at_most(0, trials), up=True)} with 95 % confidence"
    if successes == trials:
        return f"{counts}: at least {percent(at_least(trials, trials))} with 95 % confidence"
    low, high = wilson(successes, trials)
    ends = f"{percent(low)} to {percent(high, up=True)}"
    return f"{counts}: too few to say more than {ends}" if trials < FEW else f"{counts}: {percent(successes / trials)} ({ends})"


def percent(share: float, *, up: bool = False) -> str:
    """Return a share in percent with two digits or more, an upper end rounded ``up`` and others to the nearest."""
    value = 100 * share
    digits = 0 if value >= 99.5 or value == 0 else max(0, 1 - math.floor(math.log10(value))) if value < 10 else 1
    scale = 10**digits
    rounded = math.ceil(value * scale - 1e-9) / scale if up else round(value * scale) / scale
    return f"{min(rounded, 100):.{digits}f} %"
