"""The running risk at scoring time, with numpy: from the evidence of each message to the risk of each speaker after it.

After each message of a speaker, two things are known of the evidence so far: how high each kind of it has been, and how much of it
there was. A small network makes a risk of both. Nothing later is read, and nobody else's messages.
"""

from __future__ import annotations

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
        names = np.asarray(speakers, dtype=object)
        whole = np.zeros(len(speakers), np.float32)
        for name in dict.fromkeys(speakers):
            rows = np.flatnonzero(names == name)
            logits = np.clip(self.slope * self.logits(evidence[rows]) + self.offset, -30.0, 30.0)
            own[rows] = 1.0 / (1.0 + np.exp(-logits))
            lasting = np.zeros(len(speakers), np.float32)
            edges = [*rows[1:], len(speakers)]
            for row, end in zip(rows, edges, strict=True):
                lasting[row:end] = own[row]
            whole = np.maximum(whole, lasting)
        return own, whole
