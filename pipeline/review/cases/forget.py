"""What `purge` and `forget` take out of cases: accounts without conversations, and all that tells of what is gone."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from pipeline.results import Run
from pipeline.review.audit import append
from pipeline.review.case_digest import evidence_digest, sources_digest
from pipeline.review.case_schema import (
    accounts,
    case_links,
    case_notes,
    case_patterns,
    case_runs,
    cases,
    conversation_accounts,
    identities,
)
from pipeline.review.cases.sources import index_sources
from pipeline.review.recorded import Recorded


def cases_before(connection: Connection, changed: Collection[str]) -> dict[str, Recorded]:
    """Return what the log holds of the cases and their runs, before the conversations of these runs go."""
    before: dict[str, Recorded] = {}
    for row in connection.execute(select(case_runs.c.case_name, case_runs.c.run_id).where(case_runs.c.run_id.in_(changed))):
        before[f"case_run/{row.case_name}/{row.run_id}"] = {"index": sources_digest(connection, row.run_id)}
        before[f"case/{row.case_name}"] = {"index": evidence_digest(connection, row.case_name)}
    return before


def forget_in_cases(
    connection: Connection,
    opened: Mapping[str, Run],
    before: Mapping[str, Recorded],
    *,
    gone: Collection[int],
    touched: Collection[int],
    notes_until: datetime,
    actor: str,
) -> None:
    """Take out of the cases what the conversations of these runs no longer show; called after the index was written anew.

    ``gone`` are the numbers of conversations that went whole, ``touched`` of those that lost what one person said. An account
    that writes in no conversation any more goes, with its links, judgements and priority. A pattern goes whole when it names
    anything that went. Notes and tasks from before ``notes_until`` lose their words
    in a case that lost something: they may tell of it.
    """
    touched_cases = sorted({name.split("/")[1] for name in before})
    if not touched_cases:
        return
    indexed = {name.rpartition("/")[2] for name in before if name.startswith("case_run/")}
    for run_id in sorted(indexed):
        index_sources(connection, opened[run_id], run_id)
    with_conversations = select(conversation_accounts.c.account)
    lost = set(connection.execute(select(accounts.c.number).where(accounts.c.number.not_in(with_conversations))).scalars())
    removed: list[str] = []
    for start in range(0, len(lost), 500):
        part = sorted(lost)[start : start + 500]
        theirs = identities.c.source.in_(part) | identities.c.target.in_(part)
        removed += [f"identity/{identity}" for identity in connection.execute(select(identities.c.id).where(theirs)).scalars()]
        connection.execute(delete(accounts).where(accounts.c.number.in_(part)))
    changed = {*gone, *touched}
    sets: dict[str, Recorded] = {}
    every_case = connection.execute(select(cases.c.name)).scalars().all()
    for case in every_case:  # an account may be gone from a case by way of another
        _drop_evidence(connection, case, changed, lost)
        if case in touched_cases and changed:
            sets |= _erase_notes(connection, case, notes_until)
        sets.setdefault(f"case/{case}", {})["index"] = evidence_digest(connection, case)
    for name in before:
        if name.startswith("case_run/"):
            sets[name] = {"index": sources_digest(connection, name.rpartition("/")[2])}
    details = {"accounts": len(lost), "removed": sorted(set(removed))}
    append(connection, actor, "purge cases", found=dict(before), sets=sets, **details)


def _drop_evidence(connection: Connection, case: str, changed: Collection[int], lost: Collection[int]) -> None:
    mine = case_patterns.c.case_name == case
    for row in connection.execute(select(case_patterns.c.pattern, case_patterns.c.content).where(mine)).all():
        content = json.loads(row.content)
        named = {account for account, _ in content["accounts"]}
        shown = {*content["conversations"], *(place["conversation"] for place in content["messages"])}
        if named & set(lost) or shown & set(changed):
            connection.execute(delete(case_patterns).where(mine & (case_patterns.c.pattern == row.pattern)))
    ours = case_links.c.case_name == case
    for row in connection.execute(select(case_links).where(ours)).all():
        if any(place["conversation"] in changed for place in json.loads(row.evidence)):
            pair = (case_links.c.source == row.source) & (case_links.c.target == row.target)
            connection.execute(delete(case_links).where(ours & pair & (case_links.c.reason == row.reason)))


def _erase_notes(connection: Connection, case: str, until: datetime) -> dict[str, Recorded]:
    noted = (case_notes.c.case_name == case) & case_notes.c.note.is_not(None) & (case_notes.c.at < until)
    erased = connection.execute(select(case_notes.c.id).where(noted)).scalars().all()
    connection.execute(update(case_notes).where(noted).values(note=None, note_salt=None))
    return {f"case_note/{note}": {"note": None} for note in erased}
