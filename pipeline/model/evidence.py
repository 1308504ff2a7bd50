"""The running risk at scoring time, with numpy: from the evidence of each message to the risk of each speaker after it.

After each message of a speaker, two things are known of the evidence so far: how high each kind of it has been, and how much of it
there was. A small network makes a risk of both. Nothing later is read, and nobody else's messages.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class EvidenceRisk:
    """The weights of ``RiskHead``, and the calibration of its logit: ``p = σ(slope · logit + offset)``."""

    first_weight: NDArray[np.float32]
    first_bias: NDArray[np.float32]
    second_weight: NDArray[np.float32]
    second_bias: NDArray[np.float32]
    slope: float
    offset: float

    def logits(self, evidence: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the logit after each message of one speaker: (messages, evidence) to (messages,)."""
        highest = np.maximum.accumulate(evidence, axis=0)
        gathered = np.log1p(np.cumsum(np.maximum(evidence, 0.0), axis=0, dtype=np.float32))
        hidden = np.maximum(np.concatenate([highest, gathered], axis=1) @ self.first_weight.T + self.first_bias, 0.0)
        return (hidden @ self.second_weight.T + self.second_bias)[:, 0]

    def risks(self, evidence: NDArray[np.float32], speakers: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the risk of each message's speaker after it, and of the conversation: that of its riskiest speaker."""
        own = np.zeros(len(speakers), np.float32)
        for rows in rows_of(speakers):
            logits = np.clip(self.slope * self.logits(evidence[rows]) + self.offset, -30.0, 30.0)
            own[rows] = 1.0 / (1.0 + np.exp(-logits))
        return own, riskiest(own, speakers)


def rows_of(speakers: Sequence[str]) -> list[NDArray[np.intp]]:
    """Return the rows of each speaker, in the order in which they begin to speak."""
    numbers: dict[str, int] = {}
    slots = np.asarray([numbers.setdefault(speaker, len(numbers)) for speaker in speakers], np.intp)
    order = np.argsort(slots, kind="stable")
    return np.split(order, np.cumsum(np.bincount(slots))[:-1]) if len(slots) else []


def riskiest(own: NDArray[np.float32], speakers: Sequence[str]) -> NDArray[np.float32]:
    """Return the risk of the conversation after each message: the highest of what its speakers' risks are then."""
    latest: dict[str, float] = {}
    heap: list[tuple[float, str]] = []  # what is no longer a speaker's risk is thrown away when it comes to the top
    whole = np.zeros(len(speakers), np.float32)
    for row, (speaker, risk) in enumerate(zip(speakers, own.tolist(), strict=True)):
        latest[speaker] = risk
        heapq.heappush(heap, (-risk, speaker))
        while latest[heap[0][1]] != -heap[0][0]:
            heapq.heappop(heap)
        whole[row] = -heap[0][0]
    return whole
