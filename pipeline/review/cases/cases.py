"""Cases in the store: make one, add runs to it, say why it is opened, and what other cases hold too."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, func, select

from pipeline.errors import ReviewError
from pipeline.results import Run
from pipeline.review.audit import append
from pipeline.review.case_digest import evidence_digest, sources_digest
from pipeline.review.case_schema import case_runs, cases, conversation_accounts, conversation_sources
from pipeline.review.cases.sources import index_sources
from pipeline.review.recorded import Recorded, recorded
from pipeline.review.schema import audit, conversations, runs

OPEN_FOR = timedelta(hours=12)
"""How long a purpose holds on the command line; in the browser it holds for the session."""

_LONGEST = 200
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case in the list: how many runs, conversations (each once, in however many runs it is) and accounts."""

    name: str
    created: datetime
    runs: int
    conversations: int
    accounts: int


@dataclass(frozen=True, slots=True)
class Shared:
    """What another case holds too: conversations and accounts that are the same by their export."""

    case: str
    conversations: int
    accounts: int


def subject_of(case: str) -> str:
    """Return what the audit log calls a case."""
    return f"case:{case}"


def add_runs(connection: Connection, case: str, added: Sequence[Run], *, actor: str) -> list[str]:
    """Add runs that the store knows to a case, made when it is new; return the ids of those that it did not have yet.

    Raises
    ------
    ReviewError
        When the name will not do.
    """
    if not _NAME.fullmatch(case):
        raise ReviewError(
            "the name of a case is 1 to 64 letters, digits, dots, dashes and underscores",
            do="Give the case's file number; the name stays in the audit log, so name nobody",
        )
    now = datetime.now(UTC)
    sets: dict[str, Recorded] = {}
    if connection.execute(select(cases.c.name).where(cases.c.name == case)).one_or_none() is None:
        values = {"created": now, "creator": actor, "evidence": "{}"}
        connection.execute(cases.insert().values(name=case, **values))
        sets[f"case/{case}"] = recorded(**values) | {"index": evidence_digest(connection, case)}
    have = set(connection.execute(select(case_runs.c.run_id).where(case_runs.c.case_name == case)).scalars())
    new = {run.id: run for run in added if run.id not in have}
    for run_id in sorted(new):
        index_sources(connection, new[run_id], run_id)
        connection.execute(case_runs.insert().values(case_name=case, run_id=run_id, added=now, reader=actor))
        sets[f"case_run/{case}/{run_id}"] = recorded(added=now, reader=actor) | {"index": sources_digest(connection, run_id)}
    if sets:
        append(connection, actor, "add to case", subject_of(case), sets=sets, runs=sorted(new))
    return sorted(new)


def require_case(connection: Connection, case: str) -> None:
    """Refuse a case that there is not.

    Raises
    ------
    ReviewError
        When there is none of this name.
    """
    if connection.execute(select(cases.c.name).where(cases.c.name == case)).one_or_none() is None:
        raise ReviewError("there is no such case", do="See `safelight case list`, or make it with `safelight case add`")


def open_case(connection: Connection, case: str, *, purpose: str, actor: str) -> None:
    """Note why somebody opens a case. The purpose stays in the audit log for ever.

    Raises
    ------
    ReviewError
        When there is no such case, or no purpose.
    """
    require_case(connection, case)
    purpose = " ".join(purpose.split())
    if not purpose or not purpose.isprintable() or len(purpose) > _LONGEST:
        raise ReviewError(f"a purpose is 1 to {_LONGEST} characters", do="Say what you open the case for; name nobody from a chat")
    append(connection, actor, "open case", subject_of(case), purpose=purpose)


def is_open(connection: Connection, case: str, *, actor: str, since: datetime) -> bool:
    """Return whether somebody said since then why they open a case."""
    query = (
        select(audit.c.number)
        .where(audit.c.actor == actor, audit.c.action == "open case", audit.c.at >= since, audit.c.subject == subject_of(case))
        .limit(1)
    )
    return connection.execute(query).first() is not None


def all_cases(connection: Connection) -> list[CaseRow]:
    """Return the cases by name; `pipeline.review.cases.ranking` says which to read first."""
    columns = (
        cases.c.name,
        cases.c.created,
        func.count(case_runs.c.run_id.distinct()),
        func.count(conversation_sources.c.content.distinct()),
        func.count(conversation_accounts.c.account.distinct()),
    )
    joined = (
        cases.outerjoin(case_runs, case_runs.c.case_name == cases.c.name)
        .outerjoin(conversation_sources, conversation_sources.c.run_id == case_runs.c.run_id)
        .outerjoin(conversation_accounts, conversation_accounts.c.conversation == conversation_sources.c.conversation)
    )
    query = select(*columns).select_from(joined).group_by(cases.c.name, cases.c.created).order_by(cases.c.name)
    return [CaseRow(*row) for row in connection.execute(query)]


def runs_of(connection: Connection, case: str) -> list[tuple[str, str]]:
    """Return the runs of a case, by id: id and path."""
    query = select(runs.c.id, runs.c.path).join(case_runs, case_runs.c.run_id == runs.c.id).where(case_runs.c.case_name == case)
    return [(row.id, row.path) for row in connection.execute(query.order_by(runs.c.id))]


def cases_of_conversation(connection: Connection, number: int) -> list[str]:
    """Return the cases that hold a conversation, by name."""
    query = (
        select(case_runs.c.case_name)
        .join(conversations, conversations.c.run_id == case_runs.c.run_id)
        .where(conversations.c.number == number)
        .order_by(case_runs.c.case_name)
    )
    return list(connection.execute(query).scalars())


def shared_with(connection: Connection, case: str) -> list[Shared]:
    """Return the other cases that hold conversations or accounts of this one."""
    mine, theirs = case_runs.alias("mine"), case_runs.alias("theirs")
    ours, others = conversation_sources.alias("ours"), conversation_sources.alias("others")
    same = (
        select(theirs.c.case_name, func.count(others.c.content.distinct()))
        .select_from(mine.join(ours, ours.c.run_id == mine.c.run_id).join(others, others.c.content == ours.c.content))
        .join(theirs, theirs.c.run_id == others.c.run_id)
        .where(mine.c.case_name == case, theirs.c.case_name != case)
        .group_by(theirs.c.case_name)
    )
    shared = {name: [count, 0] for name, count in connection.execute(same)}
    here, there = conversation_accounts.alias("here"), conversation_accounts.alias("there")
    people = (
        select(theirs.c.case_name, func.count(there.c.account.distinct()))
        .select_from(mine.join(ours, ours.c.run_id == mine.c.run_id).join(here, here.c.conversation == ours.c.conversation))
        .join(there, there.c.account == here.c.account)
        .join(others, others.c.conversation == there.c.conversation)
        .join(theirs, theirs.c.run_id == others.c.run_id)
        .where(mine.c.case_name == case, theirs.c.case_name != case)
        .group_by(theirs.c.case_name)
    )
    for name, count in connection.execute(people):
        shared.setdefault(name, [0, 0])[1] = count
    return [Shared(name, *counts) for name, counts in sorted(shared.items())]
