"""Figures on judged conversations: pure functions of saved scores and labels.

Intervals are bootstrapped by conversation, never by message: messages of one conversation are not independent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from evaluation.intervals import FEW, not_a_point
from pipeline.alerts import first_alert

Floats = NDArray[np.floating]
Item = TypeVar("Item")


@dataclass(frozen=True)
class Judged:
    """A labelled conversation, and what a model said of its *n* messages with words.

    ``labels`` and ``stages`` are of shape (n, stages): labels 1, 0, or NaN where the corpus cannot tell; stages are probabilities.
    ``speaker_risk`` and ``risk`` are of shape (n,). ``grooming`` and ``groomers`` are ``None`` where the corpus does not say.
    ``messages`` are the ids of those messages and ``texts`` their words, where they are kept. ``flagged`` are the ids of the
    messages that the corpus calls grooming without a stage, ``None`` where it does not say.
    """

    id: str
    grooming: bool | None
    groomers: frozenset[str] | None
    speakers: tuple[str, ...]
    labels: Floats
    stages: Floats
    speaker_risk: Floats
    risk: Floats
    attributes: Mapping[str, str] = field(default_factory=dict)
    messages: tuple[str, ...] = ()
    texts: tuple[str, ...] | None = None
    flagged: frozenset[str] | None = None

    @cached_property
    def peak(self) -> float:
        """The highest risk of the conversation."""
        return float(self.risk.max()) if len(self.risk) else 0.0

    @cached_property
    def peak_speaker(self) -> str | None:
        """Who had the highest risk of all, the first to reach it."""
        return self.speakers[int(np.argmax(self.speaker_risk))] if self.speakers else None

    def alert(self, threshold: float) -> int | None:
        """Return how many messages it took until the risk reached the threshold; ``None`` when it never did."""
        return first_alert(self.risk, threshold)


def or_null(value: float | None) -> float | None:
    """Return a figure as JSON can hold it, to six places: what is not known is null."""
    return None if value is None or np.isnan(value) else round(float(value), 6)


def average_precision(labels: Floats, scores: Floats) -> float:
    """Return the area under the precision–recall steps, ties taken together; NaN where nothing is positive."""
    positives = labels.sum()
    if positives == 0:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(labels[order])
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    precision, recall = hits[ends] / (ends + 1), hits[ends] / positives
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def roc_auc(labels: Floats, scores: Floats) -> float:
    """Return the chance that a positive has the higher score than a negative, ties counting half; NaN where a class is missing."""
    positives, negatives = np.sort(scores[labels == 1]), np.sort(scores[labels == 0])
    if not len(positives) or not len(negatives):
        return float("nan")
    below = np.searchsorted(negatives, positives, side="left").sum()
    upto = np.searchsorted(negatives, positives, side="right").sum()
    return float((below + upto) / 2 / len(positives) / len(negatives))


def allowed_alarms(rate: float, ordinary: int) -> int:
    """Return how many of so many ordinary conversations may be flagged at a rate; a share such as 0.29 of 100 is 29, not 28."""
    return math.floor(rate * ordinary + 1e-9)


def recall_at(labels: Floats, scores: Floats, *, false_positive_rate: float) -> float:
    """Return the recall where at most that share of the negatives is flagged; NaN where there are too few to tell."""
    negatives = np.sort(scores[labels == 0])[::-1]
    allowed = allowed_alarms(false_positive_rate, len(negatives))
    if not (labels == 1).any() or len(negatives) * false_positive_rate < 1:
        return float("nan")
    limit = negatives[allowed] if allowed < len(negatives) else -np.inf
    return float((scores[labels == 1] > limit).mean())


def f_score(precision: float, recall: float, *, beta: float = 1.0) -> float:
    """Return F_β = (1 + β²) P R / (β² P + R), 0 where both are."""
    weight = beta * beta
    bottom = weight * precision + recall
    return (1 + weight) * precision * recall / bottom if bottom else 0.0


def precision_recall(labels: Floats, flagged: NDArray[np.bool_]) -> tuple[float, float]:
    """Return precision (0 where nothing is flagged) and recall (0 where nothing is positive)."""
    hits = float((labels[flagged] == 1).sum())
    positives = float((labels == 1).sum())
    return (hits / flagged.sum() if flagged.any() else 0.0), (hits / positives if positives else 0.0)


def stage_columns(judged: Sequence[Judged], column: int) -> tuple[Floats, Floats]:
    """Return labels and probabilities of one stage over all messages where it is labelled."""
    labels = np.concatenate([conversation.labels[:, column] for conversation in judged])
    scores = np.concatenate([conversation.stages[:, column] for conversation in judged])
    known = ~np.isnan(labels)
    return labels[known], scores[known]


def stage_figures(judged: Sequence[Judged], keys: Sequence[str], thresholds: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Return, for each stage, how many messages carry it, on how many it is found, precision, recall, F1 and average precision."""
    figures = {}
    for column, key in enumerate(keys):
        labels, scores = stage_columns(judged, column)
        precision, recall = precision_recall(labels, scores >= thresholds[key])
        figures[key] = {
            "messages": int(labels.sum()),
            "found": int((scores >= thresholds[key]).sum()),
            "threshold": thresholds[key],
            "precision": precision,
            "recall": recall,
            "f1": f_score(precision, recall),
            "average_precision": average_precision(labels, scores),
        }
    return figures


def stage_cells(row: Mapping[str, Any]) -> dict[str, str]:
    """Return the figures of a stage as a table shows them: "too few" where the messages that they are of cannot carry them."""
    of = {"precision": row.get("found", row["messages"]), "recall": row["messages"]}
    least = min(of.values())
    return {
        name: f"{row[name]:.3f}" if row[name] is not None and of.get(name, least) >= FEW else "too few"
        for name in ("precision", "recall", "f1", "average_precision")
    }


def micro(judged: Sequence[Judged], keys: Sequence[str], thresholds: Mapping[str, float]) -> dict[str, float | None]:
    """Return precision, recall, F1 and average precision over every pair of a message and a stage that is labelled."""
    columns = [stage_columns(judged, column) for column in range(len(keys))]
    labels = np.concatenate([part for part, _ in columns])
    scores = np.concatenate([part for _, part in columns])
    flagged = np.concatenate([part >= thresholds[key] for key, (_, part) in zip(keys, columns, strict=True)])
    precision, recall = precision_recall(labels, flagged)
    area = average_precision(labels, scores)
    return {
        "messages": int(labels.sum()),
        "found": int(flagged.sum()),
        "precision": precision,
        "recall": recall,
        "f1": f_score(precision, recall),
        "average_precision": None if np.isnan(area) else area,
    }


def precision_at(labels: Floats, scores: Floats, *, k: int) -> float:
    """Return the share of positives among the k highest scores, in expectation over ties; NaN where there are fewer."""
    if len(scores) < k:
        return float("nan")
    cut = np.sort(scores)[-k]
    above, level = scores > cut, scores == cut
    return float((labels[above].sum() + (k - above.sum()) * labels[level].mean()) / k)


def macro(figures: Mapping[str, Mapping[str, float]], name: str) -> float:
    """Return the mean of a figure over the stages that have one."""
    values = [figure[name] for figure in figures.values() if figure["messages"] and not np.isnan(figure[name])]
    return float(np.mean(values)) if values else float("nan")


def conversation_labels(judged: Sequence[Judged]) -> tuple[Floats, Floats]:
    """Return whether each conversation grooms and its highest risk, where the corpus says."""
    known = [conversation for conversation in judged if conversation.grooming is not None]
    return np.asarray([float(bool(conversation.grooming)) for conversation in known]), np.asarray(
        [conversation.peak for conversation in known]
    )


def attribution(judged: Sequence[Judged], threshold: float) -> float:
    """Return the share of flagged grooming conversations whose riskiest speaker is a groomer; NaN if none is flagged."""
    flagged = [conversation for conversation in judged if conversation.groomers and conversation.peak >= threshold]
    return (
        float(np.mean([conversation.peak_speaker in (conversation.groomers or ()) for conversation in flagged]))
        if flagged
        else float("nan")
    )


def messages_to_alert(judged: Sequence[Judged], threshold: float) -> float:
    """Return the median number of messages until the alert, over the flagged grooming conversations; NaN where none is flagged."""
    alerts = [alert for conversation in judged if conversation.grooming and (alert := conversation.alert(threshold)) is not None]
    return float(np.median(alerts)) if alerts else float("nan")


def bootstrap(
    units: Sequence[Item], figure: Callable[[Sequence[Item]], float], *, rounds: int = 200, seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % percentile interval of a figure; the rounds in which it is NaN are left out.

    Resampled are the ``units`` given: conversations, or speakers with all that they wrote; never messages.
    """
    chance = np.random.default_rng(seed)
    values = [figure([units[row] for row in chance.integers(0, len(units), len(units))]) for _ in range(rounds)]
    known = [value for value in values if not np.isnan(value)]
    return (float(np.percentile(known, 2.5)), float(np.percentile(known, 97.5))) if known else (float("nan"), float("nan"))


def with_interval(
    units: Sequence[Item], figure: Callable[[Sequence[Item]], float], examples: int, *, rounds: int = 200, share: bool = True
) -> dict[str, Any]:
    """Return a figure of ``units`` with its 95 % interval, as JSON can hold it.

    ``examples`` is how many it is a figure of: of two classes, the smaller. ``too_few`` says in words that these cannot carry it.
    ``share`` says that the figure lies between 0 and 1.
    """
    value = figure(units)
    interval = bootstrap(units, figure, rounds=rounds) if not np.isnan(value) else (float("nan"), float("nan"))
    return {
        "value": or_null(value),
        "interval": [*map(or_null, not_a_point(value, interval, examples) if share else interval)],
        "examples": examples,
        "too_few": f"too few: {examples}" if examples < FEW else "too few to tell" if np.isnan(value) else None,
    }
