"""The running risk of each speaker: a small, monotone function of the signs so far. Needs numpy alone.

For a speaker X after a message, with ``p`` the probability of a stage on a message and ``e = -log(1 - p)`` its evidence::

    signs  = sum over stages of  weight * (highest e of X so far + gather * log(1 + sum of e - floor where it is above))
    logit  = slope * log(signs + LITTLE) + grown * adult(X) + young * child(others) + offset

``adult(X)`` is the mean of the five highest probabilities that X's messages were written by an adult, ``child(others)`` that of
the others' by somebody under 18; both count from nothing, so that they only rise. All weights are at least 0: more signs never
lower a risk, ordinary talk neither hides nor banks anything, and nobody's risk comes from another's signs. Noisy-or of maxima is
the case of ``weight = 1, gather = 0``.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

RISK = "risk.json"
"""The file of a model folder that holds the weights."""

LITTLE = 0.01
"""Evidence that everybody is given, so that its logarithm is finite."""

STRONGEST = 5
"""Messages that say how old somebody seems."""

_SUREST = 1.0 - 1e-4

_LIMIT = 15.0
"""Highest log-odds of a risk: beyond it, single precision rounds to a certainty of 0 or 1, which no risk is."""


@dataclass(frozen=True)
class RiskHead:
    """The weights: ``weights`` and ``floors`` of shape (stages,), the others one number each."""

    weights: NDArray[np.float64]
    floors: NDArray[np.float64]
    gather: float
    slope: float
    grown: float
    young: float
    offset: float

    def risks(
        self, stages: Floats, child: Floats | None, speakers: Sequence[str]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the risk of each message's speaker after it, and of the conversation: that of its riskiest speaker.

        ``stages`` of shape (messages, stages) are probabilities, ``child`` of (messages,) the probability that somebody under 18
        wrote the message; ``None`` where a model estimates no ages.
        """
        speaker_risk = np.zeros(len(speakers), np.float32)
        if not len(speakers):
            return speaker_risk, speaker_risk
        speaker_risk = self.probability(*speaker_signs(stages, child, speakers, self))
        return speaker_risk, riskiest(speaker_risk, speakers)

    def risk_at_end(self, stages: Floats, child: Floats | None, speakers: Sequence[str]) -> float:
        """Return the risk of a conversation of at least one message after its last one: that which `risks` ends with, to the bit.

        Only the last message of each speaker is computed.
        """
        scaled = evidence(stages)
        rows_by_speaker = rows_of(speakers)
        ends = [int(rows[-1]) for rows in rows_by_speaker]
        highest = np.stack([scaled[rows].max(axis=0) for rows in rows_by_speaker])
        gathered = np.stack([np.cumsum(np.maximum(scaled[rows] - self.floors, 0.0), axis=0)[-1] for rows in rows_by_speaker])
        grown, young = np.zeros(len(ends)), np.zeros(len(ends))
        if child is not None:
            ages = np.asarray(child, np.float64)
            for speaker, (rows, end) in enumerate(zip(rows_by_speaker, ends, strict=True)):
                grown[speaker] = _mean_of_strongest(1.0 - ages[rows])
                others = [other[: np.searchsorted(other, end)] for place, other in enumerate(rows_by_speaker) if place != speaker]
                young[speaker] = max((_mean_of_strongest(ages[other]) for other in others), default=0.0)
        return float(self.probability(self.signs(highest, gathered), grown, young).max())

    def signs(self, highest: NDArray[np.float64], gathered: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weighed signs, of shape (messages,), from what `running_evidence` returns.

        A row's sum depends on that row alone, which a matrix product does not promise: a batch run equals a live one.
        """
        return ((highest + self.gather * np.log1p(gathered)) * self.weights).sum(axis=1)

    def probability(
        self, signs: NDArray[np.float64], adult: NDArray[np.float64], young: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Return the risk, of shape (messages,), from what `speaker_signs` returns."""
        logits = self.slope * np.log(signs + LITTLE) + self.grown * adult + self.young * young + self.offset
        return (1.0 / (1.0 + np.exp(-np.clip(logits, -_LIMIT, _LIMIT)))).astype(np.float32)

    def as_json(self) -> dict[str, object]:
        """Return the weights as JSON can hold them."""
        return {
            "weights": [round(float(weight), 6) for weight in self.weights],
            "floors": [round(float(floor), 6) for floor in self.floors],
            **{name: round(float(getattr(self, name)), 6) for name in _NUMBERS},
        }


_NUMBERS = ("gather", "slope", "grown", "young", "offset")


def read_risk_head(content: Mapping[str, object]) -> RiskHead:
    """Read what `RiskHead.as_json` wrote.

    Raises
    ------
    KeyError, ValueError
        When it lacks a weight, or one is negative.
    """
    arrays = {name: np.asarray(content[name], np.float64) for name in ("weights", "floors")}
    numbers = {name: float(content[name]) for name in _NUMBERS}  # type: ignore[arg-type]
    if any((array < 0).any() for array in arrays.values()) or any(numbers[name] < 0 for name in _NUMBERS[:-1]):
        raise ValueError("the risk head has a negative weight")
    return RiskHead(arrays["weights"], arrays["floors"], *(numbers[name] for name in _NUMBERS))


def evidence(stages: Floats) -> NDArray[np.float64]:
    """Return ``-log(1 - p)`` of probabilities."""
    return -np.log1p(-np.minimum(np.asarray(stages, np.float64), _SUREST))


def speaker_signs(
    stages: Floats, child: Floats | None, speakers: Sequence[str], head: RiskHead
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return, after each message for its speaker, the weighed signs, how grown X seems, and how young the others seem."""
    highest, gathered = running_evidence(evidence(stages), head.floors, speakers)
    return head.signs(highest, gathered), *running_ages(child, speakers)


def running_evidence(
    scaled: NDArray[np.float64], floors: NDArray[np.float64], speakers: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the highest evidence of each message's speaker so far, and the sum of what was above the floors.

    Both are of shape (messages, stages).
    """
    highest, gathered = np.zeros_like(scaled), np.zeros_like(scaled)
    for rows in rows_of(speakers):
        highest[rows] = np.maximum.accumulate(scaled[rows], axis=0)
        gathered[rows] = np.cumsum(np.maximum(scaled[rows] - floors, 0.0), axis=0)
    return highest, gathered


def running_ages(child: Floats | None, speakers: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return, after each message, how grown its speaker seems, and how young the youngest-seeming other: (messages,) each.

    Where no ages are known, nobody seems grown or young.
    """
    if child is None:
        return np.zeros(len(speakers)), np.zeros(len(speakers))
    adult_heaps: dict[str, list[float]] = {}
    child_heaps: dict[str, list[float]] = {}
    youngest, first, second = "", 0.0, 0.0  # who seems youngest, how young, and how young the next one seems: they only rise
    grown, young = np.zeros(len(child)), np.zeros(len(child))
    for row, (speaker, probability) in enumerate(zip(speakers, np.asarray(child, np.float64).tolist(), strict=True)):
        grown[row] = strongest_mean(adult_heaps.setdefault(speaker, []), 1.0 - probability)
        mean = strongest_mean(child_heaps.setdefault(speaker, []), probability)
        if speaker == youngest:
            first = mean
        elif mean > first:
            youngest, first, second = speaker, mean, first
        else:
            second = max(second, mean)
        young[row] = second if speaker == youngest else first
    return grown, young


def strongest_mean(heap: list[float], value: float) -> float:
    """Take a value in, and return the mean of the strongest, of which there are `STRONGEST` with zeros at first."""
    if len(heap) < STRONGEST:
        heapq.heappush(heap, value)
    elif value > heap[0]:
        heapq.heapreplace(heap, value)
    return sum(heap) / STRONGEST


def _mean_of_strongest(values: NDArray[np.float64]) -> float:
    heap = np.sort(values)[-STRONGEST:].tolist()
    return sum(heap) / STRONGEST


def rows_of(speakers: Sequence[str]) -> list[NDArray[np.intp]]:
    """Return the rows of each speaker, in the order in which they begin to speak."""
    numbers: dict[str, int] = {}
    slots = np.asarray([numbers.setdefault(speaker, len(numbers)) for speaker in speakers], np.intp)
    order = np.argsort(slots, kind="stable")
    return np.split(order, np.cumsum(np.bincount(slots))[:-1]) if len(slots) else []


def riskiest(speaker_risk: NDArray[np.float32], speakers: Sequence[str]) -> NDArray[np.float32]:
    """Return the risk of the conversation after each message: the highest of what its speakers' risks are then."""
    latest: dict[str, float] = {}
    heap: list[tuple[float, str]] = []  # what is no longer a speaker's risk is thrown away when it comes to the top
    whole = np.zeros(len(speakers), np.float32)
    for row, (speaker, risk) in enumerate(zip(speakers, speaker_risk.tolist(), strict=True)):
        latest[speaker] = risk
        heapq.heappush(heap, (-risk, speaker))
        while latest[heap[0][1]] != -heap[0][0]:
            heapq.heappop(heap)
        whole[row] = -heap[0][0]
    return whole
