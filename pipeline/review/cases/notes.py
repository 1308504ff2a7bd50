"""Notes and tasks of a case. The log holds a salted digest of the words, so that they can be erased."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Connection, select, update

from pipeline.errors import ReviewError
from pipeline.review.audit import append
from pipeline.review.case_schema import case_notes
from pipeline.review.cases.cases import require_case, subject_of
from pipeline.review.recorded import note_digest, recorded
from pipeline.review.records import Moderator
from pipeline.review.schema import readers

NoteKind = Literal["note", "task"]

_LONGEST = 4000


@dataclass(frozen=True, slots=True)
class Note:
    """A note or a task of a case; ``note`` is nothing once its words were erased."""

    id: int
    kind: NoteKind
    note: str | None
    reader: str
    at: datetime
    assignee: str | None
    done: datetime | None
    done_by: str | None


def add_note(
    connection: Connection, case: str, kind: NoteKind, words: str, *, reader: Moderator, assignee: str | None = None
) -> int:
    """Write a note or a task; return its id.

    Raises
    ------
    ReviewError
        When there is no such case or account, or no words.
    """
    require_case(connection, case)
    words = words.strip()
    if not words or len(words) > _LONGEST:
        raise ReviewError(f"a note is 1 to {_LONGEST} characters", do="Write what the next reader needs")
    if assignee is not None:
        active = connection.execute(select(readers.c.active).where(readers.c.name == assignee)).scalar_one_or_none()
        if not active:
            raise ReviewError("there is no such active account", do="Choose another one")
    salt = secrets.token_hex(16)
    about = {"case_name": case, "kind": kind, "reader": reader.name, "at": datetime.now(UTC), "assignee": assignee}
    values = {**about, "done": None, "done_by": None}
    query = case_notes.insert().values(**values, note=words, note_salt=salt).returning(case_notes.c.id)
    made = connection.execute(query).scalar_one()
    sets = {f"case_note/{made}": recorded(**values, note=note_digest(words, salt))}
    append(connection, reader.name, f"add {kind}", subject_of(case), sets=sets)
    return made


def finish_task(connection: Connection, case: str, task: int, *, reader: Moderator, done: bool = True) -> None:
    """Mark a task as done, or as open again.

    Raises
    ------
    ReviewError
        When the case has no such task.
    """
    wanted = (case_notes.c.case_name == case) & (case_notes.c.id == task) & (case_notes.c.kind == "task")
    if connection.execute(select(case_notes.c.id).where(wanted)).one_or_none() is None:
        raise ReviewError("the case has no such task", do="Load the page again")
    values = {"done": datetime.now(UTC) if done else None, "done_by": reader.name if done else None}
    connection.execute(update(case_notes).where(wanted).values(**values))
    sets = {f"case_note/{task}": recorded(**values)}
    append(connection, reader.name, "finish task" if done else "reopen task", subject_of(case), sets=sets)


def notes_of(connection: Connection, case: str) -> list[Note]:
    """Return the notes and tasks of a case, the oldest first."""
    columns = case_notes.c
    chosen = (columns.id, columns.kind, columns.note, columns.reader, columns.at, columns.assignee, columns.done, columns.done_by)
    return [Note(*row) for row in connection.execute(select(*chosen).where(columns.case_name == case).order_by(columns.id))]
