"""The review's pages without a browser: who may do what, what a request must bring, what a page never holds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the review needs its extra")

from helpers.browsing import Browser
from helpers.reviewed import PASSWORD, PLAIN, TURNED, make_run
from sqlalchemy import update

from pipeline.config import Taxonomy
from pipeline.errors import ReviewError
from pipeline.review.accounts import find_reader
from pipeline.review.audit import entries, verify
from pipeline.review.decisions import current_decision
from pipeline.review.schema import readers
from pipeline.review.serve import Place, prepare
from pipeline.review.store import Store, open_store
from pipeline.review.web.app_state import AppState

SECRETS = ("mature for that", "our secret ok", "how old are you", "Kestrel")


@pytest.fixture
def run(taxonomy: Taxonomy, tmp_path: Path) -> Path:
    return make_run(tmp_path / "run", taxonomy, {"dm-1": TURNED, "dm-2": PLAIN, "dm-3": TURNED})


@pytest.fixture
def app_state(store: Store, run: Path) -> AppState:
    return prepare(store, [run], single_user=False, secure=False)


def actions(store: Store) -> list[str]:
    with store.reading() as connection:
        return [entry.action for entry in entries(connection)]


@pytest.mark.parametrize("path", ["/", "/c/1", "/c/1/rows?first=1&last=2", "/me", "/readers", "/audit", "/pause"])
def test_nobody_reads_without_logging_in(app_state: AppState, path: str) -> None:
    answer = Browser(app_state).get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")


def test_every_answer_carries_a_strict_policy_and_is_not_stored(app_state: AppState) -> None:
    browser = Browser(app_state, "cy")
    for path in ("/login", "/", "/c/1", "/static/review.js", "/nowhere"):
        answer = browser.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-frame-options"] == "DENY"
        if not path.startswith("/static"):
            assert answer.headers["cache-control"] == "no-store"
            assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|<img|https?://", answer.text), path


def test_the_cookie_is_for_the_server_alone_and_over_tls_where_there_is_tls(app_state: AppState) -> None:
    answer = Browser(app_state).client.post("/login", data={"name": "cy", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "secure" not in cookie
    app_state.secure = True
    assert (
        "secure"
        in Browser(app_state).client.post("/login", data={"name": "cy", "password": PASSWORD}).headers["set-cookie"].lower()
    )


def test_a_form_without_the_sessions_token_or_from_elsewhere_is_refused(app_state: AppState, store: Store) -> None:
    browser = Browser(app_state, "cy")
    form = {"kind": "watch", "reason-watch": "unclear"}
    assert browser.client.post("/c/1/decide", data=form).status_code == 403
    assert browser.client.post("/c/1/decide", data={**form, "csrf": "x" * 43}).status_code == 403
    elsewhere = {"origin": "https://elsewhere.example"}
    assert browser.client.post("/c/1/decide", data={**form, "csrf": browser.token}, headers=elsewhere).status_code == 403
    assert browser.client.get("/login", headers={"host": "elsewhere.example"}).status_code == 400
    with store.reading() as connection:
        assert current_decision(connection, 1) is None


def test_words_and_names_are_not_in_the_page_until_they_are_revealed_and_each_reveal_is_in_the_log(
    app_state: AppState, store: Store
) -> None:
    browser = Browser(app_state, "cy")
    page = browser.get("/c/1").text
    assert not [secret for secret in SECRETS if secret in page]
    assert "answers message 1" in page
    shown = browser.post("/c/1/reveal/3").text
    assert re.sub(r"<[^>]+>", "", shown).split() == ["you", "are", "so", "mature", "for", "that"]
    assert "Kestrel" in browser.post("/c/1/name/A").text
    assert actions(store)[-3:] == ["view", "reveal", "reveal name"]
    assert verify(store).problems == []


def test_content_free_mode_shows_no_word_at_all(app_state: AppState, store: Store) -> None:
    browser = Browser(app_state, "cy")
    browser.post("/me", content_free="on", shortcuts="on", pause_minutes="50", pause_cases="5")
    page = browser.get("/c/1").text
    assert "Secrecy" in page
    assert "dm-1" not in page
    assert "/reveal/" not in page
    assert browser.post("/c/1/reveal/3").status_code == 403
    assert browser.post("/c/1/name/A").status_code == 403
    assert "reveal" not in actions(store)


@pytest.mark.parametrize("text", ["omit", "hash"])
def test_a_run_without_text_says_so(text: str, store: Store, taxonomy: Taxonomy, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", taxonomy, {"dm-1": TURNED, "dm-3": TURNED}, text=text)
    browser = Browser(prepare(store, [run], single_user=False, secure=False), "cy")
    page = browser.get("/c/1").text
    assert "This run kept no message text" in page
    assert ("no. 2 (" in page) == (text == "hash")  # the same speaker is known by a hash alone


def test_other_conversations_of_the_same_speaker_are_named_by_number(app_state: AppState) -> None:
    page = Browser(app_state, "cy").get("/c/1").text
    assert 'href="/c/3"' in page
    assert 'href="/c/2"' in page


def test_log_ins_are_slowed_down_after_failures_and_a_right_password_does_not_help_then(app_state: AppState, store: Store) -> None:
    browser = Browser(app_state)
    for _ in range(5):
        assert browser.post("/login", name="cy", password="wrong").status_code  # noqa: S106 == 401
    assert browser.post("/login", name="cy", password=PASSWORD).status_code == 429
    assert browser.post("/login", name="ben", password=PASSWORD).status_code == 303
    assert actions(store).count("refuse log-in") == 5


def test_roles_are_kept(app_state: AppState) -> None:
    cy, ben, ana = (Browser(app_state, name) for name in ("cy", "ben", "ana"))
    assert cy.get("/audit").status_code == 403
    assert ben.get("/audit").status_code == 200
    assert ben.get("/readers").status_code == 403
    assert ana.get("/readers").status_code == 200
    assert ben.post("/readers", name="eve", password=PASSWORD, role="admin").status_code == 403
    assert cy.post("/c/1/take-over").status_code == 403


def test_a_closed_account_is_logged_out_and_the_last_admin_stays(app_state: AppState, store: Store) -> None:
    cy, ana = Browser(app_state, "cy"), Browser(app_state, "ana")
    assert ana.post("/readers/cy", role="reader").status_code == 303
    assert cy.get("/").status_code == 303
    answer = ana.post("/readers/ana", role="reader", active="on")
    assert answer.status_code == 400
    assert "last admin" in answer.text
    with store.reading() as connection:
        ana_now = find_reader(connection, "ana")
    assert ana_now is not None
    assert ana_now.role == "admin"


def test_who_came_too_late_is_told_and_gets_back_what_they_wrote(app_state: AppState) -> None:
    cy, ben = Browser(app_state, "cy"), Browser(app_state, "ben")
    form = {"kind": "watch", "reason-watch": "unclear", "seen": ""}
    assert cy.post("/c/1/decide", **form, note="mine").status_code == 303
    late = ben.post("/c/1/decide", **form, note="all that I wrote")
    assert late.status_code == 409
    assert "watch, by cy" in late.text
    assert "all that I wrote" in late.text


def test_the_decision_can_be_undone_from_the_queue(app_state: AppState, store: Store) -> None:
    cy = Browser(app_state, "cy")
    there = cy.post("/c/1/decide", **{"kind": "dismiss", "reason-dismiss": "friends", "back": "/?order=recent"})
    queue = cy.get(there.headers["location"]).text
    assert "order=recent" in there.headers["location"]
    assert "dm-1" not in queue
    undo = re.search(r'action="(/c/1/undo/\d+)"', queue)
    assert undo
    assert cy.post(undo[1]).status_code == 303
    with store.reading() as connection:
        assert current_decision(connection, 1) is None


def test_a_pause_is_suggested_after_a_time_and_after_a_run_of_severe_ones(app_state: AppState, store: Store) -> None:
    cy = Browser(app_state, "cy")
    cy.post("/me", shortcuts="on", pause_minutes="30", pause_cases="2")
    assert [cy.get(f"/c/{number}").status_code for number in (1, 3)] == [200, 200]
    answer = cy.get("/c/2")
    assert answer.headers["location"] == "/pause?next=%2Fc%2F2"
    assert "a run of hard ones" in cy.get("/pause").text
    assert cy.post("/pause", taken="yes", next="/c/2").headers["location"] == "/c/2"
    assert cy.get("/c/2").status_code == 200
    long_ago = datetime.now(UTC) - timedelta(minutes=31)
    with store.writing() as connection:
        connection.execute(update(readers).where(readers.c.name == "cy").values(working_since=long_ago))
    assert "/pause" in cy.get("/c/2").headers["location"]


def test_queue_filters_and_search(app_state: AppState) -> None:
    cy = Browser(app_state, "cy")

    def found(query: str) -> list[str]:
        return re.findall(r'class="id">([^<]+)<', cy.get(f"/?{query}").text)

    assert found("") == ["dm-3", "dm-1", "dm-2"]
    assert found("flagged=1") == ["dm-3", "dm-1"]
    assert found("stage=secrecy&order=stage") == ["dm-3", "dm-1"]
    assert found("platform=game-chat") == ["dm-2"]
    assert found("order=recent") == ["dm-3", "dm-2", "dm-1"]
    assert found("q=m-2") == ["dm-2"]
    assert found("speaker=Sam") == ["dm-2"]
    assert found("speaker=Sa") == []
    assert found("assignee=cy") == []
    cy.post("/c/2/assign", assignee="cy")
    assert found("assignee=cy") == ["dm-2"]


def test_a_strange_address_is_no_error_of_ours(app_state: AppState) -> None:
    cy = Browser(app_state, "cy")
    for path in ("/?after=x~y&before=~&order=zz&state=q", "/?after=5~nan", "/?q=%25_%5C", "/?stage=nothing&order=stage"):
        assert cy.get(path).status_code == 200, path
    assert cy.get("/c/99").status_code == 404
    assert cy.post("/c/1/reveal/99").status_code == 400
    assert cy.post("/c/1/decide", kind="delete").status_code == 400
    assert cy.post("/pause", next="//elsewhere.example").headers["location"] == "/"


def test_beyond_this_machine_only_over_tls(tmp_path: Path) -> None:
    with pytest.raises(ReviewError, match="encrypted"):
        Place(host="0.0.0.0").checked()  # noqa: S104
    with pytest.raises(ReviewError, match="go together"):
        Place(host="0.0.0.0", certificate=tmp_path / "c").checked()  # noqa: S104
    for host in ("127.0.0.1", "localhost", "::1"):
        assert Place(host=host).checked().host == host


def test_the_single_user_comes_in_by_a_token_that_serves_once(run: Path, tmp_path: Path) -> None:
    store = open_store(tmp_path / "alone.db")
    app_state = prepare(store, [run], single_user=True, secure=False)
    token = app_state.token
    browser = Browser(app_state)
    assert browser.get("/enter?token=guess").status_code == 403
    assert browser.get("/").status_code == 303
    assert browser.get(f"/enter?token={token}").status_code == 303
    assert browser.get("/").status_code == 200
    assert Browser(app_state).get(f"/enter?token={token}").status_code == 403
    store.close()


def test_without_an_admin_nobody_could_log_in_and_the_start_says_so(run: Path, tmp_path: Path) -> None:
    store = open_store(tmp_path / "empty.db")
    with pytest.raises(ReviewError, match="no account yet"):
        prepare(store, [run], single_user=False, secure=False)
    store.close()
