"""Two readers of a blind sample: neither sees what the other or the model says; how far they agree, and where they do not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the review needs its extra")

from helpers.browsing import Browser
from helpers.reviewed import PLAIN, TURNED, Line, make_run

from evaluation.agreement import alpha_interval, krippendorff_alpha
from pipeline.config import Taxonomy
from pipeline.errors import ReviewError
from pipeline.review.accounts import find_reader
from pipeline.review.audit import verify
from pipeline.review.retention import delete, plan_forget
from pipeline.review.sample_agreement import sample_agreement
from pipeline.review.samples import Reading, all_samples, draw_sample, readings_of, readings_to_do
from pipeline.review.serve import prepare
from pipeline.review.store import Store
from pipeline.review.web.app_state import AppState

CHATS: dict[str, Sequence[Line]] = {f"dm-{number}": TURNED if number % 2 else PLAIN for number in range(1, 7)}


@pytest.fixture
def app_state(store: Store, taxonomy: Taxonomy, tmp_path: Path) -> AppState:
    return prepare(store, [make_run(tmp_path / "run", taxonomy, CHATS)], single_user=False, secure=False)


def draw(browser: Browser, *, source: str = "flagged", count: str = "3", first: str = "cy", second: str = "ben") -> str:
    answer = browser.post("/samples", name="week 48", source=source, count=count, first=first, second=second)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def test_a_lead_draws_a_sample_and_a_reader_does_not(app_state: AppState, store: Store) -> None:
    ben, cy = Browser(app_state, "ben"), Browser(app_state, "cy")
    assert draw(ben) == "/samples/1"
    assert cy.post("/samples", name="x", source="open", count="1", first="cy", second="ben").status_code == 403
    for path in ("/samples", "/samples/1"):
        assert cy.get(path).status_code == 403
    for wrong in (
        {"first": "cy", "second": "cy"},
        {"first": "cy", "second": "nobody"},
        {"count": "0"},
        {"source": "all"},
        {"name": ""},
    ):
        form = {"name": "x", "source": "open", "count": "1", "first": "cy", "second": "ben"} | wrong
        assert ben.post("/samples", **form).status_code == 400
    with store.reading() as connection:
        (sample,) = all_samples(connection)
    assert (sample.conversations, sample.done, list(sample.readers)) == (3, 0, ["ben", "cy"])
    assert verify(store).problems == []


def test_the_same_name_draws_the_same_conversations(app_state: AppState, store: Store) -> None:
    with store.writing() as connection:
        lead = find_reader(connection, "ben")
        assert lead is not None
        about = {"chosen": ["cy", "ana"], "count": 2, "source": "open", "runs": list(app_state.runs), "lead": lead}
        drawn = [
            {reading.conversation for reading in readings_of(connection, draw_sample(connection, name, **about))}
            for name in ("one", "one", "two", "three", "four")
        ]
    assert drawn[0] == drawn[1]
    assert len({frozenset(numbers) for numbers in drawn}) > 1


def test_a_blind_reading_shows_words_and_nothing_of_the_model_or_the_colleague(app_state: AppState, store: Store) -> None:
    ben, cy = Browser(app_state, "ben"), Browser(app_state, "cy")
    draw(ben, count="1")
    with store.reading() as connection:
        reader = find_reader(connection, "cy")
        assert reader is not None
        (mine,) = readings_to_do(connection, reader)
    number = mine.conversation
    assert "Blind reading" in cy.get("/").text
    assert cy.get(f"/c/{number}").headers["location"] == f"/blind/{mine.id}", "the page of the conversation would say too much"
    page = cy.get(f"/blind/{mine.id}").text
    assert "our secret" not in page
    assert "flagged" not in page
    assert 'class="chip' not in page
    assert "<mark" not in cy.post(f"/c/{number}/reveal/5").text
    assert "<mark" not in cy.post(f"/c/{number}/reveal-several", positions="1 5", reason="decide").text
    assert "our secret" in cy.post(f"/c/{number}/reveal/5").text
    assert ben.get(f"/blind/{mine.id}").status_code == 403
    assert ben.post(f"/blind/{mine.id}", kind="watch").status_code == 403
    assert cy.post(f"/blind/{mine.id}", m5="secrecy").status_code == 422
    kept = cy.post(f"/blind/{mine.id}", m5="secrecy", kind="escalate")
    assert kept.headers["location"] == "/blind"
    assert cy.post(f"/blind/{mine.id}", kind="watch").status_code == 400, "a reading is kept once"
    assert cy.get(f"/c/{number}").status_code == 200
    assert "<mark" in cy.post(f"/c/{number}/reveal/5").text
    page = ben.get("/samples/1").text
    assert "hidden until then" in page
    assert "<b>escalate</b>" not in page
    assert verify(store).problems == []


def test_the_queue_shows_nothing_of_the_model_on_what_is_to_be_read_blind(app_state: AppState) -> None:
    draw(Browser(app_state, "ben"))
    rows = Browser(app_state, "cy").get("/").text.split("<li class=")[1:]
    blind = [row for row in rows if "you are one of its two blind readers" in row]
    assert len(blind) == 3
    for row in blind:
        assert not re.search(r"<b>\d|<meter|class=\"(?:flag|chip|headline|urgency)", row)
    other = Browser(app_state, "ana").get("/").text
    assert "blind readers" not in other
    assert "<meter" in other


def test_disagreements_are_a_queue_for_the_lead(app_state: AppState, store: Store) -> None:
    ben, cy, ana = Browser(app_state, "ben"), Browser(app_state, "cy"), Browser(app_state, "ana")
    draw(ben, count="3")
    kinds = {"cy": ["escalate", "dismiss", "watch"], "ben": ["escalate", "refer", "watch"]}
    marks = {"cy": [{"m5": "secrecy"}, {}, {"m1": "access"}], "ben": [{"m5": "secrecy"}, {"m3": "trust"}, {}]}
    for name, browser in (("cy", cy), ("ben", ben)):
        for kind, mark in zip(kinds[name], marks[name], strict=True):
            following = re.search(r'href="/blind/(\d+)" data-next', browser.get("/blind").text)
            assert following
            assert browser.post(f"/blind/{following[1]}", kind=kind, **mark).status_code == 303
    page = ana.get("/samples/1").text
    assert page.count('<li><a href="/c/') == 2
    assert "the same decision on 2" in page
    assert "only cy sees Access" in page
    assert "only ben sees Deceptive trust" in page
    with store.reading() as connection:
        figures = sample_agreement(readings_of(connection, 1), ["secrecy", "access"], dict.fromkeys(range(1, 7), 6))
    assert figures.stages["secrecy"].agreement.alpha == 1.0
    assert figures.stages["access"].alone == 1
    assert [difference.in_decision for difference in figures.disagreements].count(True) == 1
    assert verify(store).problems == []


def test_a_person_who_is_forgotten_leaves_no_reading(app_state: AppState, store: Store) -> None:
    draw(Browser(app_state, "ben"), source="open", count="6")
    planned = plan_forget(store, "Kestrel")
    delete(store, planned, actor="cli")
    with store.reading() as connection:
        left = {reading.conversation for reading in readings_of(connection, 1)}
    assert left == {2, 4, 6}
    assert verify(store).problems == []


def test_the_interval_of_alpha_draws_whole_conversations() -> None:
    tables = [(3, 1, 16)] * 30
    interval = alpha_interval(tables, seed=1)
    units = [*[(1, 1)] * 90, *[(1, 0)] * 30, *[(0, 0)] * 480]
    alpha = krippendorff_alpha(units).alpha
    assert interval is not None
    assert alpha is not None
    assert abs(interval[0] - alpha) < 1e-9, "conversations that are alike do not vary"
    mixed = alpha_interval([(3, 0, 5), (0, 2, 6)] * 10, seed=1)
    assert mixed is not None
    assert mixed[0] < 0.6 < mixed[1]
    assert alpha_interval(tables[:9], seed=1) is None
    assert alpha_interval([(0, 0, 9)] * 20, seed=1) is None


def test_what_one_alone_has_read_is_told_to_nobody() -> None:
    now = datetime.now(UTC)
    readings = [Reading(1, 1, 7, "cy", now, "refer", {1: frozenset({"trust"})}), Reading(2, 1, 7, "ben", None, None, {})]
    figures = sample_agreement(readings, ["trust"], {7: 4})
    assert figures.read_by_both == 0
    assert figures.disagreements == []
    assert figures.stages["trust"].both == figures.stages["trust"].alone == 0


def test_a_sample_of_nothing_is_refused(app_state: AppState, store: Store) -> None:
    with store.writing() as connection:
        lead = find_reader(connection, "ben")
        assert lead is not None
        with pytest.raises(ReviewError, match="nothing to draw"):
            draw_sample(connection, "x", chosen=["cy", "ana"], count=5, source="shadow", runs=list(app_state.runs), lead=lead)
