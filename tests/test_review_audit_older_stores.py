"""Stores made by earlier versions: what the log proves of them, and what it does not."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="the review needs its extra")
from helpers.audited import alter, copied, whole

from pipeline.review.audit import entries, verify
from pipeline.review.recorded import Derived, differences
from pipeline.review.store import open_store

__all__ = ["whole"]  # a fixture

CASES = (
    "accounts",
    "cases",
    "case_links",
    "case_notes",
    "case_patterns",
    "case_priorities",
    "case_runs",
    "identities",
    "conversation_accounts",
    "conversation_sources",
)
"""The tables of cases."""

WORK = ("practice_attempts", "samples", "sample_readings", "shadows", "shadow_scores")
"""The tables of practice, blind samples and shadow models."""

BEFORE_FACTORS = (
    "DROP INDEX conversations_by_waiting",
    "DROP INDEX conversations_by_deadline",
    "DROP INDEX decisions_by_time",
    "ALTER TABLE conversations DROP COLUMN due",
    *(f"DROP TABLE {name}" for name in reversed(WORK)),
    *(f"DROP TABLE {name}" for name in ("notes", "filters", *reversed(CASES))),
    *(f"ALTER TABLE readers DROP COLUMN {name}" for name in ("titles", "language")),
    *(f"ALTER TABLE readers DROP COLUMN {name}" for name in ("factor", "factor_step", "recovery")),
    "ALTER TABLE sessions DROP COLUMN pending_factor",
    "DROP TABLE policy",
)
"""What makes of a store one from before the second factor."""

BEFORE_SUMMARIES = (*BEFORE_FACTORS, "ALTER TABLE runs DROP COLUMN conversations_sha256")
"""What makes of a store one from before the hash of the summaries."""


def test_a_column_that_was_dropped_is_a_finding(whole: Path, tmp_path: Path) -> None:
    file = copied(whole, tmp_path)
    alter(file, BEFORE_SUMMARIES[-1])
    store = open_store(file, head=tmp_path / "head")
    assert "cannot be read" in "".join(verify(store).problems)
    store.close()


def test_a_store_made_before_takes_stock_of_its_tables_once(whole: Path, tmp_path: Path) -> None:
    file = copied(whole, tmp_path)
    with sqlite3.connect(file) as raw:
        hashes = raw.execute("SELECT conversations_sha256, id FROM runs").fetchall()
    raw.close()
    alter(file, "DROP TRIGGER audit_keeps_from_replace", *BEFORE_SUMMARIES, "UPDATE alembic_version SET version_num = '0001'")
    open_store(file, head=tmp_path / "head").close()
    with sqlite3.connect(file) as raw:  # the log of this store, unlike an old one, knows the hashes
        raw.executemany("UPDATE runs SET conversations_sha256 = ? WHERE id = ?", hashes)
    raw.close()
    store = open_store(file, head=tmp_path / "head")
    assert verify(store).problems == []
    with store.reading() as connection:
        assert [line.action for line in entries(connection)].count("take stock") == 1
    store.close()


def test_what_was_changed_before_taking_stock_is_still_found(whole: Path, tmp_path: Path) -> None:
    file = copied(whole, tmp_path)
    changed = "UPDATE decisions SET kind = 'dismiss' WHERE id = 1"
    alter(file, *BEFORE_SUMMARIES, "UPDATE alembic_version SET version_num = '0001'", changed)
    store = open_store(file, head=tmp_path / "head")
    assert "the kind of decision 1 was not the one in the log" in "".join(verify(store).problems)
    store.close()


def test_of_a_store_from_before_second_factors_the_log_tells_that_nobody_had_one(whole: Path, tmp_path: Path) -> None:
    file = copied(whole, tmp_path)
    alter(file, *BEFORE_FACTORS, "UPDATE alembic_version SET version_num = '0003'")
    store = open_store(file, head=tmp_path / "head")
    assert verify(store).problems == []
    store.close()
    alter(file, "UPDATE readers SET factor = 'ABCDEFGH' WHERE name = 'ana'")
    store = open_store(file, head=tmp_path / "head")
    assert "the factor of account ana is not the one in the log" in verify(store).problems
    store.close()


def test_a_store_from_before_summaries_had_a_hash_is_opened_and_nothing_is_found_changed(whole: Path, tmp_path: Path) -> None:
    file = copied(whole, tmp_path)
    alter(file, *BEFORE_SUMMARIES, "UPDATE alembic_version SET version_num = '0002'")
    store = open_store(file, head=tmp_path / "head")
    with store.reading() as connection:
        assert connection.exec_driver_sql("SELECT conversations_sha256 FROM runs").scalars().all() == [None]
        derived = Derived()
        for line in entries(connection):
            sets = {
                name: {column: value for column, value in own.items() if column != "conversations_sha256"}
                for name, own in line.detail.get("sets", {}).items()
            }
            derived.take(line.number, line.actor, line.action, line.subject, {**line.detail, "sets": sets})
        assert list(differences(connection, derived)) == []
    store.close()
