"""The store: SQLite beside the results, or PostgreSQL by URL; opened, migrated, read and written in whole transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

from pipeline.errors import ReviewError
from pipeline.review.audit_head import FIRST, Head, require_noted, write_head
from pipeline.review.schema import audit, audit_head

DEFAULT = Path("review.db")

_WAIT_SECONDS = 30


@dataclass(frozen=True)
class Store:
    """An open store. ``head`` is the file that keeps the end of the audit log outside of the database."""

    engine: Engine
    head: Path

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection that sees one moment of the store."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, *, unchecked: bool = False) -> Iterator[Connection]:
        """Yield a connection whose changes are kept together when the block ends well, and not at all otherwise.

        One writer at a time: SQLite locks the file from the beginning (BEGIN IMMEDIATE), PostgreSQL the head of the audit log. So
        what is read inside is what is still true when it is written, and the log's chain has no forks. Before anything is written
        the noted end of the log is looked for in it; ``unchecked`` is for noting the end anew.

        Raises
        ------
        ReviewError
            When lines of the log were cut off, or the file that notes its end is missing or damaged.
        """
        with self.engine.connect().execution_options(safelight_write=True) as connection, connection.begin():
            connection.execute(select(audit_head.c.one).with_for_update())
            if not unchecked:
                require_noted(connection, self.head)
            yield connection

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()


def open_store(place: str | Path = DEFAULT, *, head: Path | None = None) -> Store:
    """Open the store at a path (SQLite) or a URL, make it when it is new, and bring its tables up to date.

    ``head`` is where the end of the audit log is noted; beside the file by default.

    Raises
    ------
    ReviewError
        When it cannot be reached, is no store of ours, or was written by a newer Safelight.
    """
    url = _url(place)
    if url.get_backend_name() == "sqlite":
        if not url.database or url.database == ":memory:":
            raise ReviewError("a store in memory would keep nothing", do="Give a path or a URL with --store")
        beside = Path(f"{url.database}.head")
        _make_private(Path(url.database))
    else:
        beside = Path(f"safelight-{url.database}.head")
    engine = _engine(url)
    where = url.render_as_string(hide_password=True)
    try:
        _migrate(engine)
    except CommandError as error:
        raise ReviewError("the store was written by a newer Safelight", where=where, do="Update Safelight") from error
    except (OperationalError, DBAPIError, sqlite3.DatabaseError) as error:
        engine.dispose()
        raise ReviewError(
            f"the store cannot be opened ({_short(error)})", where=where, do="Check the path, the URL and whether the server runs"
        ) from error
    store = Store(engine, head or beside)
    _note_beginning(store)
    return store


def _note_beginning(store: Store) -> None:
    """Make the head file of a store whose log is empty: from then on a missing file is a finding."""
    if store.head.exists():
        return
    with store.reading() as connection:
        lines = connection.execute(select(audit.c.number).limit(1)).all()
        noted = connection.execute(select(audit_head.c.number)).scalars().all()
    if not lines and noted == [0]:
        write_head(store.head, Head(0, FIRST))


def _url(place: str | Path) -> URL:
    text = str(place)
    if "://" not in text:
        return URL.create("sqlite", database=str(Path(text).absolute()))
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise ReviewError("the URL of the store is not valid", do="Write for example postgresql://name@host/database") from error
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise ReviewError(f"a store in {url.get_backend_name()} is not known", do="Use SQLite or PostgreSQL")
    return url


def _make_private(file: Path) -> None:
    """Make the file readable by its owner alone; SQLite gives its journals the same rights."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
    except OSError as error:
        raise ReviewError(f"the store cannot be made ({error.strerror})", where=str(file), do="Give another --store") from error


def _engine(url: URL) -> Engine:
    try:
        engine = create_engine(
            url, pool_pre_ping=url.get_backend_name() != "sqlite", connect_args=_arguments(url), hide_parameters=True
        )
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise ReviewError("the driver of PostgreSQL is not installed", do="Install it: pip install 'safelight[review]'") from error
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _arguments(url: URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {"timeout": _WAIT_SECONDS}
    return {"options": f"-c lock_timeout={_WAIT_SECONDS}s", "connect_timeout": 10}


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # we write BEGIN ourselves
    wait = f"busy_timeout={_WAIT_SECONDS * 1000}"
    for pragma in (wait, "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("safelight_write") else "BEGIN")


def _migrate(engine: Engine) -> None:
    with engine.connect().execution_options(safelight_write=True) as connection, connection.begin():
        config = _alembic()
        ScriptDirectory.from_config(config)
        config.attributes["connection"] = connection
        if engine.dialect.name == "postgresql":  # two processes at once: the second waits, and finds the work done
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(20261124)")
        command.upgrade(config, "head")


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", "pipeline.review:migrations")
    return config


def _short(error: Exception) -> str:
    """Return the first line of a database's own words, without the statement and its values."""
    cause = getattr(error, "orig", None) or error
    return str(cause).strip().partition("\n")[0]
