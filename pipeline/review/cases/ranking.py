"""Which cases a person should read first: the facts that the store has, for `pipeline.link.priority`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, func, select

from pipeline.link.priority import AccountFacts, CaseFacts, Ranked, account_priority, case_priority
from pipeline.link.settings import LinkSettings
from pipeline.link.tables import Reason
from pipeline.review.case_schema import case_patterns, case_priorities, case_runs, cases, conversation_sources
from pipeline.review.cases.cases import CaseRow
from pipeline.review.schema import conversations

SETTINGS = LinkSettings()
"""Those of a link run are in its own folder; what the store ranks, it ranks by these."""


def rank_cases(connection: Connection) -> dict[str, Ranked]:
    """Return the priority of every case, by its name."""
    counts, first, patterns = _counts(connection), _first_accounts(connection), _patterns(connection)
    newest = max((counted.last for counted in counts.values() if counted.last is not None), default=None)
    ranked: dict[str, Ranked] = {}
    for case in connection.execute(select(cases.c.name, cases.c.evidence)):
        counted = counts.get(case.name, _NOTHING)
        linked = case.evidence != "{}"
        unlinked = account_priority(AccountFacts(risk=None, flagged_risk=counted.flagged_risk), SETTINGS)
        number, strongest = patterns.get(case.name, (0, 0.0))
        facts = CaseFacts(
            first=first.get(case.name) if linked else unlinked,
            patterns=number,
            pattern=strongest,
            flagged=counted.flagged,
            undecided=counted.flagged - counted.decided,
            days_old=(newest - counted.last).total_seconds() / 86400 if newest is not None and counted.last is not None else None,
        )
        ranked[case.name] = case_priority(facts, SETTINGS)
    return ranked


def in_order(rows: Iterable[CaseRow], ranked: Mapping[str, Ranked]) -> list[CaseRow]:
    """Return cases with what should be read first first; equal ones by name."""
    return sorted(rows, key=lambda case: (-ranked[case.name].priority, case.name))


class _Counts:
    """The conversations of a case, each once."""

    def __init__(self, flagged: int = 0, decided: int = 0, flagged_risk: float = 0.0, last: datetime | None = None) -> None:
        self.flagged, self.decided, self.flagged_risk, self.last = flagged, decided, flagged_risk, last


_NOTHING = _Counts()


def _counts(connection: Connection) -> Mapping[str, _Counts]:
    columns, content = conversations.c, conversation_sources.c.content
    joined = case_runs.join(conversation_sources, conversation_sources.c.run_id == case_runs.c.run_id).join(
        conversations, columns.number == conversation_sources.c.conversation
    )
    case = case_runs.c.case_name
    decided = columns.flagged & (columns.state != "open") & columns.awaiting.is_(False)
    counted: dict[str, _Counts] = {}
    for row in connection.execute(select(case, func.max(conversation_sources.c.last_at)).select_from(joined).group_by(case)):
        counted[row[0]] = _Counts(last=_moment(row[1]))
    flagged = select(case, func.count(content.distinct()), func.max(columns.risk)).select_from(joined).where(columns.flagged)
    for name, number, risk in connection.execute(flagged.group_by(case)):
        counted[name].flagged, counted[name].flagged_risk = number, risk
    for name, number in connection.execute(
        select(case, func.count(content.distinct())).select_from(joined).where(decided).group_by(case)
    ):
        counted[name].decided = number
    return counted


def _moment(text: str) -> datetime | None:
    """Return a time as `pipeline.review.cases.sources.comparable` writes it, without its zone."""
    try:
        return datetime.fromisoformat(text[:19])
    except ValueError:
        return None


def _first_accounts(connection: Connection) -> Mapping[str, Ranked]:
    columns = case_priorities.c
    highest = select(columns.case_name, func.max(columns.priority).label("priority")).group_by(columns.case_name).subquery()
    query = (
        select(columns.case_name, columns.priority, columns.reasons)
        .join(highest, (highest.c.case_name == columns.case_name) & (highest.c.priority == columns.priority))
        .order_by(columns.account.desc())
    )
    return {row.case_name: stored(row.priority, row.reasons) for row in connection.execute(query)}


def stored(priority: float, reasons: str) -> Ranked:
    """Return the priority of an account as a link run counted it and the store keeps it; earlier versions kept sentences alone."""
    rows = [row if isinstance(row, dict) else {"reason": "linked", "value": 0.0, "text": row} for row in json.loads(reasons)]
    return Ranked(priority, tuple(Reason(**row) for row in rows))


def _patterns(connection: Connection) -> Mapping[str, tuple[int, float]]:
    columns = case_patterns.c
    query = select(columns.case_name, func.count(), func.max(columns.strength)).group_by(columns.case_name)
    return {name: (number, strength) for name, number, strength in connection.execute(query)}
