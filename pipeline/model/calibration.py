"""Calibration of log-odds into probabilities (Platt 1999): a slope and an offset a stage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Platt:
    """``p = 1 / (1 + exp(-(slope · score + offset)))``; ``slope`` and ``offset`` have shape (stages,)."""

    slope: NDArray[np.float64]
    offset: NDArray[np.float64]

    def probability(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return calibrated probabilities for scores of shape (messages, stages)."""
        return 1.0 / (1.0 + np.exp(-np.clip(scores * self.slope + self.offset, -30.0, 30.0)))
