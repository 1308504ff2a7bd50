"""Deadlines and queues, what decisions say of thresholds, drift of the dismissals, and shadow models."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the review needs its extra")

from helpers.browsing import Browser
from helpers.reviewed import PLAIN, TURNED, Line, make_run, read_through
from sqlalchemy import Connection, update
from typer.testing import CliRunner

from pipeline.cli.main import app
from pipeline.config import Taxonomy
from pipeline.errors import ReviewError
from pipeline.output import write_json
from pipeline.results import THRESHOLDS
from pipeline.review.accounts import find_reader
from pipeline.review.audit import entries, verify
from pipeline.review.deadlines import service_level
from pipeline.review.decisions import confirm, decide, key_of, undo
from pipeline.review.policy import Policy, set_policy
from pipeline.review.precision import dismissals, precision_by_cut
from pipeline.review.queue import Wanted, queue_page
from pipeline.review.records import Moderator
from pipeline.review.schema import conversations, decisions
from pipeline.review.serve import prepare
from pipeline.review.shadow import add_shadow, all_shadows, compare
from pipeline.review.store import Store
from pipeline.review.web.app_state import AppState

MILD = [("Kestrel", "hey how old are you", {"access": 0.9}, 0.92), ("Robin", "13 why", {}, 0.92)]
CHATS: dict[str, Sequence[Line]] = {"dm-1": TURNED, "dm-2": PLAIN, "dm-3": MILD, "dm-4": TURNED, "dm-5": MILD, "dm-6": PLAIN}


@pytest.fixture
def run(taxonomy: Taxonomy, tmp_path: Path) -> Path:
    return make_run(tmp_path / "run", taxonomy, CHATS)


@pytest.fixture
def app_state(store: Store, run: Path) -> AppState:
    return prepare(store, [run], single_user=False, secure=False)


def account(connection: Connection, name: str) -> Moderator:
    reader = find_reader(connection, name)
    assert reader is not None
    return reader


def refer(connection: Connection, number: int) -> None:
    made = decide(connection, number, "refer", reason="danger", note=None, reader=account(connection, "cy"), seen=None)
    ben = account(connection, "ben")
    read_through(connection, key_of(connection, number), ben)
    confirm(connection, made.id, reader=ben, must_read=())


def dismiss(connection: Connection, number: int) -> int:
    return decide(connection, number, "dismiss", reason="friends", note=None, reader=account(connection, "cy"), seen=None).id


def test_what_is_severe_is_due_first_and_what_is_not_flagged_never(app_state: AppState, store: Store) -> None:
    runs = list(app_state.runs)
    with store.reading() as connection:
        rows = queue_page(connection, Wanted(runs=runs, order="deadline")).rows
        waits = service_level(connection, [], now=datetime.now(UTC))
    assert [row.number for row in rows] == [1, 4, 3, 5]
    due = [row.due for row in rows]
    assert due[0] is not None
    assert due[2] is not None
    assert due[2] - due[0] == timedelta(hours=20)
    assert (waits.waiting, waits.late, waits.next_due) == (4, 0, due[0])
    assert not any(row.late for row in rows)


def test_pages_by_deadline_go_forth_and_back(app_state: AppState, store: Store) -> None:
    wanted = Wanted(runs=list(app_state.runs), order="deadline")
    with store.reading() as connection:
        first = queue_page(connection, wanted, size=3)
        second = queue_page(connection, wanted, after=first.after, size=3)
        back = queue_page(connection, wanted, before=second.before, size=3)
    assert [row.number for row in second.rows] == [5]
    assert [row.number for row in back.rows] == [1, 4, 3]


def test_an_admin_sets_the_hours_and_a_late_one_is_named(app_state: AppState, store: Store) -> None:
    ana = Browser(app_state, "ana")
    before = datetime.now(UTC) - timedelta(hours=30)
    with store.writing() as connection:
        connection.execute(update(conversations).where(conversations.c.number == 3).values(changed=before))
        set_policy(connection, Policy(hours_severe=2, hours_flagged=12), actor="ana")
    with store.reading() as connection:
        waits = service_level(connection, [], now=datetime.now(UTC))
        rows = queue_page(connection, Wanted(runs=list(app_state.runs), order="deadline")).rows
    assert (waits.waiting, waits.late, waits.oldest) == (4, 1, before)
    assert rows[0].number == 3
    assert rows[0].late
    page = ana.get("/?order=deadline").text
    assert "1 flagged is past the deadline" in page
    assert "late: was due" in page
    assert "within 2 hours" in ana.get("/queues").text


def test_a_decision_ends_the_wait_and_taking_it_back_begins_it_anew(app_state: AppState, store: Store) -> None:
    with store.writing() as connection:
        made = dismiss(connection, 3)
        assert service_level(connection, [], now=datetime.now(UTC)).waiting == 3
        undo(connection, made, reader=account(connection, "cy"))
        row = next(
            row for row in queue_page(connection, Wanted(runs=list(app_state.runs), order="deadline")).rows if row.number == 3
        )
    assert row.due is not None
    assert row.due > datetime.now(UTC) + timedelta(hours=23)
    assert verify(store).problems == []


def test_each_saved_queue_says_what_waits_in_it(app_state: AppState) -> None:
    ben, cy = Browser(app_state, "ben"), Browser(app_state, "cy")
    ben.post("/filters", name="secrets", query="stage=secrecy&order=deadline", team="1")
    cy.post("/filters", name="mine", query="platform=game-chat")
    page = cy.get("/queues").text
    assert page.index("secrets") < page.index("mine")
    row = cy.get("/queues/1").text
    assert '<a href="/?stage=secrecy&amp;order=deadline">secrets</a> <small>team</small></th><td class="number">2<' in row
    assert "mine" not in ben.get("/queues").text
    assert ben.get("/queues/2").status_code == 404


def test_decisions_tell_the_precision_from_each_cut_on(app_state: AppState, store: Store, run: Path) -> None:
    with store.writing() as connection:
        refer(connection, 1)
        dismiss(connection, 3)
        dismiss(connection, 2)
        decide(connection, 4, "escalate", reason="signs", note=None, reader=account(connection, "cy"), seen=None)
        rows = precision_by_cut(connection, list(app_state.runs), [0.01, 0.9, 0.94])
    assert [(row.right, row.decided) for row in rows.values()] == [(1, 3), (1, 2), (1, 1)]
    assert rows[0.94].interval[0] < 0.3, "one decision says little"
    assert "1 of 2" in Browser(app_state, "ben").get("/cuts").text
    where = str(store.engine.url.database)
    output = CliRunner().invoke(app, ["threshold", str(run), "--store", where]).output
    assert "risk ≥ 0.9 (the run's): 4 conversations; handed on of the decided: 1 of 2" in output
    both = CliRunner().invoke(app, ["threshold", str(run), "--store", where, "--budget", "1", "--per-day", "6"]).output
    assert "about" in both


def test_a_rise_of_the_dismissals_is_told_to_leads(app_state: AppState, store: Store) -> None:
    now = datetime.now(UTC)
    runs = list(app_state.runs)

    def make(count: int, kind: str, days: int) -> None:
        at = now - timedelta(days=days)
        values = {"conversation": 1, "kind": kind, "reason": "other", "reader": "cy", "at": at, "replaced_by": 1}
        with store.writing() as connection:
            connection.execute(decisions.insert(), [values] * count)

    make(20, "dismiss", 20)
    make(20, "escalate", 20)
    make(12, "dismiss", 2)
    make(10, "escalate", 2)
    with store.reading() as connection:
        steady = dismissals(connection, runs, now=now)
    assert (steady.recent, steady.recent_of, steady.before, steady.before_of) == (12, 22, 20, 40)
    assert not steady.drifts
    assert "dismiss more" not in Browser(app_state, "ben").get("/").text
    make(40, "dismiss", 1)
    with store.reading() as connection:
        assert dismissals(connection, runs, now=now).drifts
    assert "dismiss more" in Browser(app_state, "ben").get("/").text
    assert "dismiss more" not in Browser(app_state, "cy").get("/").text


def test_a_shadow_model_is_compared_with_decisions_and_no_reader_sees_it(
    app_state: AppState, store: Store, taxonomy: Taxonomy, tmp_path: Path
) -> None:
    (scored,) = app_state.runs.values()
    other: dict[str, Sequence[Line]] = {
        "dm-1": TURNED,
        "dm-2": [("Sam", "dinner is ready", {}, 0.97), ("Robin", "coming", {}, 0.97)],
        "dm-3": PLAIN,
        "dm-4": TURNED,
        "dm-5": MILD,
    }
    shadow_run = make_run(tmp_path / "other", taxonomy, other)
    made = add_shadow(store, scored, shadow_run, actor="cli")
    assert add_shadow(store, scored, shadow_run, actor="cli") == made, "it is kept once"
    app_state.has_shadow = True
    with store.writing() as connection:
        refer(connection, 1)
        dismiss(connection, 3)
    with store.reading() as connection:
        (shadow,) = all_shadows(connection, list(app_state.runs))
        comparison = compare(connection, shadow)
        lines = [entry.action for entry in entries(connection)]
    assert comparison.cells == {
        (True, True): (1, 0, 2),
        (True, False): (0, 1, 0),
        (False, True): (0, 0, 1),
        (False, False): (0, 0, 0),
    }
    assert comparison.only_shadow == [2]
    assert comparison.missing == 1
    assert (comparison.queue.right, comparison.queue.decided) == (1, 2)
    assert (comparison.shadow.right, comparison.shadow.decided) == (1, 1)
    assert lines.count("add shadow") == 1
    ben, cy = Browser(app_state, "ben"), Browser(app_state, "cy")
    assert "the shadow alone" in ben.get("/shadow").text
    assert cy.get("/shadow").status_code == 403
    assert "shadow" not in cy.get("/").text.lower()
    assert ben.post("/samples", name="s", source="shadow", count="9", first="cy", second="ana").status_code == 303
    assert "<b>1</b> is left to read" in cy.get("/blind").text
    assert verify(store).problems == []


def test_a_threshold_file_is_a_shadow_of_the_runs_own_scores(app_state: AppState, store: Store, run: Path, tmp_path: Path) -> None:
    limits = json.loads((run / THRESHOLDS).read_text("utf-8")) | {"risk": 0.94}
    write_json(tmp_path / "strict.json", limits)
    (scored,) = app_state.runs.values()
    add_shadow(store, scored, tmp_path / "strict.json", actor="cli")
    with store.reading() as connection:
        (shadow,) = all_shadows(connection, list(app_state.runs))
        comparison = compare(connection, shadow)
    assert shadow.name == "strict.json"
    assert sum(comparison.cells[True, False]) == 2
    assert sum(comparison.cells[True, True]) == 2


def test_a_shadow_of_other_exports_is_refused(app_state: AppState, store: Store, taxonomy: Taxonomy, tmp_path: Path) -> None:
    (scored,) = app_state.runs.values()
    foreign = make_run(tmp_path / "foreign", taxonomy, {"elsewhere": TURNED})
    with pytest.raises(ReviewError, match="no conversation"):
        add_shadow(store, scored, foreign, actor="cli")
    with store.reading() as connection:
        assert all_shadows(connection, list(app_state.runs)) == []
