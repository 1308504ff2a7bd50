"""How early: figures that count the messages it took, not only whether it was found.

A conversation is flagged at the first message at which the rule fires, and stays flagged. Alerts follow from saved scores and a
threshold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.metrics import Judged, allowed_alarms, f_score


@dataclass(frozen=True, slots=True)
class Latency:
    """What `f_latency` found: ``p`` of the penalty, the speed over the true positives, F1 and their product."""

    p: float
    speed: float
    f1: float
    f_latency: float


def penalty(k: int, p: float) -> float:
    """Return the penalty of an alert after *k* messages: ``-1 + 2 / (1 + exp(-p (k - 1)))`` (Sadeque et al. 2018)."""
    return -1.0 + 2.0 / (1.0 + math.exp(-p * (k - 1)))


def penalty_rate(median_length: float) -> float:
    """Return the *p* with which the penalty is one half at the median length of the corpus's conversations.

    Raises
    ------
    ValueError
        When the median is one message or none: there is nothing to be early in.
    """
    if median_length <= 1:
        raise ValueError(f"a median length of {median_length:g} messages")
    return math.log(3.0) / (median_length - 1.0)


def f_latency(judged: Sequence[Judged], threshold: float, *, p: float | None = None) -> Latency:
    """Return F1 over conversations, weighed by speed: one minus the median penalty of the true positives (Sadeque et al. 2018)."""
    known = [conversation for conversation in judged if conversation.grooming is not None]
    alerts = [conversation.alert(threshold) for conversation in known]
    hits = [alert for conversation, alert in zip(known, alerts, strict=True) if conversation.grooming and alert is not None]
    flagged, positives = sum(alert is not None for alert in alerts), sum(bool(conversation.grooming) for conversation in known)
    rate = penalty_rate(float(np.median([len(conversation.risk) for conversation in known]))) if p is None else p
    speed = 1.0 - float(np.median([penalty(alert, rate) for alert in hits])) if hits else 0.0
    f1 = f_score(len(hits) / flagged if flagged else 0.0, len(hits) / positives if positives else 0.0)
    return Latency(rate, speed, f1, f1 * speed)


def erde(judged: Sequence[Judged], threshold: float, *, o: int) -> float:
    """Return the early risk detection error at *o* messages (Losada and Crestani 2016), the mean over conversations; 0 is best.

    A false alarm costs the prevalence, a miss 1, a true positive after *k* messages ``1 - 1 / (1 + exp(k - o))``.
    """
    known = [conversation for conversation in judged if conversation.grooming is not None]
    prevalence = sum(bool(conversation.grooming) for conversation in known) / len(known)
    return float(np.mean([_cost(conversation, conversation.alert(threshold), prevalence, o) for conversation in known]))


def _cost(conversation: Judged, alert: int | None, prevalence: float, o: int) -> float:
    if not conversation.grooming:
        return 0.0 if alert is None else prevalence
    if alert is None:
        return 1.0
    return 1.0 - 1.0 / (1.0 + math.exp(min(alert - o, 700)))


def threshold_at(judged: Sequence[Judged], *, false_positive_rate: float) -> float:
    """Return the lowest risk that flags at most that share of the ordinary conversations."""
    ordinary = np.sort([conversation.peak for conversation in judged if conversation.grooming is False])[::-1]
    allowed = allowed_alarms(false_positive_rate, len(ordinary))
    return float(np.nextafter(ordinary[allowed], np.inf)) if allowed < len(ordinary) else 0.0


def early_warning(
    judged: Sequence[Judged], *, false_positive_rate: float, after: Sequence[int] = (1, 2, 5, 10, 20, 50, 100)
) -> dict[int, float]:
    """Return the recall after so many messages, at the threshold with that share of false alarms over whole conversations."""
    threshold = threshold_at(judged, false_positive_rate=false_positive_rate)
    alerts = [conversation.alert(threshold) for conversation in judged if conversation.grooming]
    return {count: float(np.mean([alert is not None and alert <= count for alert in alerts])) for count in after} if alerts else {}
