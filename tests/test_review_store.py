"""The store of the review, on SQLite and on PostgreSQL: decisions, the second reader, locks, the log, readers at the same time."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="the review needs its extra")

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from helpers.reviewed import PLAIN, TURNED, People, add_people, make_run, opened, postgresql, read_through
from sqlalchemy import text

from pipeline.config import Taxonomy
from pipeline.errors import DecidedMeanwhile, ReviewError
from pipeline.review.audit import entries, verify
from pipeline.review.audit_head import note_head
from pipeline.review.decisions import (
    confirm,
    correct,
    current_decision,
    decide,
    read_corrections,
    read_decisions,
    undo,
)
from pipeline.review.locks import assign, lock_of, take_lock
from pipeline.review.queue import queue_row
from pipeline.review.schema import metadata
from pipeline.review.store import Store, open_store


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "review.db")
    url = request.getfixturevalue("server")
    before = open_store(url, head=tmp_path / "head")
    with before.engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    before.close()
    return url


@pytest.fixture
def store(place: str, tmp_path: Path) -> Iterator[Store]:
    made = open_store(place, head=tmp_path / "head")
    yield made
    made.close()


@pytest.fixture
def people(store: Store, taxonomy: Taxonomy, tmp_path: Path) -> People:
    opened(store, make_run(tmp_path / "run", taxonomy, {"c1": TURNED, "c2": PLAIN, "c3": TURNED}))
    return add_people(store)


def test_the_migrations_make_the_tables_of_the_code(store: Store) -> None:
    with store.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_decision_is_kept_with_who_when_and_why_and_is_in_the_log(store: Store, people: People) -> None:
    with store.writing() as connection:
        made = decide(connection, 1, "dismiss", reason="friends", note=" known ", reader=people.cy, seen=None)
    with store.reading() as connection:
        assert list(read_decisions(connection)) == [made]
        assert (made.kind, made.reason, made.note, made.reader, made.holds) == ("dismiss", "friends", "known", "cy", True)
        row = queue_row(connection, 1)
        assert row is not None
        assert row[0].state == "dismiss"
        (line,) = [entry for entry in entries(connection, subject=made.key.subject) if entry.action == "decide"]
        assert "known" not in str(line)
    assert verify(store).problems == []
    note_head(store)
    assert verify(store).problems == []


def test_escalate_holds_once_another_person_agreed(store: Store, people: People) -> None:
    with store.writing() as connection:
        made = decide(connection, 1, "escalate", reason="age", note=None, reader=people.cy, seen=None)
    assert not made.holds
    with pytest.raises(ReviewError, match="another person"), store.writing() as connection:
        confirm(connection, made.id, reader=people.cy, must_read=())
    with store.writing() as connection:
        read_through(connection, made.key, people.ben)
        held = confirm(connection, made.id, reader=people.ben, must_read=())
    assert held.holds
    assert held.second_reader == "ben"
    with pytest.raises(ReviewError, match="two readers agreed"), store.writing() as connection:
        decide(connection, 1, "dismiss", reason="friends", note=None, reader=people.cy, seen=made.id)
    note_head(store)
    assert verify(store).problems == []


def test_another_readers_decision_replaces_and_keeps_the_first_as_a_judgement(store: Store, people: People) -> None:
    with store.writing() as connection:
        first = decide(connection, 1, "watch", reason="unclear", note=None, reader=people.cy, seen=None)
    with store.writing() as connection:
        second = decide(connection, 1, "dismiss", reason="banter", note=None, reader=people.ben, seen=first.id)
    with store.writing() as connection:
        third = decide(connection, 1, "refer", reason="danger", note=None, reader=people.ben, seen=second.id)
        undo(connection, third.id, reader=people.ben)
    with store.reading() as connection:
        kept = {decision.id: decision for decision in read_decisions(connection)}
        assert current_decision(connection, 1) is None
    assert kept[first.id].replaced_by == second.id
    assert kept[first.id].undone is None
    assert kept[second.id].undone is not None
    note_head(store)
    assert verify(store).problems == []


def test_a_decision_on_something_not_seen_is_refused_and_changes_nothing(store: Store, people: People) -> None:
    with store.writing() as connection:
        decide(connection, 1, "watch", reason="unclear", note=None, reader=people.cy, seen=None)
    with pytest.raises(DecidedMeanwhile, match="watch, by cy"), store.writing() as connection:
        decide(connection, 1, "dismiss", reason="banter", note=None, reader=people.ben, seen=None)
    with store.reading() as connection:
        assert [decision.kind for decision in read_decisions(connection)] == ["watch"]


@pytest.mark.parametrize(("reason", "note"), [("", None), ("danger", None), ("other", "  ")])
def test_a_reason_from_the_list_is_needed_and_another_one_needs_words(
    store: Store, people: People, reason: str, note: str | None
) -> None:
    with pytest.raises(ReviewError), store.writing() as connection:
        decide(connection, 1, "dismiss", reason=reason, note=note, reader=people.cy, seen=None)


def test_two_people_do_not_work_on_one_conversation(store: Store, people: People) -> None:
    with store.writing() as connection:
        assert take_lock(connection, 1, people.cy) is None
        assert take_lock(connection, 1, people.ben) == "cy"
    with pytest.raises(DecidedMeanwhile, match="cy works"), store.writing() as connection:
        decide(connection, 1, "watch", reason="unclear", note=None, reader=people.ben, seen=None)
    with store.writing() as connection:
        assert take_lock(connection, 2, people.cy) is None
        assert lock_of(connection, 1) is None
        assert take_lock(connection, 1, people.ben) is None


def test_only_a_lead_gives_conversations_to_others(store: Store, people: People) -> None:
    with store.writing() as connection:
        row = queue_row(connection, 1)
        assert row is not None
        key = row[0].key
        assign(connection, key, 1, "cy", reader=people.cy)
        assign(connection, key, 1, "ana", reader=people.ben)
        with pytest.raises(ReviewError, match="only a lead"):
            assign(connection, key, 1, "cy", reader=people.cy)


def test_each_readers_last_correction_of_a_message_is_kept(store: Store, people: People) -> None:
    with store.writing() as connection:
        for stages in (["trust"], ["secrecy", "access"]):
            correct(connection, 1, message_id="m1", position=1, stages=stages, reader=people.cy)
        correct(connection, 1, message_id="m1", position=1, stages=[], reader=people.ben)
    with store.reading() as connection:
        found = {correction.reader: correction.stages for correction in read_corrections(connection)}
    assert found == {"cy": ("access", "secrecy"), "ben": ()}


def test_moderators_at_the_same_time_lose_no_decision(store: Store, place: str, people: People, tmp_path: Path) -> None:
    """Two processes' worth of stores, many decisions on the same three conversations: each is kept, or its reader was told."""
    told: list[str] = []
    made: list[int] = []
    others = [open_store(place, head=tmp_path / "head") for _ in range(2)]

    def work(own: Store, number: int) -> None:
        reader = (people.cy, people.ben)[number]
        for turn in range(15):
            conversation = turn % 3 + 1
            try:
                with own.writing() as connection:
                    seen = current_decision(connection, conversation) if turn % 2 else None
                    decision = decide(
                        connection,
                        conversation,
                        "watch",
                        reason="unclear",
                        note=f"{reader.name} {turn}",
                        reader=reader,
                        seen=seen.id if seen else None,
                    )
                made.append(decision.id)
            except DecidedMeanwhile as error:
                told.append(str(error))

    threads = [threading.Thread(target=work, args=(own, number)) for number, own in enumerate(others)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    with store.reading() as connection:
        kept = list(read_decisions(connection))
    assert len(made) + len(told) == 30
    assert sorted(made) == [decision.id for decision in kept]
    assert sum(decision.current for decision in kept) == 3
    note_head(store)
    assert verify(store).problems == []
    for own in others:
        own.close()


KILLED = """
import os, sys
from pathlib import Path
from pipeline.review.store import open_store
from pipeline.review.decisions import current_decision, decide
from pipeline.review.records import Moderator
store = open_store(sys.argv[1], head=Path(sys.argv[2]))
turn = 0
while True:
    with store.writing() as connection:
        before = current_decision(connection, 1)
        made = decide(
            connection, 1, "watch", reason="unclear", note=str(turn), reader=Moderator("cy", "reader", True),
            seen=before.id if before else None,
        )
        print("writing", made.id, flush=True)
    print("kept", made.id, flush=True)
    turn += 1
"""


def test_a_store_killed_in_the_middle_of_a_decision_has_lost_nothing_and_holds_nothing_half(
    store: Store, place: str, people: People, tmp_path: Path
) -> None:
    for stop_at in ("writing", "kept", "writing"):
        command = [sys.executable, "-c", KILLED, place, str(tmp_path / "head")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                lines.append(line.split())
                if len(lines) > 20 and lines[-1][0] == stop_at:
                    os.kill(process.pid, signal.SIGKILL)
                    break
            lines += [line.split() for line in process.stdout.read().splitlines() if len(line.split()) == 2]
        acknowledged = {int(number) for word, number in lines if word == "kept"}
        with store.reading() as connection:
            kept = {decision.id for decision in read_decisions(connection)}
        assert acknowledged <= kept
        note_head(store)
        assert verify(store).problems == []
    with store.writing() as connection:
        before = current_decision(connection, 1)
        decide(connection, 1, "dismiss", reason="friends", note=None, reader=people.cy, seen=before.id if before else None)


def test_a_store_of_a_newer_version_or_no_store_at_all_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("this is no database, and long enough to be seen as none" * 20, "utf-8")
    with pytest.raises(ReviewError, match="cannot be opened"):
        open_store(tmp_path / "text.db")
    newer = tmp_path / "newer.db"
    open_store(newer).close()
    with sqlite3.connect(newer) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()
    with pytest.raises(ReviewError, match="newer"):
        open_store(newer)
    with pytest.raises(ReviewError, match="not known"):
        open_store("mysql://x@localhost/y")


def test_the_store_is_for_its_owner_alone(tmp_path: Path) -> None:
    store = open_store(tmp_path / "review.db")
    add_people(store)
    for file in tmp_path.glob("review.db*"):
        assert file.stat().st_mode & 0o077 == 0, file
    store.close()
