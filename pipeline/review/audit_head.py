"""The end of the audit log, and the file that keeps it outside of the database.

A file that lags behind is right: its line must be in the log. Nothing is written to the store, and no other end is noted, while
the noted line is not there: to write then would destroy the only evidence that lines were cut off.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, select

from pipeline.errors import ReviewError
from pipeline.review.schema import audit, audit_head

if TYPE_CHECKING:
    from pipeline.review.store import Store

FIRST = "0" * 64
"""What the first line has for the hash before it."""

_DO = "Nothing was written. Keep copies of the store and of this file, and run `safelight audit verify`"


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the log: how many lines, and the hash of the last."""

    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


def log_end(connection: Connection) -> Head:
    """Return the end of the log as the store notes it.

    Raises
    ------
    ReviewError
        When the store notes none.
    """
    rows = connection.execute(select(audit_head.c.number, audit_head.c.hash)).all()
    if len(rows) != 1 or not isinstance(rows[0].number, int) or not isinstance(rows[0].hash, str):
        raise ReviewError("the store does not note the end of its audit log", do=_DO)
    return Head(rows[0].number, rows[0].hash)


def read_head(text: str, *, where: str) -> Head:
    """Read the end of a log as `verify` prints it.

    Raises
    ------
    ReviewError
        When it is none.
    """
    number, _, digest = text.strip().partition(":")
    if not (number.isascii() and number.isdecimal() and len(number) < 19) or len(digest) != 64:
        raise ReviewError("this is no end of an audit log", where=where, do="Give number:hash as `verify` prints it")
    return Head(int(number), digest)


def noted_head(path: Path) -> Head | None:
    """Return the end of the log that the file notes, or nothing where there is no file.

    Raises
    ------
    ReviewError
        When the file is empty, cannot be read, or holds something else.
    """
    try:
        text = path.read_text("ascii", "replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ReviewError(f"the noted end of the audit log cannot be read ({error.strerror})", where=str(path), do=_DO) from error
    try:
        return read_head(text, where=str(path))
    except ReviewError:
        raise ReviewError("the file holds no end of an audit log", where=str(path), do=_DO) from None


def require_noted(connection: Connection, path: Path) -> None:
    """Refuse to go on unless the noted end of the log is in the log, and the log ends where the store says.

    Raises
    ------
    ReviewError
        When lines were cut off or changed, or the file is missing or damaged.
    """
    noted = noted_head(path)  # before the log is read: another process may add a line and note it meanwhile
    end = log_end(connection)
    last = connection.execute(select(func.max(audit.c.number))).scalar_one() or 0
    if last != end.number:
        raise ReviewError(f"the audit log ends at line {last}, but the store notes line {end.number} as its end", do=_DO)
    if noted is None:
        if end.number:
            raise ReviewError(
                "the file that notes the end of the audit log is missing",
                where=str(path),
                do=f"{_DO}; bring the file back, or where it is lost, run `safelight audit renew-head`",
            )
        return
    if _hash_of(connection, noted.number) != noted.hash:
        what = "lines were cut off" if noted.number > end.number else "lines were changed"
        raise ReviewError(f"line {noted.number} of the audit log is not the one that was noted: {what}", where=str(path), do=_DO)


def _hash_of(connection: Connection, number: int) -> str | None:
    if number == 0:
        return FIRST
    return connection.execute(select(audit.c.hash).where(audit.c.number == number)).scalar_one_or_none()


def note_head(store: Store) -> None:
    """Write the end of the log to the file, if the end noted there before is still in the log.

    Raises
    ------
    ReviewError
        When it is not, or the file cannot be written.
    """
    with store.reading() as connection:
        require_noted(connection, store.head)
        head = log_end(connection)
    write_head(store.head, head)


def write_head(path: Path, head: Head) -> None:
    """Write an end of the log to the file, in one rename.

    Raises
    ------
    ReviewError
        When the file cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with beside.open("w", encoding="ascii") as file:
            file.write(f"{head}\n")
            file.flush()
            os.fsync(file.fileno())  # a power cut must not leave an empty file: it would look like tampering
        beside.chmod(0o600)
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise ReviewError(
            f"the end of the audit log cannot be noted ({error.strerror})", where=str(path), do="Make the folder writable"
        ) from error
