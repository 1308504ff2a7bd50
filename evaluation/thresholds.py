"""Choose where an alert begins: by a budget of alerts, a floor of precision or recall, or with a guarantee on false alarms.

Real prevalence is far below that of any corpus, so alerts and precision are re-weighted to a prevalence that the user states. A
guarantee holds for conversations exchangeable with those it was made on; a new platform is not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics import Judged, conversation_labels
from pipeline.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Choice:
    """A threshold, and what it comes to; ``alerts_per_thousand`` and ``precision`` are at the prevalence."""

    threshold: float
    recall: float
    false_positive_rate: float
    alerts_per_thousand: float
    precision: float


def at_threshold(judged: Sequence[Judged], threshold: float, *, prevalence: float) -> Choice:
    """Return what a threshold comes to at a stated prevalence of grooming conversations.

    Raises
    ------
    ConfigError
        When the prevalence is no share, or a class is missing.
    """
    labels, peaks = _both(judged, prevalence)
    recall = float((peaks[labels == 1] >= threshold).mean())
    rate = float((peaks[labels == 0] >= threshold).mean())
    return _choice(threshold, recall, rate, prevalence)


def for_budget(judged: Sequence[Judged], *, conversations: int, alerts: int, prevalence: float) -> Choice:
    """Return the lowest threshold at which so many conversations give at most so many alerts, in expectation.

    Raises
    ------
    ConfigError
        When even the highest risk gives more.
    """
    choices = [choice for choice in _all(judged, prevalence) if choice.alerts_per_thousand / 1000 * conversations <= alerts]
    if not choices:
        raise ConfigError(
            f"{alerts} alerts for {conversations:,} conversations cannot be kept to", do="Allow more alerts, or score fewer"
        )
    return min(choices, key=lambda choice: choice.threshold)


def for_precision(judged: Sequence[Judged], *, floor: float, prevalence: float) -> Choice:
    """Return the threshold with the highest recall at which precision is at least ``floor`` at the prevalence.

    Raises
    ------
    ConfigError
        When no threshold reaches it.
    """
    choices = [choice for choice in _all(judged, prevalence) if choice.precision >= floor and choice.recall > 0]
    if not choices:
        raise ConfigError(
            f"no threshold has a precision of {floor:.0%} at a prevalence of {prevalence:g}",
            do="Ask for less, or state another prevalence",
        )
    return max(choices, key=lambda choice: (choice.recall, -choice.threshold))


def for_recall(judged: Sequence[Judged], *, floor: float, prevalence: float) -> Choice:
    """Return the highest threshold at which recall is at least ``floor``.

    Raises
    ------
    ConfigError
        When the floor is no share.
    """
    if not 0 < floor <= 1:
        raise ConfigError(f"a recall of {floor:g}", do="Give a share between 0 and 1")
    choices = [choice for choice in _all(judged, prevalence) if choice.recall >= floor]
    return max(choices, key=lambda choice: choice.threshold)


def guaranteed(judged: Sequence[Judged], *, rate: float, confidence: float = 0.95) -> float:
    """Return the lowest threshold of which it can be said, so surely, that at most ``rate`` of ordinary conversations are flagged.

    Learn-then-Test (Angelopoulos et al. 2021): thresholds are tested from the highest down, each with the exact binomial tail of
    its false alarms on the calibration conversations, and the last one before the first that fails is returned (fixed-sequence
    testing), so that no confidence is spent on there being many of them.

    Raises
    ------
    ConfigError
        When there are too few ordinary conversations: even without one false alarm among them nothing could be said.
    """
    ordinary = np.sort([conversation.peak for conversation in judged if conversation.grooming is False])[::-1]
    needed = math.ceil(math.log(1 - confidence) / math.log(1 - rate))
    if len(ordinary) < needed:
        raise ConfigError(
            f"{len(ordinary)} ordinary conversations are too few to promise {rate:.2%} with {confidence:.0%} confidence",
            do=f"Calibrate on at least {needed}",
        )
    chosen = math.inf
    for alarms in range(len(ordinary)):
        if binomial_tail(alarms, len(ordinary), rate) > 1 - confidence:
            break
        # Above this value, `alarms` ordinary conversations at most are flagged.
        chosen = float(np.nextafter(ordinary[alarms], np.inf))
    return chosen


def binomial_tail(successes: int, trials: int, share: float) -> float:
    """Return the chance of at most so many successes in so many trials."""
    if share in (0.0, 1.0):
        return 1.0 if share == 0.0 or successes >= trials else 0.0
    ways = [math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1) for k in range(successes + 1)]
    logs = [way + k * math.log(share) + (trials - k) * math.log1p(-share) for k, way in enumerate(ways)]
    return min(1.0, math.fsum(math.exp(value) for value in logs))


def _all(judged: Sequence[Judged], prevalence: float) -> list[Choice]:
    """Return what each threshold that makes a difference comes to: just at each risk that occurs."""
    labels, peaks = _both(judged, prevalence)
    values = np.unique(peaks)
    groomings, ordinary = np.sort(peaks[labels == 1]), np.sort(peaks[labels == 0])
    recalls = 1 - np.searchsorted(groomings, values) / len(groomings)
    rates = 1 - np.searchsorted(ordinary, values) / len(ordinary)
    return [
        _choice(float(value), float(recall), float(rate), prevalence)
        for value, recall, rate in zip(values, recalls, rates, strict=True)
    ]


def _choice(threshold: float, recall: float, rate: float, prevalence: float) -> Choice:
    flagged = prevalence * recall + (1 - prevalence) * rate
    return Choice(threshold, recall, rate, 1000 * flagged, prevalence * recall / flagged if flagged else 1.0)


def _both(judged: Sequence[Judged], prevalence: float) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    if not 0 < prevalence < 1:
        raise ConfigError(f"a prevalence of {prevalence:g}", do="Give a share between 0 and 1, such as 0.001")
    labels, peaks = conversation_labels(judged)
    if len(np.unique(labels)) < 2:
        raise ConfigError("the conversations are all of one class", do="Give grooming and ordinary ones")
    return labels, peaks
