"""Four eyes on the page: the second reader reads before they see what the first decided, and is another person."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the review needs its extra")

from helpers.browsing import Browser
from helpers.reviewed import PASSWORD, PLAIN, TURNED, make_run

from pipeline.config import Taxonomy
from pipeline.errors import ReviewError
from pipeline.review.accounts import add_reader, set_password
from pipeline.review.audit import verify
from pipeline.review.decisions import confirm, current_decision, decide
from pipeline.review.records import Moderator
from pipeline.review.serve import actor_name, prepare
from pipeline.review.store import Store, open_store
from pipeline.review.web.app_state import AppState

REFER = {"kind": "refer", "reason-refer": "meeting", "note": "seen at the pool"}


@pytest.fixture
def app_state(store: Store, taxonomy: Taxonomy, tmp_path: Path) -> AppState:
    run = make_run(tmp_path / "run", taxonomy, {"dm-1": TURNED, "dm-2": PLAIN, "dm-3": TURNED})
    return prepare(store, [run], single_user=False, secure=False)


def test_a_second_reader_agrees_only_after_reading_what_led_to_the_alert(app_state: AppState, store: Store) -> None:
    assert Browser(app_state, "cy").post("/c/1/decide", **REFER).status_code == 303
    ben = Browser(app_state, "ben")
    answer = ben.post("/c/1/confirm/1")
    assert answer.status_code == 400
    assert "not opened" in answer.text
    ben.get("/c/1")
    for position in (1, 3):
        ben.post(f"/c/1/reveal/{position}")
    answer = ben.post("/c/1/confirm/1")
    assert answer.status_code == 400
    assert "not revealed message 5" in answer.text
    ben.post("/c/1/reveal/5")
    assert ben.post("/c/1/confirm/1").status_code == 303
    with store.reading() as connection:
        held = current_decision(connection, 1)
    assert held is not None
    assert held.holds
    assert verify(store).problems == []


def test_what_somebody_else_revealed_does_not_count(app_state: AppState) -> None:
    cy, ben = Browser(app_state, "cy"), Browser(app_state, "ben")
    cy.get("/c/1")
    for position in (1, 3, 5):
        cy.post(f"/c/1/reveal/{position}")
    cy.post("/c/1/decide", **REFER)
    ben.get("/c/1")
    assert "messages 1, 3, 5" in ben.post("/c/1/confirm/1").text


def test_the_first_decision_its_reason_and_note_are_hidden_until_then(app_state: AppState) -> None:
    Browser(app_state, "cy").post("/c/1/decide", **REFER)
    ben = Browser(app_state, "ben")

    def told(path: str) -> str:
        """Return the page without the form, which lists every kind and reason, and without the names of the lists."""
        page = ben.get(path).text
        return re.sub(r"(?s)<form.*?</form>|<nav.*?</nav>|<dialog.*?</dialog>", "", page)

    for path in ("/c/1", "/c/1/decision", "/?state=awaiting", "/?state=all", "/audit"):
        page = told(path)
        assert not re.search("refer(?!rer)", page), path
        for secret in ("seen at the pool", "meeting", "A meeting is arranged"):
            assert secret not in page, (path, secret)
    assert ">no. 1 " not in told("/?state=refer")
    assert "I read it and agree" not in ben.get("/c/1/decision").text
    for position in (1, 3, 5):
        ben.post(f"/c/1/reveal/{position}")
    card = ben.get("/c/1/decision").text
    assert "seen at the pool" in card
    assert "I read it and agree" in card


def test_who_decides_by_themselves_while_another_decision_waits_is_not_told_its_kind(app_state: AppState) -> None:
    ben = Browser(app_state, "ben")
    ben.get("/c/1")
    ana = Browser(app_state, "ana")
    ana.post("/c/1/take-over")
    ana.post("/c/1/decide", **REFER)
    late = ben.post("/c/1/decide", **{"kind": "watch", "reason-watch": "unclear", "seen": ""})
    assert late.status_code == 409
    assert "waits for a second reader" in late.text
    assert "refer," not in late.text


def test_a_content_free_reader_cannot_be_the_second(app_state: AppState) -> None:
    Browser(app_state, "cy").post("/c/1/decide", **REFER)
    ben = Browser(app_state, "ben")
    ben.post("/me", content_free="on", pause_minutes="50", pause_cases="5")
    assert "cannot be the second reader" in ben.get("/c/1").text
    assert ben.post("/c/1/confirm/1").status_code == 400


def test_a_run_without_text_needs_opening_alone(store: Store, taxonomy: Taxonomy, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", taxonomy, {"dm-1": TURNED}, text="omit")
    app_state = prepare(store, [run], single_user=False, secure=False)
    Browser(app_state, "cy").post("/c/1/decide", **REFER)
    ben = Browser(app_state, "ben")
    assert ben.post("/c/1/confirm/1").status_code == 400
    ben.get("/c/1")
    assert ben.post("/c/1/confirm/1").status_code == 303


@pytest.mark.parametrize(("set_of", "by"), [("cy", "ana"), ("ana", "cy")])
def test_who_set_a_password_cannot_agree_with_that_account_until_it_was_changed(
    set_of: str, by: str, app_state: AppState, store: Store
) -> None:
    with store.writing() as connection:
        set_password(connection, set_of, PASSWORD, actor=by)
    Browser(app_state, "cy").post("/c/1/decide", **REFER)
    ana = Browser(app_state, "ana")
    ana.get("/c/1")
    for position in (1, 3, 5):
        ana.post(f"/c/1/reveal/{position}")
    answer = ana.post("/c/1/confirm/1")
    assert answer.status_code == 400
    assert f"{by} set the password of {set_of}" in answer.text
    with store.writing() as connection:
        set_password(connection, set_of, PASSWORD, actor=set_of)
    ana = Browser(app_state, "ana")
    assert ana.post("/c/1/confirm/1").status_code == 303


def test_two_accounts_with_passwords_of_one_admin_are_not_two_people(app_state: AppState, store: Store) -> None:
    with store.writing() as connection:
        pair = [add_reader(connection, name, PASSWORD, role="reader", actor="ana") for name in ("dan", "eve")]
        made = decide(connection, 1, "refer", reason="danger", note=None, reader=pair[0], seen=None)
    with pytest.raises(ReviewError, match="ana set the passwords of both"), store.writing() as connection:
        confirm(connection, made.id, reader=pair[1], must_read=())


def test_the_log_names_the_account_of_the_system_not_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    before = actor_name()
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    assert actor_name() == before
    assert "somebody-else" not in actor_name()


def test_a_single_user_is_told_that_escalate_and_refer_need_a_second_person(taxonomy: Taxonomy, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", taxonomy, {"dm-1": TURNED})
    store = open_store(tmp_path / "alone.db")
    said: list[str] = []
    app_state = prepare(store, [run], single_user=True, secure=False, say=said.append)
    assert "second person" in said[0]
    assert "watch hold" in said[0]
    me = Browser(app_state)
    me.get(f"/enter?token={app_state.token}")
    page = me.get("/c/1").text
    assert page.count("needs a second person") == 2
    assert "Dismiss and watch hold" in page
    assert isinstance(app_state.single_user, Moderator)
    store.close()
