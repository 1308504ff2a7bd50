"""The official figures of PAN 2012, sexual predator identification (Inches and Crestani 2012).

Problem 1 asks who: author ids, F0.5 decides. Problem 2 asks which lines: ``conversation id, line``, F3 decides.
"""

from __future__ import annotations

from collections.abc import Hashable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from evaluation.metrics import f_score


@dataclass(frozen=True, slots=True)
class Official:
    """Figures from counts: how many were retrieved, how many of those were relevant, and how many there are."""

    retrieved: int
    relevant_retrieved: int
    relevant: int

    @property
    def precision(self) -> float:
        """Relevant of the retrieved; 0 where nothing was retrieved."""
        return self.relevant_retrieved / self.retrieved if self.retrieved else 0.0

    @property
    def recall(self) -> float:
        """Retrieved of the relevant; 0 where there are none."""
        return self.relevant_retrieved / self.relevant if self.relevant else 0.0

    def f(self, beta: float) -> float:
        """Return F_β."""
        return f_score(self.precision, self.recall, beta=beta)


def official(retrieved: AbstractSet[Hashable], relevant: AbstractSet[Hashable]) -> Official:
    """Count a run against the ground truth."""
    return Official(len(retrieved), len(retrieved & relevant), len(relevant))
