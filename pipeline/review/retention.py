"""Retention: what is old is deleted, and one person's data when they ask; from the store and the runs, both in the audit log.

What would be deleted is planned first (`plan_purge`, `plan_forget`), so that it can be shown and asked about; `delete` does it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select, text, update
from sqlalchemy import delete as delete_from

from pipeline.errors import ResultsError, ReviewError
from pipeline.link.deletions import forget_in_links, note_rows_again
from pipeline.results import Run, open_run
from pipeline.review.audit import append
from pipeline.review.audit_head import note_head
from pipeline.review.cases.forget import cases_before, forget_in_cases
from pipeline.review.erasure import drop_conversations, forget_speaker, holds_name
from pipeline.review.index import index_of, place_again
from pipeline.review.notes import erase_notes
from pipeline.review.queue import digest_of
from pipeline.review.recorded import Recorded, as_ranges
from pipeline.review.records import Kind
from pipeline.review.schema import conversation_speakers, conversations, corrections, decisions, runs
from pipeline.review.store import Store
from pipeline.review.work_schema import sample_readings, shadow_scores

_columns = conversations.c

_ByRun = Mapping[str, set[str]]
"""Run id -> conversation ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """What is to be deleted: conversations whole, and what one person said in others.

    ``speaker`` is the digest of that person, ``name`` their name where it was given. ``missing`` are runs whose files are not where
    they were; nothing of them is deleted. ``referred`` counts the conversations with a referral as their current decision.
    """

    opened: Mapping[str, Run]
    missing: Sequence[str]
    whole: _ByRun
    parts: _ByRun
    decisions: int
    referred: int
    older_than: timedelta | None = None
    speaker: str | None = None
    name: str | None = None

    @property
    def conversations(self) -> int:
        """How many conversations go whole."""
        return sum(map(len, self.whole.values()))

    @property
    def in_part(self) -> int:
        """How many conversations lose what one person said."""
        return sum(map(len, self.parts.values()))


def plan_purge(store: Store, *, older_than: timedelta, keep: Collection[Kind] = ()) -> Deletion:
    """Plan to delete the conversations that came in, or were last decided, so long ago: messages, scores, decisions and notes.

    Exports and referral packs lie elsewhere and are not touched. ``keep`` names decisions whose conversations stay.
    """
    until = datetime.now(UTC) - older_than
    with store.reading() as connection:
        query = select(_columns.run_id, _columns.conversation_id).where(
            _columns.changed < until, _columns.state.notin_(tuple(keep))
        )
        wanted = _by_run(connection.execute(query))
        opened, missing = _open_runs(connection, wanted)
        whole = {run_id: wanted[run_id] for run_id in opened}
        decided, referred = _decided(connection, whole), _referred(connection, whole)
    return Deletion(
        opened=opened, missing=missing, whole=whole, parts={}, older_than=older_than, decisions=decided, referred=referred
    )


def plan_forget(store: Store, person: str) -> Deletion:
    """Plan to delete what is held of a person, who is given by the export's own name or id, or its SHA-256.

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
        if name:  # where an earlier command was cut off, the files do not hold them any more, and the store does
            named = connection.execute(select(_columns.run_id, _columns.conversation_id))
            for run_id, identity in named:
                if run_id in whole and name in identity:
                    whole[run_id].add(identity)
        parts = {run_id: theirs.get(run_id, set()) - whole[run_id] for run_id in opened}
        decided, referred = _decided(connection, whole), _referred(connection, whole, parts)
    return Deletion(
        opened=opened, missing=missing, whole=whole, parts=parts, speaker=digest, name=name, decisions=decided, referred=referred
    )


def _by_run(rows: Iterable[Any]) -> dict[str, set[str]]:
    by_run: dict[str, set[str]] = {}
    for row in rows:
        by_run.setdefault(row.run_id, set()).add(row.conversation_id)
    return by_run


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


def _decided(connection: Connection, whole: _ByRun) -> int:
    """Return how many decisions go with their conversations."""
    query = select(_columns.run_id, _columns.conversation_id).join(decisions, decisions.c.conversation == _columns.number)
    return sum(identity in whole.get(run_id, ()) for run_id, identity in connection.execute(query))


def _referred(connection: Connection, *wanted: _ByRun) -> int:
    rows = connection.execute(select(_columns.run_id, _columns.conversation_id).where(_columns.state == "refer"))
    return sum(any(identity in chosen.get(run_id, ()) for chosen in wanted) for run_id, identity in rows)


def delete(store: Store, planned: Deletion, *, actor: str, even_if_referred: str | None = None) -> int:
    """Delete what was planned; return how many decisions went with it.

    ``even_if_referred`` is the reason why referred conversations go too; it is kept in the audit log.

    Raises
    ------
    ReviewError
        When a conversation is referred and no reason is given: it may be evidence. Nothing is deleted then.
    """
    reason = (even_if_referred or "").strip()
    with store.writing() as connection:  # nothing of the files goes either where the log has lost lines
        referred = _referred(connection, planned.whole, planned.parts)
    if referred and not reason:
        raise ReviewError(
            f"{referred} of the conversations are referred, so they may be evidence; nothing was deleted",
            do="Keep them (`purge --keep refer`), or say why they go: --even-if-referred REASON",
        )
    forget_in_links(planned.opened.values(), planned.whole, planned.speaker)
    for run_id, run in planned.opened.items():
        drop_conversations(run, planned.whole[run_id])
        if planned.speaker is not None:
            forget_speaker(run, planned.speaker, planned.name, planned.parts[run_id])
    note_rows_again(run for run_id, run in planned.opened.items() if planned.whole[run_id])
    about = {"referred": referred, "reason": reason} if referred else {}
    with store.writing() as connection:
        before = {f"run/{run_id}": index_of(connection, run_id) for run_id in planned.opened}
        before_cases = cases_before(connection, planned.opened)
        removed: list[int] = []
        gone: list[int] = []
        erased: list[int] = []
        wiped: list[int] = []
        touched: list[int] = []
        sets: dict[str, Recorded] = {}
        for run_id, run in planned.opened.items():
            for identity in planned.parts.get(run_id, ()):
                number = _number(connection, run_id, identity)
                if number is not None and planned.speaker is not None:
                    touched.append(number)
                    erased += _erase(connection, number, planned.speaker)
                    wiped += erase_notes(connection, number)
            for identity in planned.whole[run_id]:
                number = _number(connection, run_id, identity)
                if number is not None:
                    gone.append(number)
                    removed += connection.execute(select(decisions.c.id).where(decisions.c.conversation == number)).scalars()
                    connection.execute(delete_from(conversations).where(_columns.number == number))
            sets[f"run/{run_id}"] = place_again(connection, run, run_id)
        about |= {"person": True} if planned.speaker is not None else {"older_than_days": (planned.older_than or timedelta()).days}
        counts = {"conversations": planned.conversations, "decisions": sorted(removed), "gone": as_ranges(gone)}
        append(connection, actor, "purge", found=before, sets=sets, **counts, **about)
        if planned.speaker is not None:
            counts = {"conversations": planned.in_part, "decisions": sorted(erased), "gone_corrections": as_ranges(touched)}
            without: dict[str, Recorded] = {f"decision/{number}": {"note": None} for number in erased}
            without |= {f"note/{number}": {"note": None} for number in wiped}
            append(connection, actor, "erase notes", sets=without, **counts, **about)
        until = datetime.now(UTC) - (planned.older_than or timedelta())
        forget_in_cases(connection, planned.opened, before_cases, gone=gone, touched=touched, notes_until=until, actor=actor)
    _tidy(store)
    return len(removed)


def _number(connection: Connection, run_id: str, identity: str) -> int | None:
    wanted = (_columns.run_id == run_id) & (_columns.conversation_id == identity)
    return connection.execute(select(_columns.number).where(wanted)).scalar_one_or_none()


def _erase(connection: Connection, number: int, digest: str) -> list[int]:
    """Take a person out of a conversation in the store, and what was marked and found in it; return whose notes went."""
    noted = (decisions.c.conversation == number) & decisions.c.note.is_not(None)
    erased: list[int] = list(connection.execute(select(decisions.c.id).where(noted)).scalars())
    connection.execute(update(decisions).where(noted).values(note=None, note_salt=None))
    connection.execute(delete_from(corrections).where(corrections.c.conversation == number))
    connection.execute(delete_from(sample_readings).where(sample_readings.c.conversation == number))
    connection.execute(delete_from(shadow_scores).where(shadow_scores.c.conversation == number))
    of_person = (conversation_speakers.c.conversation == number) & (conversation_speakers.c.speaker == digest)
    connection.execute(delete_from(conversation_speakers).where(of_person))
    return erased


def _tidy(store: Store) -> None:
    """Give freed pages back, so that deleted rows lie in no file; and note the end of the log."""
    if store.engine.dialect.name == "sqlite":
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    note_head(store)
