"""Retention: what is old is deleted, and one person's data when they ask; from the store and the runs, both in the audit log."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, select, text, update

from pipeline.errors import ResultsError
from pipeline.results import Run, open_run
from pipeline.review.audit import append, note_head
from pipeline.review.erasure import drop_conversations, forget_speaker, holds_name
from pipeline.review.index import place_again
from pipeline.review.queue import digest_of
from pipeline.review.records import Kind
from pipeline.review.schema import conversation_speakers, conversations, corrections, decisions, runs
from pipeline.review.store import Store

_columns = conversations.c


@dataclass(frozen=True, slots=True)
class Deleted:
    """What was deleted: conversations whole and in part, decisions; and the runs whose files were not where they had been."""

    conversations: int
    parts: int
    decisions: int
    missing: Sequence[str]


def purge(store: Store, *, older_than: timedelta, keep: Collection[Kind] = (), actor: str) -> Deleted:
    """Delete the conversations that came in, or were last decided, so long ago: messages, scores, decisions and notes.

    Exports and referral packs lie elsewhere and are not touched. ``keep`` names decisions whose conversations stay.
    """
    until = datetime.now(UTC) - older_than
    with store.reading() as connection:
        query = select(_columns.run_id, _columns.conversation_id).where(
            _columns.changed < until, _columns.state.notin_(tuple(keep))
        )
        wanted = _by_run(connection.execute(query))
        opened, missing = _open_runs(connection, wanted)
    for run_id, run in opened.items():
        drop_conversations(run, wanted[run_id])
    with store.writing() as connection:
        removed = [decision for run_id, run in opened.items() for decision in _remove(connection, run_id, run, wanted[run_id])]
        total = sum(len(wanted[run_id]) for run_id in opened)
        append(connection, actor, "purge", older_than_days=older_than.days, conversations=total, decisions=removed)
    _tidy(store)
    return Deleted(total, 0, len(removed), missing)


def forget(store: Store, person: str, *, actor: str) -> Deleted:
    """Delete what is held of a person, who is given by the export's own name or id, or its SHA-256.

    What they said goes out of every conversation; a conversation whose own id or file name holds their name goes whole. Notes
    of readers on those conversations are erased, since they may tell of the person; who decided what stays.
    """
    digest = digest_of(person)
    name = person if digest != person else None
    with store.reading() as connection:
        query = (
            select(_columns.run_id, _columns.conversation_id)
            .join(conversation_speakers, conversation_speakers.c.conversation == _columns.number)
            .where(conversation_speakers.c.speaker == digest)
        )
        theirs = _by_run(connection.execute(query))
        every = {run_id: set() for run_id in connection.execute(select(runs.c.id)).scalars()} if name else theirs
        opened, missing = _open_runs(connection, every)
    whole = {run_id: set(holds_name(run, name)) if name else set() for run_id, run in opened.items()}
    parts = {run_id: theirs.get(run_id, set()) - whole[run_id] for run_id in opened}
    for run_id, run in opened.items():
        drop_conversations(run, whole[run_id])
        forget_speaker(run, digest, name, parts[run_id])
    with store.writing() as connection:
        removed, erased = [], []
        for run_id, run in opened.items():
            erased += _erase(connection, run_id, digest, parts[run_id])
            removed += _remove(connection, run_id, run, whole[run_id])
        append(connection, actor, "purge", person=True, conversations=sum(map(len, whole.values())), decisions=removed)
        append(connection, actor, "erase notes", person=True, conversations=sum(map(len, parts.values())), decisions=erased)
    _tidy(store)
    return Deleted(sum(map(len, whole.values())), sum(map(len, parts.values())), len(removed), missing)


def _by_run(rows: Iterable[Any]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row.run_id, set()).add(row.conversation_id)
    return found


def _open_runs(connection: Connection, wanted: Mapping[str, Collection[str]]) -> tuple[dict[str, Run], list[str]]:
    """Open the runs that are still where they were; nothing of one that is not is deleted, from the store neither."""
    opened, missing = {}, []
    for row in connection.execute(select(runs.c.id, runs.c.path).where(runs.c.id.in_(list(wanted)))):
        try:
            run = open_run(Path(row.path))
        except ResultsError:
            missing.append(row.path)
            continue
        if run.id == row.id:
            opened[row.id] = run
        else:
            missing.append(row.path)
    return opened, missing


def _remove(connection: Connection, run_id: str, run: Run, conversation_ids: Collection[str]) -> list[int]:
    """Take conversations out of the store; return the decisions that go with them. Then say anew where the others stand."""
    removed: list[int] = []
    for conversation_id in conversation_ids:
        wanted = (_columns.run_id == run_id) & (_columns.conversation_id == conversation_id)
        number = connection.execute(select(_columns.number).where(wanted)).scalar_one_or_none()
        if number is not None:
            removed += connection.execute(select(decisions.c.id).where(decisions.c.conversation == number)).scalars()
            connection.execute(delete(conversations).where(_columns.number == number))
    place_again(connection, run, run_id)
    return removed


def _erase(connection: Connection, run_id: str, digest: str, conversation_ids: Collection[str]) -> list[int]:
    """Take a person out of the store, and the notes on their conversations; return the decisions whose notes went."""
    erased: list[int] = []
    for conversation_id in conversation_ids:
        wanted = (_columns.run_id == run_id) & (_columns.conversation_id == conversation_id)
        number = connection.execute(select(_columns.number).where(wanted)).scalar_one()
        noted = (decisions.c.conversation == number) & decisions.c.note.is_not(None)
        erased += connection.execute(select(decisions.c.id).where(noted)).scalars()
        connection.execute(update(decisions).where(noted).values(note=None, note_salt=None))
        connection.execute(delete(corrections).where(corrections.c.conversation == number))
        of_person = (conversation_speakers.c.conversation == number) & (conversation_speakers.c.speaker == digest)
        connection.execute(delete(conversation_speakers).where(of_person))
    return erased


def _tidy(store: Store) -> None:
    """Give freed pages back, so that deleted rows lie in no file; and note the end of the log."""
    if store.engine.dialect.name == "sqlite":
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    note_head(store)
