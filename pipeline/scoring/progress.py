"""How far a run is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pipeline.scoring.amount import Amount

Phase = Literal["reading", "counting", "scoring", "writing", "done"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. What is not known yet, and what Ray's nodes count for themselves, is ``None``.

    While ``phase`` is "counting", ``done`` and ``total`` count exports; from "scoring" on they count messages, and ``parts`` of
    ``parts_total`` are kept on disk. ``resumed`` parts were there when the run began.
    """

    phase: Phase
    done: int = 0
    total: int | None = None
    parts: int = 0
    parts_total: int | None = None
    resumed: int = 0


class PartCounter:
    """Counts messages and parts as they are kept, and tells the progress."""

    def __init__(self, tell: Callable[[Progress], None], done: int, parts: int, amount: Amount | None) -> None:
        self._tell, self._done, self._parts, self._resumed, self._amount = tell, done, parts, parts, amount
        self.tell("scoring")

    def __call__(self, more: int) -> None:
        """Count one more part, of so many messages."""
        self._done += more
        self._parts += 1
        self.tell("scoring")

    def tell(self, phase: Phase) -> None:
        """Tell the progress; a part of a damaged export is thrown away later, so there may be more than was counted."""
        total = self._amount and max(self._amount.messages, self._done)
        parts = self._amount and max(self._amount.parts, self._parts)
        self._tell(Progress(phase, self._done, total, self._parts, parts, self._resumed))

    def end(self) -> None:
        """Tell that all is done."""
        self._tell(Progress("done", self._done, self._done, self._parts, self._parts, self._resumed))
