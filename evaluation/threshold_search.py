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

from evaluation.intervals import FEW, at_least, at_most, binomial_tail, percent
from evaluation.metrics import Judged, allowed_alarms, conversation_labels
from pipeline.errors import ConfigError

_EACH_END = 0.05 / 4
"""The chance that one of the four ends of two intervals is missed."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A threshold, and what it comes to; ``alerts_per_thousand`` and ``precision`` are at the prevalence.

    ``found`` of ``grooming`` and ``flagged`` of ``ordinary`` conversations are what the shares are of.
    """

    threshold: float
    prevalence: float
    found: int
    grooming: int
    flagged: int
    ordinary: int

    @property
    def recall(self) -> float:
        """The share of the grooming conversations that is found."""
        return self.found / self.grooming

    @property
    def false_positive_rate(self) -> float:
        """The share of the ordinary conversations that is flagged."""
        return self.flagged / self.ordinary

    @property
    def alerts_per_thousand(self) -> float:
        """The alerts to expect of a thousand conversations."""
        return _alerts(self.prevalence, self.recall, self.false_positive_rate)

    @property
    def precision(self) -> float:
        """The share of the alerts that are true; 1 where there are none."""
        return _precision(self.prevalence, self.recall, self.false_positive_rate)

    @property
    def alerts_interval(self) -> tuple[float, float]:
        """The 95 % interval of the alerts in a thousand."""
        (recall_low, recall_high), (low, high) = self._ends
        return _alerts(self.prevalence, recall_low, low), _alerts(self.prevalence, recall_high, high)

    @property
    def precision_interval(self) -> tuple[float, float]:
        """The 95 % interval of the precision."""
        (recall_low, recall_high), (low, high) = self._ends
        return _precision(self.prevalence, recall_low, high), _precision(self.prevalence, recall_high, low)

    @property
    def _ends(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Intervals of recall and false-positive rate, of which both hold with 95 % confidence (Bonferroni's correction)."""
        return _exact(self.found, self.grooming), _exact(self.flagged, self.ordinary)


def at_threshold(judged: Sequence[Judged], threshold: float, *, prevalence: float) -> Choice:
    """Return what a threshold comes to at a stated prevalence of grooming conversations.

    Raises
    ------
    ConfigError
        When the prevalence is no share, or a class is missing.
    """
    labels, peaks = _both(judged, prevalence)
    flagged = peaks >= threshold
    return choice_of(labels, flagged, threshold=threshold, prevalence=prevalence)


def choice_of(labels: NDArray[np.floating], flagged: NDArray[np.bool_], *, threshold: float, prevalence: float) -> Choice:
    """Return the same from labels, 1 and 0, and what is flagged; each of shape (conversations,)."""
    grooming, ordinary = flagged[labels == 1], flagged[labels == 0]
    return Choice(threshold, prevalence, int(grooming.sum()), len(grooming), int(ordinary.sum()), len(ordinary))


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


_PLACES = 1e5
"""Risks are kept to five places, and so is a threshold: above the risk it follows from, and never 1, which nothing may reach."""


def lowest_risk(peaks: Sequence[float], rate: float) -> float:
    """Return the lowest threshold that at most the share ``rate`` of the highest risks of conversations reach."""
    highest = sorted(peaks, reverse=True)
    allowed = allowed_alarms(rate, len(highest))
    if allowed >= len(highest):
        return 1 / _PLACES
    above = (math.floor(highest[allowed] * _PLACES + 1e-3) + 1) / _PLACES
    return min(above, 1 - 1 / _PLACES)


def _all(judged: Sequence[Judged], prevalence: float) -> list[Choice]:
    """Return what each threshold that makes a difference comes to: just at each risk that occurs."""
    labels, peaks = _both(judged, prevalence)
    values = np.unique(peaks)
    grooming, ordinary = np.sort(peaks[labels == 1]), np.sort(peaks[labels == 0])
    recalled = len(grooming) - np.searchsorted(grooming, values)
    flagged = len(ordinary) - np.searchsorted(ordinary, values)
    return [
        Choice(value, prevalence, hits, len(grooming), alarms, len(ordinary))
        for value, hits, alarms in zip(values.tolist(), recalled.tolist(), flagged.tolist(), strict=True)
    ]


def alerts_in_words(choice: Choice) -> str:
    """Return how many alerts a thousand conversations give, and how many of them are true: as bounds where few were counted."""
    least, most = choice.alerts_interval
    low, high = choice.precision_interval
    sure = "with 95 % confidence"
    if choice.flagged < FEW:
        alerts = f"at most {most:.3g} alerts in a thousand {sure}"
    else:
        alerts = f"{choice.alerts_per_thousand:.2f} alerts in a thousand ({least:.3g} to {most:.3g})"
    if min(choice.flagged, choice.found) < FEW:
        return f"{alerts}; at least {percent(low)} of them true, and too few were counted to say more"
    return f"{alerts}, {percent(choice.precision)} of them true ({percent(low)} to {percent(high, up=True)})"


def _alerts(prevalence: float, recall: float, rate: float) -> float:
    return 1000 * (prevalence * recall + (1 - prevalence) * rate)


def _precision(prevalence: float, recall: float, rate: float) -> float:
    flagged = prevalence * recall + (1 - prevalence) * rate
    return prevalence * recall / flagged if flagged else 1.0


def _exact(successes: int, trials: int) -> tuple[float, float]:
    sure = 1 - _EACH_END
    return at_least(successes, trials, confidence=sure), at_most(successes, trials, confidence=sure)


def _both(judged: Sequence[Judged], prevalence: float) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    if not 0 < prevalence < 1:
        raise ConfigError(f"a prevalence of {prevalence:g}", do="Give a share between 0 and 1, such as 0.001")
    labels, peaks = conversation_labels(judged)
    if len(np.unique(labels)) < 2:
        raise ConfigError("the conversations are all of one class", do="Give grooming and ordinary ones")
    return labels, peaks
