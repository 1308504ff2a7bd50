"""Stores whose log is whole, and copies of them that somebody changed by hand."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="the review needs its extra")


from helpers.reviewed import PLAIN, TURNED, add_people, make_run, opened, read_through
from pipeline.config import Taxonomy
from pipeline.review.accounts import change_reader, set_password
from pipeline.review.audit import verify
from pipeline.review.audit_head import note_head
from pipeline.review.decisions import confirm, correct, decide, undo
from pipeline.review.locks import assign
from pipeline.review.store import Store, open_store

PASSWORD = "another horse battery"  # noqa: S105


def prepared(place: str | Path, taxonomy: Taxonomy, folder: Path) -> Store:
    """Return a store in which most of what can be done was done once, and the log is whole."""
    store = open_store(place, head=folder / "head")
    opened(store, make_run(folder / "run", taxonomy, {"c1": TURNED, "c2": PLAIN, "c3": TURNED, "c4": PLAIN}))
    people = add_people(store)
    with store.writing() as connection:
        decide(connection, 1, "watch", reason="unclear", note="as it was", reader=people.cy, seen=None)
        correct(connection, 1, message_id="m1", position=1, stages=["trust"], reader=people.cy)
        made = decide(connection, 3, "refer", reason="danger", note=None, reader=people.cy, seen=None)
        assign(connection, made.key, 3, "cy", reader=people.ben)
    with store.writing() as connection:
        read_through(connection, made.key, people.ben, [1])
        confirm(connection, made.id, reader=people.ben, must_read=[1])
        set_password(connection, "cy", PASSWORD, actor="cy")
        change_reader(connection, "ana", active=True, actor="cli")
        first = decide(connection, 4, "dismiss", reason="friends", note=None, reader=people.cy, seen=None)
        second = decide(connection, 4, "watch", reason="early", note=None, reader=people.ben, seen=first.id)
        undo(connection, second.id, reader=people.ben)
    note_head(store)
    assert verify(store).problems == []
    return store


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, taxonomy: Taxonomy) -> Path:
    """A folder with a store that was closed, to be copied."""
    folder = tmp_path_factory.mktemp("whole")
    prepared(folder / "review.db", taxonomy, folder).close()
    return folder


def alter(file: Path, *statements: str) -> None:
    """Run SQL on a store as somebody would who has its file."""
    with sqlite3.connect(file) as raw:
        for statement in statements:
            raw.execute(statement)
    raw.close()


def copied(whole: Path, folder: Path) -> Path:
    """Return a copy of the store, with the file that keeps the end of its log."""
    for name in ("review.db", "head"):
        (folder / name).write_bytes((whole / name).read_bytes())
    return folder / "review.db"
