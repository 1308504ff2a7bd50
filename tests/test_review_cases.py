"""Cases over many runs: what is added once, who may be one person, notes, what is forgotten; and the log of it all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="the review needs its extra")

from helpers.reviewed import PLAIN, TURNED, add_people, make_run
from sqlalchemy import select, update
from typer.testing import CliRunner

from pipeline.cli.main import app
from pipeline.config import Taxonomy
from pipeline.errors import DecidedMeanwhile, ReviewError
from pipeline.output import write_json
from pipeline.results import RUN, open_run
from pipeline.review.audit import entries, verify
from pipeline.review.audit_head import note_head
from pipeline.review.case_digest import evidence_digest
from pipeline.review.case_schema import accounts, case_links, case_notes, identities
from pipeline.review.cases.cases import add_runs, is_open, open_case, shared_with
from pipeline.review.cases.evidence import take_evidence
from pipeline.review.cases.identities import judge, judgements, persons, undo_judgement
from pipeline.review.cases.notes import add_note, finish_task, notes_of
from pipeline.review.cases.view import case_view
from pipeline.review.index import open_in_store
from pipeline.review.records import Moderator
from pipeline.review.retention import delete, plan_forget
from pipeline.review.store import Store, open_store

CY = Moderator("cy", "reader", active=True)
BEN = Moderator("ben", "lead", active=True)


@pytest.fixture
def runs(taxonomy: Taxonomy, tmp_path: Path) -> list[Path]:
    """Two exports, the first of them scored twice."""
    made = []
    for number, (name, started) in enumerate((("a", "10"), ("b", "10"), ("a", "11"))):
        words = {"a": {"dm-1": TURNED, "dm-2": PLAIN}, "b": {"dm-3": TURNED, "dm-4": PLAIN}}[name]
        path = make_run(tmp_path / f"run{number}", taxonomy, words)
        record = json.loads((path / RUN).read_text("utf-8"))
        record["inputs"][0]["sha256"] = name * 64
        record["started"] = f"2026-11-24T{started}:00:00+00:00"
        write_json(path / RUN, record)
        made.append(path)
    return made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(tmp_path / "review.db")
    add_people(made)
    yield made
    made.close()


def add(store: Store, case: str, *paths: Path) -> list[str]:
    opened = [open_run(path) for path in paths]
    for run in opened:
        open_in_store(store, run, actor="cli")
    with store.writing() as connection:
        new = add_runs(connection, case, opened, actor="cli")
    note_head(store)
    return new


def sound(store: Store) -> bool:
    note_head(store)
    return verify(store).problems == []


def seen(store: Store, case: str) -> list[tuple[object, ...]]:
    with store.reading() as connection:
        view = case_view(connection, case)
    return [(c.run_id, c.conversation_id, c.first_at, c.risk, len(c.accounts), len(c.copies)) for c in view.conversations]


def test_the_order_of_runs_does_not_matter_and_one_added_twice_changes_nothing(store: Store, runs: list[Path]) -> None:
    add(store, "C-1", *runs)
    for number, order in enumerate(permutations(runs)):  # one after another, in every order
        for run in order:
            add(store, f"D-{number}", run)
        assert seen(store, f"D-{number}") == seen(store, "C-1")
    with store.reading() as connection:
        lines = len(list(entries(connection)))
    assert add(store, "C-1", *runs, runs[0]) == []
    with store.reading() as connection:
        assert len(list(entries(connection))) == lines
    assert sound(store)


def test_what_is_in_two_runs_of_one_export_is_one_and_what_is_in_two_cases_is_seen(store: Store, runs: list[Path]) -> None:
    add(store, "C-1", *runs)
    add(store, "C-2", runs[2])
    with store.reading() as connection:
        view = case_view(connection, "C-1")
        (shared,) = shared_with(connection, "C-2")
    assert len(view.conversations) == 4
    assert sorted(len(conversation.copies) for conversation in view.conversations) == [0, 0, 1, 1]
    assert (shared.case, shared.conversations, shared.accounts) == ("C-1", 2, 4)
    # The same name in two exports is not taken for one account.
    assert len(view.accounts) == 8


def test_people_say_who_is_one_person_and_take_it_back(store: Store, runs: list[Path]) -> None:
    add(store, "C-1", *runs)
    with store.reading() as connection:
        one, two, three, *_ = sorted(account.number for account in case_view(connection, "C-1").accounts)
    with store.writing() as connection:
        with pytest.raises(ReviewError, match="no link"):
            judge(connection, "C-1", "confirm", (one, two), reader=CY)
        first = judge(connection, "C-1", "merge", (two, one), reader=CY)
        assert judge(connection, "C-1", "merge", (one, two), reader=CY) == first
        judge(connection, "C-1", "split", (one, three), reader=BEN)
        with pytest.raises(ReviewError, match="two persons"):
            judge(connection, "C-1", "merge", (two, three), reader=CY)
        assert persons(judgements(connection, "C-1"))[one] == {one, two}
    with store.writing() as connection:
        with pytest.raises(ReviewError, match="another reader"):
            undo_judgement(connection, "C-1", judgements(connection, "C-1")[1].id, reader=CY)
        undo_judgement(connection, "C-1", first, reader=BEN)
        with pytest.raises(DecidedMeanwhile):
            undo_judgement(connection, "C-1", first, reader=BEN)
        assert persons(judgements(connection, "C-1")) == {}
    assert sound(store)
    with store.writing() as connection:
        connection.execute(update(identities).values(kind="merge"))
    assert any("identity" in problem for problem in verify(store).problems)


def test_a_purpose_is_needed_and_notes_leave_no_words_in_the_log(store: Store, runs: list[Path]) -> None:
    add(store, "C-1", runs[0])
    with store.writing() as connection:
        with pytest.raises(ReviewError, match="purpose"):
            open_case(connection, "C-1", purpose=" ", actor="cy")
        open_case(connection, "C-1", purpose="weekly check", actor="cy")
        task = add_note(connection, "C-1", "task", "ask the school office", reader=CY, assignee="ben")
        finish_task(connection, "C-1", task, reader=BEN)
    with store.reading() as connection:
        lines = list(entries(connection))
        assert is_open(connection, "C-1", actor="cy", since=lines[0].at)
        assert not is_open(connection, "C-1", actor="ben", since=lines[0].at)
        assert "school" not in json.dumps([line.detail for line in lines])
        assert [note.done_by for note in notes_of(connection, "C-1")] == ["ben"]
    assert sound(store)


def test_forget_reaches_accounts_judgements_priorities_and_notes(store: Store, runs: list[Path]) -> None:
    add(store, "C-1", *runs)
    with store.writing() as connection:
        flagged = [found for found in case_view(connection, "C-1").conversations if found.flagged]
        kestrels = [found.accounts["A"] for found in flagged]
        judge(connection, "C-1", "merge", (kestrels[0], kestrels[1]), reader=CY)
        add_note(connection, "C-1", "note", "reads like one hand", reader=CY)
    assert sound(store)
    delete(store, plan_forget(store, "Kestrel"), actor="cli")
    with store.reading() as connection:
        assert connection.execute(select(accounts.c.number).where(accounts.c.number.in_(kestrels))).all() == []
        assert connection.execute(select(identities)).all() == []
        assert connection.execute(select(case_notes.c.note)).scalars().all() == [None]
        assert not {account.number for account in case_view(connection, "C-1").accounts} & set(kestrels)
    assert verify(store).problems == []


def test_the_commands_ask_for_a_purpose_and_show_the_case(store: Store, runs: list[Path], tmp_path: Path) -> None:
    where = ["--store", str(tmp_path / "review.db")]

    def safelight(*arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, [*arguments, *where])
        assert done.exit_code == code, done.output
        return done.output + str(done.exception or "")

    note_head(store)
    assert "3 runs added" in safelight("case", "add", "C-7", *map(str, runs))
    assert "0 runs added, 1 were there" in safelight("case", "add", "C-7", str(runs[1]))
    assert "C-7: 3 runs, 4 conversations, 8 accounts" in safelight("case", "list")
    assert "purpose" in safelight("case", "show", "C-7", code=1)
    assert "4 conversations (2 flagged)" in safelight("case", "show", "C-7", "--purpose", "weekly check")
    lines = safelight("case", "timeline", "C-7").splitlines()
    assert [line[:10] for line in lines] == sorted(line[:10] for line in lines)
    assert len(lines) == 4
    assert "no such case" in safelight("case", "show", "C-8", "--purpose", "x", code=1)
    assert "none changed" in safelight("audit", "verify")


def test_links_are_taken_in_with_reason_and_source_line_and_go_with_what_they_are_of(
    store: Store, runs: list[Path], root: Path, tmp_path: Path
) -> None:
    pytest.importorskip("duckdb", reason="links need it")
    from pipeline.link.link import link

    settings = {"config": root / "configs" / "link.toml", "indicators": [root / "configs" / "indicators" / "group.toml"]}
    link(runs[:2], tmp_path / "links", places=False, **settings)
    add(store, "C-1", *runs)
    with store.writing() as connection, pytest.raises(ReviewError, match="1 of 3 runs"):
        take_evidence(connection, "C-1", tmp_path / "links", actor="cli")
    add(store, "C-2", *runs[:2])
    with store.writing() as connection:
        counts = take_evidence(connection, "C-2", tmp_path / "links", actor="cli")
        assert take_evidence(connection, "C-2", tmp_path / "links", actor="cli") == counts
        view = case_view(connection, "C-2")
        before = evidence_digest(connection, "C-2")
    assert counts["links"] == len(view.links) > 0
    assert all(0 < found.strength <= 1 and found.words for found in view.links)
    kestrels = {found.accounts["A"] for found in view.conversations if found.flagged}
    assert kestrels in [{found.source, found.target} for found in view.links]
    assert sound(store)
    with store.engine.connect() as connection:  # past the log, and not kept
        connection.execute(update(case_links).values(strength=0.99))
        assert evidence_digest(connection, "C-2") != before
        connection.rollback()
    with store.writing() as connection:
        judge(connection, "C-2", "confirm", (min(kestrels), max(kestrels)), reader=CY)
    delete(store, plan_forget(store, "Kestrel"), actor="cli")
    with store.writing() as connection:
        assert not kestrels & {end for found in case_view(connection, "C-2").links for end in (found.source, found.target)}
        with pytest.raises(ReviewError, match="after the links were made"):
            take_evidence(connection, "C-2", tmp_path / "links", actor="cli")
    assert verify(store).problems == []
