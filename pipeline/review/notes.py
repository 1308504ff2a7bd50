"""Notes on a conversation without a decision: for oneself, for a colleague who is named in them, or as a task to be done."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, select, update

from pipeline.errors import ReviewError
from pipeline.review.audit import append
from pipeline.review.decisions import key_of
from pipeline.review.recorded import note_digest, recorded
from pipeline.review.records import Moderator
from pipeline.review.schema import notes, readers

_LONGEST = 2000
_NAMED = re.compile(r"(?<![\w.])@([A-Za-z0-9][A-Za-z0-9._@-]{0,63})")


@dataclass(frozen=True, slots=True)
class Note:
    """A note. ``for_reader`` is whom it names, whose task it is where ``task``; ``note`` is nothing once it was erased."""

    id: int
    conversation: int
    reader: str
    at: datetime
    note: str | None
    for_reader: str | None
    task: bool
    done: datetime | None


def add_note(connection: Connection, number: int, text: str, *, task: bool, reader: Moderator) -> Note:
    """Keep a note. ``@name`` in it names a colleague; a task that names nobody is the reader's own.

    Raises
    ------
    ReviewError
        When it is empty or too long, names nobody who is there, or more than one.
    """
    text = text.replace("\0", "").strip()
    if not text:
        raise ReviewError("the note is empty", do="Write it, then keep it")
    if len(text) > _LONGEST:
        raise ReviewError(f"the note has {len(text)} characters", do=f"Say it in {_LONGEST}")
    named = list(dict.fromkeys(name.rstrip(".-") for name in _NAMED.findall(text)))
    if len(named) > 1:
        raise ReviewError("the note names more than one colleague", do="Write a note to each")
    if named:
        active = connection.execute(select(readers.c.active).where(readers.c.name == named[0])).scalar_one_or_none()
        if not active:
            raise ReviewError(f"there is no active account {named[0]}", do="Write @ and the name of an account")
    for_reader = named[0] if named else reader.name if task else None
    key, now, salt = key_of(connection, number), datetime.now(UTC), secrets.token_hex(16)
    values = {"conversation": number, "reader": reader.name, "at": now, "note": text, "for_reader": for_reader, "task": task}
    made = connection.execute(notes.insert().values(**values, note_salt=salt, done=None).returning(notes.c.id)).scalar_one()
    sets = {f"note/{made}": recorded(**(values | {"note": note_digest(text, salt), "done": None}))}
    append(connection, reader.name, "note", key.subject, sets=sets, note=made, for_reader=for_reader, task=task)
    return Note(made, number, reader.name, now, text, for_reader, task, None)


def end_note(connection: Connection, note_id: int, *, reader: Moderator) -> None:
    """Say that a task is done, or that a note was read.

    Raises
    ------
    ReviewError
        When it is another's, or done already.
    """
    row = connection.execute(select(notes).where(notes.c.id == note_id)).one_or_none()
    if row is None or row.for_reader is None or row.done is not None:
        raise ReviewError("there is no such open task", do="Load the page again")
    if row.for_reader != reader.name and not reader.may("lead"):
        raise ReviewError("this is another reader's", do="Ask them, or a lead")
    now = datetime.now(UTC)
    connection.execute(update(notes).where(notes.c.id == note_id).values(done=now))
    subject = key_of(connection, row.conversation).subject
    append(connection, reader.name, "end note", subject, sets={f"note/{note_id}": recorded(done=now)}, note=note_id)


def notes_on(connection: Connection, number: int) -> list[Note]:
    """Return the notes on a conversation in the order written."""
    return list(_notes(connection, notes.c.conversation == number))


def open_for(connection: Connection, reader: Moderator) -> list[Note]:
    """Return the open notes and tasks for a reader, the oldest first."""
    return list(_notes(connection, (notes.c.for_reader == reader.name) & notes.c.done.is_(None)))


def erase_notes(connection: Connection, number: int) -> list[int]:
    """Delete the words of the notes on a conversation, and the salts of their digests; return whose words went."""
    kept = (notes.c.conversation == number) & notes.c.note.is_not(None)
    erased: list[int] = list(connection.execute(select(notes.c.id).where(kept)).scalars())
    connection.execute(update(notes).where(kept).values(note=None, note_salt=None))
    return erased


def _notes(connection: Connection, condition: ColumnElement[bool]) -> Iterator[Note]:
    for row in connection.execute(select(notes).where(condition).order_by(notes.c.id)):
        yield Note(row.id, row.conversation, row.reader, row.at, row.note, row.for_reader, row.task, row.done)
