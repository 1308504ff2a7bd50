"""Curves over every threshold: ROC and precision against recall, thinned for drawing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.metrics import Floats


@dataclass(frozen=True)
class Curve:
    """Points of a curve, of shape (points,) each, from the highest threshold down; at ``thresholds`` and above is flagged."""

    x: Floats
    y: Floats
    thresholds: Floats

    def points(self) -> list[list[float]]:
        """Return ``[x, y]`` pairs as JSON can hold them."""
        return [[round(float(x), 6), round(float(y), 6)] for x, y in zip(self.x, self.y, strict=True)]


def roc(labels: Floats, scores: Floats) -> Curve:
    """Return recall over the false-positive rate, from nothing flagged to everything; without points where a class is missing."""
    positives, negatives = float((labels == 1).sum()), float((labels == 0).sum())
    if not positives or not negatives:
        return _none()
    hits, alarms, cuts = _steps(labels, scores)
    return Curve(np.append(0.0, alarms / negatives), np.append(0.0, hits / positives), np.append(np.inf, cuts))


def precision_recall_curve(labels: Floats, scores: Floats) -> Curve:
    """Return precision over recall, from the highest threshold down; without points where nothing is positive."""
    positives = float((labels == 1).sum())
    if not positives:
        return _none()
    hits, alarms, cuts = _steps(labels, scores)
    return Curve(hits / positives, hits / (hits + alarms), cuts)


def thinned(curve: Curve, *, most: int = 200) -> Curve:
    """Return at most so many points, the ends kept, evenly spaced along the curve and not along the thresholds."""
    if len(curve.x) <= most:
        return curve
    length = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(curve.x), np.diff(curve.y)))])
    wanted = np.linspace(0.0, length[-1], most)
    rows = np.unique(np.clip(np.searchsorted(length, wanted), 0, len(length) - 1))
    return Curve(curve.x[rows], curve.y[rows], curve.thresholds[rows])


def _steps(labels: Floats, scores: Floats) -> tuple[Floats, Floats, Floats]:
    """Return true and false positives at each score that occurs, from the highest down."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    hits = np.cumsum(labels[order])[ends]
    return hits, ends + 1 - hits, scores[order][ends]


def _none() -> Curve:
    empty = np.zeros(0)
    return Curve(empty, empty, empty)
