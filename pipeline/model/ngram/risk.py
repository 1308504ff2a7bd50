"""The running risk of the baseline: how far a speaker's messages so far look like grooming.

After each message, a logistic regression over that speaker's strongest evidence so far: for each stage the highest probability
and the mean of the few highest, and the number of the speaker's messages. It reads nothing that comes later, and a
speaker's risk comes from that speaker's own messages.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class RiskHead:
    """The regression: ``weights`` of shape (2 · stages + 1,), for highest, mean of the ``top`` highest, and log of the count."""

    weights: NDArray[np.float32]
    intercept: float
    top: int


@dataclass
class SpeakerEvidence:
    """The ``top`` highest probabilities of each stage that a speaker has reached, highest first."""

    stages: int
    top: int
    messages: int = 0
    highest: list[list[float]] = field(init=False)

    def __post_init__(self) -> None:
        self.highest = [[0.0] * self.top for _ in range(self.stages)]

    def add(self, probabilities: Sequence[float]) -> None:
        """Take in the stage probabilities of one more message."""
        self.messages += 1
        for best, probability in zip(self.highest, probabilities, strict=True):
            if probability > best[-1]:
                best[-1] = probability
                best.sort(reverse=True)

    def features(self) -> list[float]:
        """Return the features, of shape (2 · stages + 1,)."""
        return [
            *(best[0] for best in self.highest),
            *(sum(best) / self.top for best in self.highest),
            math.log1p(self.messages),
        ]


class RunningRisk:
    """The risk of one conversation as it runs: give it each message's probabilities, read the risk after it."""

    def __init__(self, head: RiskHead) -> None:
        self._head = head
        self._weights = [float(weight) for weight in head.weights]
        self._stages = (len(self._weights) - 1) // 2
        self._evidence: dict[str, SpeakerEvidence] = {}
        self._risk: dict[str, float] = {}

    def after(self, speaker: str, probabilities: Sequence[float]) -> float:
        """Take in one more message of a speaker; return that speaker's risk after it."""
        evidence = self._evidence.setdefault(speaker, SpeakerEvidence(self._stages, self._head.top))
        evidence.add(probabilities)
        logit = self._head.intercept + sum(w * x for w, x in zip(self._weights, evidence.features(), strict=True))
        self._risk[speaker] = 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, logit))))
        return self._risk[speaker]

    @property
    def conversation(self) -> float:
        """The risk of the conversation now: that of its riskiest speaker, 0 before anybody spoke."""
        return max(self._risk.values(), default=0.0)
