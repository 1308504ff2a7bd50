"""What the decisions of readers say of the queue: how many of what was flagged were right at each cut, and whether that drifts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import Connection, func, select

from evaluation.intervals import newcombe, share_in_words, wilson
from pipeline.review.schema import conversations, decisions

CUTS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)

CANNOT_TELL = (
    "Handed on: escalated or referred, by as many readers as that needs. The watched ones are left out, and those that wait for a "
    "second reader.",
    "Readers decide mostly what is at the top of the queue, and see its risk. So the share at a low threshold is of what they "
    "chose to read; a blind sample does not have that fault.",
)
"""What is said beside these figures."""

RECENT = timedelta(days=7)
BEFORE = timedelta(days=28)
_LEAST = 20
"""Decisions on each side, under which no drift is spoken of."""

_columns = conversations.c


@dataclass(frozen=True, slots=True)
class Precision:
    """How many of the decided ones were handed on, with the 95 % interval of the share (Wilson)."""

    right: int
    decided: int

    @property
    def interval(self) -> tuple[float, float]:
        """The ends of the interval."""
        return wilson(self.right, self.decided)

    @property
    def words(self) -> str:
        """The share as a person reads it."""
        return share_in_words(self.right, self.decided)


@dataclass(frozen=True, slots=True)
class CutPrecision:
    """The precision of the queue from a risk on; ``there`` counts all conversations from it on, decided or not."""

    cut: float
    precision: Precision
    there: int


def precision_by_cut(connection: Connection, runs: Sequence[str], cuts: Sequence[float] = CUTS) -> list[CutPrecision]:
    """Return how many of the decided conversations were handed on, from each risk on."""
    query = select(_columns.risk, _columns.state).where(
        _columns.run_id.in_(runs), _columns.state.in_(("dismiss", "escalate", "refer")), ~_columns.awaiting
    )
    rows = connection.execute(query).all()
    risks = np.array([row.risk for row in rows], float)
    right = np.array([row.state != "dismiss" for row in rows], bool)
    rows_by_cut = []
    for cut in cuts:
        over = risks >= cut
        there = select(func.count()).where(_columns.run_id.in_(runs), _columns.risk >= cut)
        precision = Precision(int(right[over].sum()), int(over.sum()))
        rows_by_cut.append(CutPrecision(cut, precision, connection.execute(there).scalar_one()))
    return rows_by_cut


@dataclass(frozen=True, slots=True)
class Dismissals:
    """How many of the decisions of the last week were dismissals, and of the four weeks before it."""

    recent: int
    recent_of: int
    before: int
    before_of: int

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of how much the share rose (Newcombe)."""
        return newcombe(self.recent, self.recent_of, self.before, self.before_of)

    @property
    def drifts(self) -> bool:
        """Whether readers dismiss more than they did, beyond what chance explains."""
        return min(self.recent_of, self.before_of) >= _LEAST and self.interval[0] > 0


def dismissals(connection: Connection, runs: Sequence[str], *, now: datetime) -> Dismissals:
    """Count the dismissals among the decisions on flagged conversations, of last week and before; those taken back are left out."""
    joined = decisions.join(conversations)
    about = (_columns.run_id.in_(runs), _columns.flagged, decisions.c.undone.is_(None), decisions.c.at <= now)

    def count(since: datetime, until: datetime) -> tuple[int, int]:
        query = select(decisions.c.kind, func.count()).select_from(joined).group_by(decisions.c.kind)
        chosen = query.where(*about, decisions.c.at > since, decisions.c.at <= until)
        by_kind = {row[0]: row[1] for row in connection.execute(chosen)}
        return by_kind.get("dismiss", 0), sum(by_kind.values())

    middle = now - RECENT
    return Dismissals(*count(middle, now), *count(middle - BEFORE, middle))
