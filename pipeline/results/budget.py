"""Where an alert must begin so that there are so many a day: from a run's own scores, without any label."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.errors import ConfigError
from pipeline.results.run import CONVERSATIONS, Run
from pipeline.thresholds import Thresholds

CANNOT_KNOW = (
    "A run has no labels: it cannot say how many of these alerts are right, or what was missed.",
    "It holds for days like the ones in the run. Count again when the exports, the platform or the model change.",
)


@dataclass(frozen=True, slots=True)
class Cut:
    """A threshold of the risk, how many of the run's conversations reach it, and how many alerts a day that makes."""

    threshold: float
    flagged: int
    conversations: int
    per_day: float


def risks_of(run: Run) -> NDArray[np.float64]:
    """Return the risks of all conversations of a run, highest first."""
    risks = pq.read_table(run.path / CONVERSATIONS, columns=["risk"])["risk"].to_numpy().astype(np.float64)
    return np.sort(risks)[::-1]


def cut_for_budget(risks: NDArray[np.float64], *, budget: int, per_day: int) -> Cut:
    """Return the lowest threshold at which at most ``budget`` of ``per_day`` conversations a day are flagged.

    ``risks`` are those of a run, highest first. Conversations of one risk are flagged together or not at all.

    Raises
    ------
    ConfigError
        When a number is not one, or there is no conversation.
    """
    if budget < 1 or per_day < 1:
        raise ConfigError("--budget and --per-day are numbers from 1 on", do="Give for example --budget 50 --per-day 2000")
    if not len(risks):
        raise ConfigError("the run has no conversation", do="Give a run that has some")
    most = min(len(risks), math.floor(len(risks) * budget / per_day))
    if most == len(risks):
        return _cut(risks, 0.0, per_day)
    over = risks[risks > risks[most]]  # those that are above the first that is too many
    threshold = float(over[-1]) if len(over) else float(np.nextafter(np.float32(risks[0]), np.float32(2.0)))
    return _cut(risks, threshold, per_day)


def _cut(risks: NDArray[np.float64], threshold: float, per_day: int) -> Cut:
    flagged = int((risks >= threshold).sum())
    return Cut(threshold, flagged, len(risks), per_day * flagged / len(risks))


def thresholds_at(run: Run, cut: Cut, *, budget: int, per_day: int) -> Thresholds:
    """Return the run's thresholds with this cut of the risk, for `safelight score --thresholds`.

    Raises
    ------
    ConfigError
        When even the highest risk makes too many alerts.
    """
    if cut.threshold > 1.0 or (not cut.flagged and cut.threshold >= 1.0):
        raise ConfigError("every threshold makes more alerts than the budget", do="Give a larger --budget")
    chosen = f"at most {budget:,} of {per_day:,} conversations a day, by the scores of {cut.conversations:,} conversations of a run"
    return Thresholds(risk=cut.threshold, stages=run.thresholds.stages, chosen=chosen)


def days_spanned(run: Run) -> int | None:
    """Return over how many days the conversations of a run end; nothing where it has no times."""
    table = pq.read_table(run.path / CONVERSATIONS, columns=["last_timestamp"])["last_timestamp"]
    days = {value[:10] for value in table.drop_null().unique().to_pylist() if value}
    return len(days) or None
