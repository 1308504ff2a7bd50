"""A person who is forgotten, and what is purged, are in no file of a run or a link run, and in no row of the store."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

pytest.importorskip("sqlalchemy", reason="the review needs its extra")
pytest.importorskip("duckdb", reason="links need the extra link")

from helpers.browsing import Browser
from helpers.reviewed import PLAIN, TURNED, add_people, make_run
from sqlalchemy import select

from pipeline.config import Taxonomy
from pipeline.link.keys import key_place, read_key
from pipeline.link.link import link
from pipeline.link.tables import read_accounts, read_conversations, read_identity_links
from pipeline.output import write_json
from pipeline.results import RUN, open_run
from pipeline.review.audit import verify
from pipeline.review.audit_head import note_head
from pipeline.review.case_schema import accounts, case_links, case_patterns, case_priorities, conversation_accounts, identities
from pipeline.review.cases.cases import add_runs
from pipeline.review.cases.evidence import take_evidence
from pipeline.review.cases.identities import judge
from pipeline.review.cases.notes import add_note
from pipeline.review.cases.view import case_view
from pipeline.review.index import open_in_store
from pipeline.review.records import Moderator
from pipeline.review.retention import delete, plan_forget, plan_purge
from pipeline.review.schema import audit, audit_head, metadata
from pipeline.review.serve import prepare
from pipeline.review.store import Store, open_store

CY = Moderator("cy", "reader", active=True)
NAME = "9001001"
DIGEST = hashlib.sha256(NAME.encode()).hexdigest()


@dataclass
class World:
    """Two runs, a link run of them, and a store with a case that holds both and the links."""

    runs: list[Path]
    links: Path
    store: Store
    store_file: Path


def turned(target: str) -> list[tuple[str | None, str, dict[str, float], float]]:
    """Return a conversation in which one person shows stages toward another."""
    names = {"Kestrel": NAME, "Robin": target}
    return [(names[str(speaker)], words, stages, risk) for speaker, words, stages, risk in TURNED]


@pytest.fixture
def world(taxonomy: Taxonomy, tmp_path: Path) -> Iterator[World]:
    runs = []
    for number in range(2):
        talks = {"dm-1": turned(f"800{number}001"), "dm-2": turned(f"800{number}002"), "dm-3": PLAIN}
        path = make_run(tmp_path / f"run{number}", taxonomy, talks)
        record = json.loads((path / RUN).read_text("utf-8"))
        record["inputs"][0]["sha256"] = str(number) * 64
        record["started"] = f"2026-11-24T1{number}:00:00+00:00"
        write_json(path / RUN, record)
        runs.append(path)
    root = Path(__file__).parents[1]
    links = link(runs, tmp_path / "links", names="include", places=False, config=root / "configs" / "link.toml").path
    store = open_store(tmp_path / "review.db")
    add_people(store)
    opened = [open_run(path) for path in runs]
    for run in opened:
        open_in_store(store, run, actor="cli")
    with store.writing() as connection:
        add_runs(connection, "C-1", opened, actor="cli")
        add_runs(connection, "C-2", opened[:1], actor="cli")
        take_evidence(connection, "C-1", links, actor="cli")
    note_head(store)
    yield World(runs, links, store, tmp_path / "review.db")
    store.close()


def written(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield each file's name, and what it holds as text: Parquet is compressed, so its rows are read."""
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".parquet":
            yield path.name, json.dumps(pq.read_table(path).to_pylist(), default=str)
        elif path.is_file():
            yield path.name, path.read_text("utf-8", errors="replace")


def rows_of(store: Store) -> str:
    """Return every row of the store but those of the audit log and its head: it holds numbers and digests for ever."""
    with store.reading() as connection:
        tables = [table for table in metadata.sorted_tables if table not in (audit, audit_head)]
        return "\n".join(f"{table.name} {tuple(row)}" for table in tables for row in connection.execute(select(table)))


def test_who_is_forgotten_is_nowhere(world: World) -> None:
    digests = {account.account for account in read_accounts(world.links) if account.name == NAME}
    linked = {evidence.link for evidence in read_identity_links(world.links) if {evidence.source, evidence.target} & digests}
    assert len(digests) == 4  # on two platforms in two exports
    assert linked
    with world.store.reading() as connection:
        view = case_view(connection, "C-1")
    numbers = sorted({conversation.accounts["A"] for conversation in view.conversations if conversation.flagged})
    assert len(numbers) == 4
    assert view.patterns
    with world.store.writing() as connection:
        pair = next(
            (evidence.source, evidence.target) for evidence in view.links if {evidence.source, evidence.target} <= set(numbers)
        )
        judge(connection, "C-1", "confirm", pair, reader=CY)
        add_note(connection, "C-1", "note", f"ask about {NAME}", reader=CY)
        hidden = connection.execute(select(accounts.c.identity).where(accounts.c.number.in_(numbers))).scalars().all()
    note_head(world.store)
    pages = Browser(prepare(world.store, world.runs, single_user=False, secure=False), "cy")
    pages.post("/cases/C-1/open", purpose="weekly check")
    assert pages.get(f"/cases/C-1/account/{numbers[0]}").status_code == 200

    delete(world.store, plan_forget(world.store, NAME), actor="cli")

    names = {NAME, DIGEST, *digests, *linked}
    names.add(read_key(key_place(world.links)).speaker(DIGEST))
    for folder in (*world.runs, world.links):
        for name, content in written(folder):
            assert [word for word in names if word in content] == [], f"{folder.name}/{name}"
    kept = rows_of(world.store)
    assert [word for word in (*names, *hidden) if word in kept] == []
    raw = world.store_file.read_bytes()
    assert [word for word in (NAME, DIGEST, *hidden) if word.encode() in raw] == []
    with world.store.reading() as connection:
        for table in (case_links, identities):
            ends = connection.execute(select(table.c.source, table.c.target)).all()
            assert not {end for row in ends for end in row} & set(numbers)
        for table in (case_priorities, conversation_accounts):
            assert not set(connection.execute(select(table.c.account)).scalars()) & set(numbers)
        contents = [json.loads(text) for text in connection.execute(select(case_patterns.c.content)).scalars()]
        assert not {account for content in contents for account, _ in content["accounts"]} & set(numbers)
    page = Browser(prepare(world.store, world.runs, single_user=False, secure=False), "ben")
    page.post("/cases/C-1/open", purpose="weekly check")
    assert page.get(f"/cases/C-1/account/{numbers[0]}").status_code == 404
    assert f"account {numbers[0]}<" not in page.get("/cases/C-1").text
    assert verify(world.store).problems == []


def test_what_is_purged_is_nowhere_and_other_people_stay(world: World) -> None:
    before = {account.name for account in read_accounts(world.links)}
    delete(world.store, plan_forget(world.store, NAME), actor="cli")
    assert {account.name for account in read_accounts(world.links)} == before - {NAME}
    delete(world.store, plan_purge(world.store, older_than=timedelta(0)), actor="cli")
    assert [*read_accounts(world.links), *read_conversations(world.links)] == []
    with world.store.reading() as connection:
        for case in ("C-1", "C-2"):
            view = case_view(connection, case)
            assert not view.conversations
            assert not view.accounts
            assert not view.links
            assert not view.patterns
    assert verify(world.store).problems == []


def test_forgetting_twice_changes_nothing(world: World) -> None:
    delete(world.store, plan_forget(world.store, NAME), actor="cli")
    before = rows_of(world.store), [list(written(folder)) for folder in (*world.runs, world.links)]
    delete(world.store, plan_forget(world.store, NAME), actor="cli")
    assert (rows_of(world.store), [list(written(folder)) for folder in (*world.runs, world.links)]) == before
