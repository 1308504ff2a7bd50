"""The audit log and the tables by hand: every change past Safelight is found, and nothing is written over the evidence."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="the review needs its extra")

from helpers.audited import PASSWORD, alter, copied, prepared, whole
from helpers.reviewed import add_people, opened, postgresql
from helpers.tampering import GARBAGE, OF_THE_LOG, OF_THE_TABLES
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from pipeline.config import Taxonomy
from pipeline.errors import ReviewError
from pipeline.results import THRESHOLDS
from pipeline.review.accounts import add_reader, set_password
from pipeline.review.audit import entries, renew_head, verify
from pipeline.review.audit_head import note_head, read_head
from pipeline.review.retention import delete, plan_purge
from pipeline.review.store import Store, open_store

__all__ = ["whole"]  # a fixture


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


def test_the_database_itself_refuses_to_change_the_log(taxonomy: Taxonomy, tmp_path: Path) -> None:
    store = prepared(tmp_path / "review.db", taxonomy, tmp_path)
    line = "SELECT 1, at, 'x', action, subject, detail, previous, hash FROM audit WHERE number = 1"
    for statement in (
        "UPDATE audit SET actor = 'x' WHERE number = 1",
        "DELETE FROM audit",
        f"INSERT OR REPLACE INTO audit {line}",
        f"REPLACE INTO audit {line}",
        "INSERT INTO audit SELECT 99, at, 'x', action, subject, detail, previous, hash FROM audit WHERE number = 1",
    ):
        with pytest.raises(DBAPIError, match="append-only"), store.writing() as connection:
            connection.execute(text(statement))
    assert verify(store).problems == []
    store.close()


def tampered(whole: Path, folder: Path, statements: str) -> list[str]:
    """Change a copy of the store by hand, put the triggers back, and return what `verify` says."""
    file = copied(whole, folder)
    with sqlite3.connect(file) as raw:
        triggers = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            raw.execute(f"DROP TRIGGER {name}")
        raw.execute("PRAGMA foreign_keys = ON")
        raw.execute("PRAGMA ignore_check_constraints = ON")
        raw.executescript(statements.replace("{zeros}", "0" * 64).replace("{true}", "1").replace("{false}", "0"))
        for _, sql in triggers:
            raw.execute(sql)
    raw.close()
    store = open_store(file, head=folder / "head")
    problems = list(verify(store).problems)
    store.close()
    return problems


@pytest.mark.parametrize("name", [*OF_THE_LOG, *OF_THE_TABLES])
def test_verify_finds_any_change(name: str, whole: Path, tmp_path: Path) -> None:
    assert tampered(whole, tmp_path, {**OF_THE_LOG, **OF_THE_TABLES}[name]) != []


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_in_a_column_is_a_finding(name: str, whole: Path, tmp_path: Path) -> None:
    problems = tampered(whole, tmp_path, GARBAGE[name])
    assert problems != []
    assert all(problem.isprintable() for problem in problems)


def test_verify_finds_each_change_of_the_tables_in_postgresql_too(server: str, taxonomy: Taxonomy, tmp_path: Path) -> None:
    store = prepared(server, taxonomy, tmp_path)
    for name, statements in OF_THE_TABLES.items():
        with store.engine.connect() as connection:
            connection.execute(text("BEGIN"))
            connection.execute(text(statements.replace("{zeros}", "0" * 64).replace("{true}", "true").replace("{false}", "false")))
            # Read in the transaction that changed it, which is then taken back.
            assert list(problems_of(store, connection)) != [], name
            connection.rollback()
    assert verify(store).problems == []
    for statement in ("DROP TRIGGER audit_keeps ON audit", "ALTER TABLE audit DISABLE TRIGGER audit_keeps"):
        with store.engine.connect() as connection:
            connection.execute(text(statement))
            assert "trigger audit_keeps" in str(list(problems_of(store, connection)))
            connection.rollback()
    store.close()


def problems_of(store: Store, connection: Connection) -> Iterator[str]:
    class Same(Store):
        @contextmanager
        def reading(self) -> Iterator[Connection]:
            yield connection

    yield from verify(Same(store.engine, store.head)).problems


@pytest.mark.parametrize("trigger", ["update", "delete", "replace"])
def test_verify_finds_that_a_trigger_is_gone_or_does_nothing(trigger: str, whole: Path, tmp_path: Path) -> None:
    file = copied(whole, tmp_path)
    name = f"audit_keeps_from_{trigger}"
    for again in ("", f"CREATE TRIGGER {name} BEFORE UPDATE ON audit WHEN 0 BEGIN SELECT 1; END"):
        alter(file, f"DROP TRIGGER IF EXISTS {name}", again)
        store = open_store(file, head=tmp_path / "head")
        assert any(name in problem for problem in verify(store).problems)
        store.close()


def test_a_later_line_does_not_cover_up_what_was_changed_before(whole: Path, tmp_path: Path) -> None:
    file = copied(whole, tmp_path)
    alter(
        file,
        "UPDATE readers SET role = 'admin' WHERE name = 'cy'",
        "UPDATE conversations SET platform = 'other' WHERE number = 2",
    )
    store = open_store(file, head=tmp_path / "head")
    with store.writing() as connection:
        set_password(connection, "cy", PASSWORD, actor="cli")
    run = tmp_path / "run"
    shutil.copytree(whole / "run", run)
    thresholds = json.loads((run / THRESHOLDS).read_text("utf-8"))
    (run / THRESHOLDS).write_text(json.dumps({**thresholds, "risk": 0.99}), "utf-8")
    opened(store, run)
    delete(store, plan_purge(store, older_than=timedelta(0), keep=["refer"]), actor="cli")
    problems = "\n".join(verify(store).problems)
    assert "the role of account cy" in problems
    assert "the index of run" in problems
    store.close()


def test_a_whole_forged_log_is_found_by_an_end_that_was_kept_elsewhere(taxonomy: Taxonomy, tmp_path: Path) -> None:
    store = open_store(tmp_path / "review.db")
    add_people(store)
    note_head(store)
    kept = str(verify(store).head)
    store.close()
    for file in tmp_path.glob("review.db*"):
        file.unlink()
    forged = open_store(tmp_path / "review.db")
    time.sleep(0.01)
    add_people(forged)
    note_head(forged)
    assert verify(forged).problems == []
    assert verify(forged, noted=read_head(kept, where="a note")).problems != []
    forged.close()


def cut(file: Path) -> None:
    """Take the last lines out of the log, and make the store say that it ends there."""
    with sqlite3.connect(file) as raw:
        sql = raw.execute("SELECT sql FROM sqlite_master WHERE name = 'audit_keeps_from_delete'").fetchone()[0]
        raw.execute("DROP TRIGGER audit_keeps_from_delete")
        raw.execute("DELETE FROM audit WHERE number > 6")
        raw.execute("UPDATE audit_head SET number = 6, hash = (SELECT hash FROM audit WHERE number = 6)")
        raw.execute(sql)
    raw.close()


def test_nothing_is_written_over_the_evidence_that_lines_were_cut_off(whole: Path, tmp_path: Path) -> None:
    file = copied(whole, tmp_path)
    cut(file)
    noted = (tmp_path / "head").read_bytes()
    store = open_store(file, head=tmp_path / "head")
    with pytest.raises(ReviewError, match="lines were cut off"), store.writing() as connection:
        add_reader(connection, "eve", PASSWORD, role="admin", actor="cli")
    with pytest.raises(ReviewError, match="lines were cut off"):
        note_head(store)
    assert (tmp_path / "head").read_bytes() == noted
    with store.reading() as connection:
        assert len(list(entries(connection))) == 6
    assert "lines were cut off" in "".join(verify(store).problems)
    store.close()


@pytest.mark.parametrize("content", [None, b"", b"\n", b"0:0", b"\xff\xfe", b"7:" + b"0" * 64, b"9" * 30 + b":" + b"0" * 64])
def test_a_head_file_that_is_gone_empty_or_other_is_a_finding_and_stops_what_would_write(
    content: bytes | None, whole: Path, tmp_path: Path
) -> None:
    file = copied(whole, tmp_path)
    head = tmp_path / "head"
    if content is None:
        head.unlink()
    else:
        head.write_bytes(content)
    store = open_store(file, head=head)
    assert verify(store).problems != []
    with pytest.raises(ReviewError, match="Nothing was written"), store.writing():
        pass
    with pytest.raises(ReviewError):
        note_head(store)
    assert (head.read_bytes() if head.exists() else None) == content
    renew_head(store, actor="cli", reason="the disk was exchanged")
    verdict = verify(store)
    assert verdict.problems == []
    assert "the disk was exchanged" in verdict.notes[0]
    store.close()
