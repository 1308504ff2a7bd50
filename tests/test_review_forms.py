"""The review's pages with two runs, forms that will not do, and what nobody foresaw."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the review needs its extra")

from helpers.browsing import Browser
from helpers.reviewed import PLAIN, TURNED, make_run

from pipeline.config import Taxonomy
from pipeline.review.decisions import current_decision
from pipeline.review.serve import prepare
from pipeline.review.store import Store
from pipeline.review.web import routes_queue
from pipeline.review.web.app_state import AppState


@pytest.fixture
def app_state(store: Store, taxonomy: Taxonomy, tmp_path: Path) -> AppState:
    runs = [make_run(tmp_path / name, taxonomy, {f"{name}-1": TURNED, f"{name}-2": PLAIN}) for name in ("day", "night")]
    (runs[1] / "run.json").write_text((runs[1] / "run.json").read_text("utf-8").replace("T10:00:01", "T10:00:02"), "utf-8")
    return prepare(store, runs, single_user=False, secure=False)


@pytest.mark.parametrize("decided", [False, True])
def test_every_page_comes_with_two_runs_in_one_store(app_state: AppState, decided: bool) -> None:
    assert len(app_state.runs) == 2
    ana = Browser(app_state, "ana")
    if decided:
        form = {"kind": "dismiss", "reason-dismiss": "friends"}
        assert [ana.post(f"/c/{number}/decide", **form).status_code for number in (1, 4)] == [303, 303]
    first = next(iter(app_state.runs))
    queue = ["/", f"/?run={first}", "/?run=nowhere", "/?state=all&order=recent&flagged=1", "/?stage=secrecy&order=stage", "/?q=day"]
    pages = [*queue, "/c/1", "/c/3", "/c/4/rows?first=1&last=2", "/c/4/decision", "/me", "/readers", "/audit", "/pause"]
    assert {path: ana.get(path).status_code for path in pages} == dict.fromkeys(pages, 200)
    both, one = ana.get("/?state=all").text, ana.get(f"/?state=all&run={first}").text
    assert all(name in both for name in ("day-1", "night-1"))
    assert "day-1" in one
    assert "night-1" not in one
    assert f'<option value="{first}" selected>' in one


WRONG = [
    ({"kind": "escalate", "reason-escalate": ""}, "no reason was chosen"),
    ({"kind": "dismiss", "reason-dismiss": "danger"}, "no reason was chosen"),
    ({"reason-watch": "unclear"}, "no decision was chosen"),
    ({"kind": "watch", "reason-watch": "unclear", "note": "x" * 4001}, "4001 characters"),
]


@pytest.mark.parametrize(("form", "problem"), WRONG)
def test_a_form_that_will_not_do_is_shown_again_as_it_was_filled_in(
    app_state: AppState, store: Store, form: dict[str, str], problem: str
) -> None:
    cy = Browser(app_state, "cy")
    cy.get("/c/1")
    sent = {"note": "all that I <wrote>", "back": "/?order=recent", **form}
    for send in (cy.post, cy.post_in_place):
        answer = send("/c/1/decide", **sent)
        assert answer.status_code == 422
        assert problem in answer.text
        assert 'role="alert"' in answer.text
        assert sent["note"].replace("<", "&lt;").replace(">", "&gt;") in answer.text
        if kind := form.get("kind"):
            assert f'value="{kind}" required data-key="{["dismiss", "watch", "escalate", "refer"].index(kind) + 1}" checked' in (
                answer.text
            )
        assert 'name="back" value="/?order=recent"' in answer.text
        # In place, only the card is sent: what was revealed on the page stays.
        assert ("timeline" in answer.text) == (send == cy.post)
        assert ("<html" in answer.text) == (send == cy.post)
    with store.reading() as connection:
        assert current_decision(connection, 1) is None


def test_another_reason_without_words_keeps_the_reason_that_was_chosen(app_state: AppState) -> None:
    answer = Browser(app_state, "cy").post("/c/1/decide", **{"kind": "watch", "reason-watch": "other"})
    assert answer.status_code == 422
    assert '<option value="other" selected>' in answer.text


def test_a_decision_made_in_place_goes_on_to_the_queue(app_state: AppState) -> None:
    form = {"kind": "watch", "reason-watch": "early", "back": "/?order=recent"}
    answer = Browser(app_state, "cy").post_in_place("/c/1/decide", **form)
    assert answer.status_code == 200
    assert answer.headers["hx-redirect"].startswith("/?decided=watch")
    assert answer.headers["hx-redirect"].endswith("&order=recent")


def test_who_comes_too_late_in_place_sees_what_holds_and_keeps_the_form(app_state: AppState) -> None:
    cy, ben = Browser(app_state, "cy"), Browser(app_state, "ben")
    cy.post("/c/1/decide", **{"kind": "watch", "reason-watch": "early"})
    answer = ben.post_in_place("/c/1/decide", **{"kind": "dismiss", "reason-dismiss": "friends", "note": "mine", "seen": ""})
    assert answer.status_code == 409
    assert "watch, by cy" in answer.text
    assert ">mine</textarea>" in answer.text
    assert 'name="seen" value="1"' in answer.text


def test_what_nobody_foresaw_has_a_page_of_its_own_and_tells_the_log_no_words(
    app_state: AppState, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("words of a chat")

    monkeypatch.setattr(routes_queue, "queue_page", broken)
    with caplog.at_level(logging.ERROR):
        answer = Browser(app_state, "cy").get("/?speaker=Kestrel")
    assert answer.status_code == 500
    assert "Something broke" in answer.text
    assert "<html" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert "words of a chat" not in answer.text + caplog.text
    assert "Kestrel" not in caplog.text
    assert "RuntimeError" in caplog.text


def test_numbers_that_no_database_holds_and_odd_charsets_are_no_error_of_ours(app_state: AppState) -> None:
    ana = Browser(app_state, "ana")
    for number in (2**31, 2**63, 10**30):
        for path in (f"/c/{number}", f"/audit?before={number}", f"/?after={number}~1", f"/c/1/rows?first=1&last={number}"):
            assert ana.get(path).status_code == 404, path
        for path in (f"/c/{number}/decide", f"/c/1/confirm/{number}", f"/c/1/undo/{number}", f"/c/1/correct/{number}"):
            assert ana.post(path, kind="watch").status_code == 404, path
    kinds = ("application/x-www-form-urlencoded; charset=nonsense", "multipart/form-data; boundary=x; charset=utf-7")
    for kind in kinds:
        answer = ana.client.post("/c/1/decide", content=b"kind=watch", headers={"content-type": kind})
        assert answer.status_code == 400, kind
    assert ana.get("/?q=447700900123").status_code == 200


def test_every_page_says_that_lines_were_cut_off_and_changes_nothing(app_state: AppState, store: Store) -> None:
    cy = Browser(app_state, "cy")
    noted = store.head.read_text("ascii")
    number, _, digest = noted.partition(":")
    store.head.write_text(f"{int(number) + 40}:{digest}", "ascii")
    answer = cy.post("/c/1/decide", **{"kind": "watch", "reason-watch": "early"})
    assert answer.status_code == 422
    assert "lines were cut off" in answer.text
    assert cy.get("/c/1").status_code == 404
    with store.reading() as connection:
        assert current_decision(connection, 1) is None
    assert store.head.read_text("ascii").startswith(str(int(number) + 40))
