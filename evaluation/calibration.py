"""Whether probabilities mean what they say: calibration error, Brier score with its parts, reliability diagrams.

``weights`` let a figure speak for another prevalence than the corpus has; without them every example weighs the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Bin:
    """A bin of a reliability diagram: mean probability, share of positives, share of all weight in it, number of examples."""

    probability: float
    share: float
    mass: float
    examples: int


@dataclass(frozen=True, slots=True)
class Brier:
    """The Brier score and its parts (Murphy 1973): ``score = reliability - resolution + uncertainty``."""

    score: float
    reliability: float
    resolution: float
    uncertainty: float


def reliability(labels: Floats, scores: Floats, *, weights: Floats | None = None, bins: int = 15) -> list[Bin]:
    """Return the bins of a reliability diagram, of equal mass, those without any left out."""
    if not len(labels):
        return []
    weights = np.ones(len(labels)) if weights is None else weights
    order = np.argsort(scores, kind="stable")
    mass = np.cumsum(weights[order]) / weights.sum()
    numbers = np.minimum((mass - 1e-12) * bins, bins - 1).astype(int)
    reliability_bins = []
    for number in range(bins):
        rows = order[numbers == number]
        weight = weights[rows].sum()
        if len(rows) and weight > 0:
            probability, share = (float((weights[rows] * values[rows]).sum() / weight) for values in (scores, labels))
            reliability_bins.append(Bin(probability, share, float(weight / weights.sum()), len(rows)))
    return reliability_bins


def diagram(labels: Floats, scores: Floats, *, weights: Floats | None = None, bins: int = 10) -> list[Bin]:
    """Return bins of equal width, for drawing: bins of equal mass all lie near 0 where positives are rare."""
    if not len(labels):
        return []
    weights = np.ones(len(labels)) if weights is None else weights
    numbers = np.clip((scores * bins).astype(int), 0, bins - 1)
    diagram_bins = []
    for number in np.unique(numbers):
        inside = numbers == number
        weight = weights[inside].sum()
        if weight > 0:
            probability, share = (float((weights[inside] * values[inside]).sum() / weight) for values in (scores, labels))
            diagram_bins.append(Bin(probability, share, float(weight / weights.sum()), int(inside.sum())))
    return diagram_bins


def calibration_error(labels: Floats, scores: Floats, *, weights: Floats | None = None, bins: int = 15) -> float:
    """Return the expected calibration error (Naeini et al. 2015): the mean distance of probability and share over the bins."""
    reliability_bins = reliability(labels, scores, weights=weights, bins=bins)
    return (
        sum(abs(point.probability - point.share) * point.mass for point in reliability_bins) if reliability_bins else float("nan")
    )


def brier(labels: Floats, scores: Floats) -> Brier:
    """Return the Brier score with its decomposition."""
    values, places = np.unique(scores, return_inverse=True)
    counts = np.bincount(places)
    shares = np.bincount(places, weights=labels) / counts
    base = labels.mean()
    return Brier(
        score=float(((scores - labels) ** 2).mean()),
        reliability=float((counts * (values - shares) ** 2).sum() / len(labels)),
        resolution=float((counts * (shares - base) ** 2).sum() / len(labels)),
        uncertainty=float(base * (1 - base)),
    )
