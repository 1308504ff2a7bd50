"""What the decisions of readers say of the queue: how many of what was flagged were right at each cut, and whether that drifts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, case, func, select

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


def precision_by_cut(connection: Connection, runs: Sequence[str], cuts: Sequence[float] = CUTS) -> dict[float, Precision]:
    """Return how many of the decided conversations were handed on, from each risk on."""
    handed_on = _columns.state != "dismiss"
    counted = [
        func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
        for cut in cuts
        for condition in (and_(_columns.risk >= cut, handed_on), _columns.risk >= cut)
    ]
    decided = (_columns.run_id.in_(runs), _columns.state.in_(("dismiss", "escalate", "refer")), ~_columns.awaiting)
    counts = tuple(connection.execute(select(*counted).where(*decided)).one())
    return {cut: Precision(*counts[2 * place : 2 * place + 2]) for place, cut in enumerate(cuts)}


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
