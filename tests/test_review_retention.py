"""Retention: what is deleted is gone from the store, the run's files and the report; what stays is as it was; the log is whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

pytest.importorskip("sqlalchemy", reason="the review needs its extra")

from helpers.reviewed import PLAIN, TURNED, People, add_people, make_run, opened
from sqlalchemy import select, update

from pipeline.config import Taxonomy
from pipeline.results import SCORES, open_run
from pipeline.review.audit import verify
from pipeline.review.decisions import correct, decide, read_decisions
from pipeline.review.erasure import drop_conversations
from pipeline.review.queue import Wanted, queue_page, queue_row
from pipeline.review.retention import delete, plan_forget, plan_purge
from pipeline.review.schema import conversations
from pipeline.review.store import Store, open_store

KESTREL = "Kestrel"


@pytest.fixture
def run(taxonomy: Taxonomy, tmp_path: Path) -> Path:
    chats = {"dm-1": TURNED, "dm-2": PLAIN, "dm-3": [*PLAIN, *TURNED], "with Kestrel": TURNED, "dm-5": PLAIN}
    return make_run(tmp_path / "run", taxonomy, chats)


@pytest.fixture
def store(run: Path, tmp_path: Path) -> Iterator[Store]:
    made = open_store(tmp_path / "review.db")
    opened(made, run)
    yield made
    made.close()


@pytest.fixture
def people(store: Store) -> People:
    return add_people(store)


def held(tmp_path: Path) -> str:
    """Return everything that lies in any file of the run and the store, the Parquet files unpacked."""
    parts = [path.read_bytes().decode("utf-8", "replace") for path in tmp_path.rglob("*") if path.is_file()]
    tables = [str(pq.read_table(path).to_pylist()) for path in tmp_path.rglob("*.parquet")]
    return "".join([*parts, *tables])


def rows_of(run: Path, conversation_id: str) -> list[dict[str, object]]:
    return [row for row in pq.read_table(run / SCORES).to_pylist() if row["conversation_id"] == conversation_id]


def test_old_conversations_go_with_their_words_decisions_and_notes_and_the_others_stay(
    store: Store, people: People, run: Path, tmp_path: Path
) -> None:
    with store.writing() as connection:
        decide(connection, 1, "dismiss", reason="other", note="a note that must go", reader=people.cy, seen=None)
        decide(connection, 3, "watch", reason="unclear", note="a note that stays", reader=people.cy, seen=None)
        long_ago = datetime.now(UTC) - timedelta(days=100)
        connection.execute(update(conversations).where(conversations.c.number.in_([1, 2, 4])).values(changed=long_ago))
    before = rows_of(run, "dm-3")
    planned = plan_purge(store, older_than=timedelta(days=90))
    assert (planned.conversations, planned.decisions, planned.missing) == (3, 1, [])
    assert delete(store, planned, actor="cli") == 1
    assert rows_of(run, "dm-3") == before
    assert not rows_of(run, "dm-1")
    everything = held(tmp_path)
    assert "a note that must go" not in everything
    assert "a note that stays" in everything
    assert "dm-1" not in everything
    with store.reading() as connection:
        assert [decision.reason for decision in read_decisions(connection)] == ["unclear"]
        found = queue_row(connection, 3)
    assert found is not None
    stands = open_run(run).messages_at(found[1], found[0].messages)
    assert [(message.text, message.risk) for message in stands] == [(row["text"], row["risk"]) for row in before]
    assert verify(store).problems == []
    opened(store, run)  # the run opens again as the one that was decided on
    with store.reading() as connection:
        page = queue_page(connection, Wanted(runs=[found[0].key.run_id], state="all"))
        assert sorted(row.number for row in page.rows) == [3, 5]


def test_decisions_that_are_to_be_kept_keep_their_conversations(store: Store, people: People, run: Path) -> None:
    with store.writing() as connection:
        decide(connection, 1, "refer", reason="danger", note=None, reader=people.cy, seen=None)
        connection.execute(update(conversations).values(changed=datetime.now(UTC) - timedelta(days=100)))
    planned = plan_purge(store, older_than=timedelta(days=90), keep=["refer"])
    assert (planned.conversations, planned.referred) == (4, 0)
    delete(store, planned, actor="cli")
    with store.reading() as connection:
        assert list(connection.execute(select(conversations.c.number)).scalars()) == [1]


def test_what_one_person_said_goes_and_what_others_said_stays(store: Store, people: People, run: Path, tmp_path: Path) -> None:
    with store.writing() as connection:
        made = decide(connection, 1, "watch", reason="other", note="Kestrel, the neighbour", reader=people.cy, seen=None)
        correct(connection, 1, message_id="m3", position=3, stages=["trust"], reader=people.cy)
    others = [row["text"] for row in rows_of(run, "dm-3") if row["speaker"] != KESTREL]
    planned = plan_forget(store, KESTREL)
    assert (planned.conversations, planned.in_part) == (1, 2)  # the one that is named after the person goes whole
    delete(store, planned, actor="cli")
    everything = held(tmp_path)
    for gone in (KESTREL, "mature for that", "secret ok", "the neighbour"):
        assert gone not in everything, gone
    rows = rows_of(run, "dm-3")
    assert [row["text"] for row in rows if row["text"]] == others
    assert [row["position"] for row in rows] == list(range(1, 9))
    assert {row["kind"] for row in rows if row["text"] is None} == {"deleted"}
    with store.reading() as connection:
        row = queue_row(connection, 1)
        (kept,) = read_decisions(connection)
        assert not queue_page(connection, Wanted(runs=[made.key.run_id], state="all", speaker=KESTREL)).rows
    assert row is not None
    assert row[0].risk < 0.1  # that of the others
    assert not row[0].flagged
    assert (kept.kind, kept.note) == ("watch", None)
    assert verify(store).problems == []


def test_what_was_cut_off_half_way_is_finished_when_it_is_run_again(
    store: Store, people: People, run: Path, tmp_path: Path
) -> None:
    begun = plan_forget(store, KESTREL)
    for run_id, opened_run in begun.opened.items():
        drop_conversations(opened_run, begun.whole[run_id])  # the files were rewritten, the store was not
    planned = plan_forget(store, KESTREL)
    assert (planned.conversations, planned.in_part) == (1, 2)
    delete(store, planned, actor="cli")
    assert KESTREL not in held(tmp_path)
    assert verify(store).problems == []
    opened(store, run)


def test_a_run_that_is_not_there_any_more_is_named_and_nothing_of_it_is_deleted(
    store: Store, people: People, run: Path, tmp_path: Path
) -> None:
    run.rename(tmp_path / "elsewhere")
    planned = plan_purge(store, older_than=timedelta(0))
    assert planned.conversations == 0
    assert planned.missing == [str(run.resolve())]
    delete(store, planned, actor="cli")
    with store.reading() as connection:
        assert len(list(connection.execute(select(conversations.c.number)))) == 5
