"""Reading several messages at once, searching in a case, the next one; notes and tasks, many at once, filters, alerts a day."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the review needs its extra")

from helpers.browsing import Browser
from helpers.reviewed import PLAIN, TURNED, make_run

from pipeline.config import Taxonomy
from pipeline.review.audit import entries, verify
from pipeline.review.notes import notes_on
from pipeline.review.queue import Wanted, queue_page, queue_row
from pipeline.review.retention import delete, plan_forget
from pipeline.review.serve import prepare
from pipeline.review.similar import similar
from pipeline.review.store import Store
from pipeline.review.translate import is_installed
from pipeline.review.web.app_state import AppState
from pipeline.text.slang import spelled_out

CHATS = {"dm-1": TURNED, "dm-2": PLAIN, "dm-3": TURNED, "dm-4": PLAIN}


@pytest.fixture
def app_state(store: Store, taxonomy: Taxonomy, tmp_path: Path) -> AppState:
    return prepare(store, [make_run(tmp_path / "run", taxonomy, CHATS)], single_user=False, secure=False)


def log(store: Store) -> list[tuple[str, dict[str, object]]]:
    with store.reading() as connection:
        return [(entry.action, dict(entry.detail)) for entry in entries(connection)]


def test_several_messages_are_revealed_with_a_reason_and_each_is_in_the_log(app_state: AppState, store: Store) -> None:
    cy = Browser(app_state, "cy")
    assert cy.post("/c/1/reveal-several", positions="1 3 5").status_code == 400
    assert cy.post("/c/1/reveal-several", positions=" ".join(map(str, range(1, 7))), reason="nonsense").status_code == 400
    shown = cy.post("/c/1/reveal-several", positions="3 5 3 99", reason="sign").text
    assert "outerHTML:#veil-1-3" in shown
    assert "our secret" in shown
    assert "how old" not in shown
    told = [(action, detail["position"], detail["reason"]) for action, detail in log(store) if action == "reveal"]
    assert told == [("reveal", 3, "sign"), ("reveal", 5, "sign")]
    assert verify(store).problems == []


def test_a_search_in_a_case_names_messages_and_shows_no_word(app_state: AppState, store: Store) -> None:
    cy = Browser(app_state, "cy")
    found = cy.post("/c/1/search", words="Secret").text
    assert re.findall(r'href="#c1-(\d+)"', found) == ["5"]
    assert "our secret" not in found
    assert "In no message" in cy.post("/c/1/search", words="zebra").text
    assert cy.post("/c/1/search", words="z").status_code == 400
    assert [detail["found"] for action, detail in log(store) if action == "search words"] == [1, 0]
    cy.get("/?q=dm")
    assert verify(store).problems == []


def test_after_a_decision_the_next_one_comes_and_the_last_can_be_undone_there(app_state: AppState) -> None:
    cy = Browser(app_state, "cy")
    form = {"kind": "dismiss", "reason-dismiss": "friends", "go": "next", "back": "/?flagged=1"}
    there = cy.post("/c/1/decide", **form).headers["location"]
    assert there.startswith("/c/3?back=%2F%3Fflagged%3D1")
    assert 'action="/c/1/undo/' in cy.get(there).text
    assert cy.post("/c/3/decide", **form).headers["location"].startswith("/?")


def test_a_note_names_a_colleague_who_sees_it_and_ends_it(app_state: AppState, store: Store) -> None:
    cy, ben = Browser(app_state, "cy"), Browser(app_state, "ben")
    assert cy.post("/c/1/note", note="@nobody look").status_code == 400
    assert cy.post("/c/1/note", note="@ben look at the second day", task="1").status_code == 303
    assert "look at the second day" in cy.get("/c/1").text
    page = ben.get("/tasks").text
    assert "look at the second day" in page
    done = re.search(r'action="(/tasks/\d+/done)"', page)
    assert done
    assert cy.post(done[1]).status_code == 400
    assert ben.post(done[1]).status_code == 303
    assert "nothing for you" in ben.get("/tasks").text
    assert not [detail for _, detail in log(store) if "second day" in str(detail)]
    assert verify(store).problems == []


def test_notes_are_erased_with_the_person_whom_they_may_tell_of(app_state: AppState, store: Store) -> None:
    cy = Browser(app_state, "cy")
    cy.post("/c/1/note", note="what Kestrel said")
    delete(store, plan_forget(store, "Kestrel"), actor="cli")
    with store.reading() as connection:
        assert [note.note for note in notes_on(connection, 1)] == [None]
    assert verify(store).problems == []


def test_many_are_dismissed_for_one_reason_and_taken_back_at_once(app_state: AppState, store: Store) -> None:
    cy = Browser(app_state, "cy")
    answer = cy.client.post(
        "/bulk/dismiss", data={"csrf": cy.token, "number": ["2", "4"], "reason": "friends", "back": "/?order=recent"}
    )
    assert answer.status_code == 303
    queue = cy.get(answer.headers["location"]).text
    assert "2 dismissed" in queue
    ids = re.search(r'name="decisions" value="([\d ]+)"', queue)
    assert ids
    assert cy.post("/bulk/undo", decisions=ids[1]).status_code == 303
    with store.reading() as connection:
        assert {row.number for row in queue_page(connection, Wanted(runs=list(app_state.runs))).rows} == {1, 2, 3, 4}
    assert verify(store).problems == []


def test_a_severe_one_is_not_dismissed_with_others_and_then_none_is(app_state: AppState, store: Store) -> None:
    cy = Browser(app_state, "cy")
    answer = cy.client.post("/bulk/dismiss", data={"csrf": cy.token, "number": ["2", "1"], "reason": "friends"})
    assert answer.status_code == 400
    assert "no. 1" in answer.text
    assert "decide" not in [action for action, _ in log(store)]


def test_filters_are_saved_for_oneself_and_by_a_lead_for_the_team(app_state: AppState) -> None:
    cy, ben = Browser(app_state, "cy"), Browser(app_state, "ben")
    assert cy.post("/filters", name="mine", query="flagged=1").headers["location"] == "/?flagged=1"
    assert cy.post("/filters", name="ours", query="flagged=1", team="1").status_code == 400
    ben.post("/filters", name="night", query="order=waiting", team="1")
    assert "night" in cy.get("/").text
    assert "mine" not in ben.get("/").text
    drop = re.search(r'action="(/filters/\d+/delete)"', cy.get("/").text)
    assert drop
    cy.post(drop[1])
    assert ">mine" not in cy.get("/").text


def test_the_queue_by_waiting_and_between_days(app_state: AppState) -> None:
    cy = Browser(app_state, "cy")

    def found(query: str) -> list[str]:
        return re.findall(r'class="id">([^<]+)<', cy.get(f"/?{query}").text)

    assert found("order=waiting") == ["dm-1", "dm-2", "dm-3", "dm-4"]
    assert found("since=2026-11-03&order=waiting") == ["dm-3", "dm-4"]
    assert found("until=2026-11-02&order=waiting") == ["dm-1", "dm-2"]
    assert found("since=yesterday&order=waiting") == ["dm-1", "dm-2", "dm-3", "dm-4"]


def test_pages_by_waiting_go_on_and_come_back(app_state: AppState, store: Store) -> None:
    wanted = Wanted(runs=list(app_state.runs), order="waiting")
    with store.reading() as connection:
        first = queue_page(connection, wanted, size=2)
        second = queue_page(connection, wanted, after=first.after, size=2)
        back = queue_page(connection, wanted, before=second.before, size=2)
    assert [[row.number for row in page.rows] for page in (first, second, back)] == [[1, 2], [3, 4], [1, 2]]


def test_similar_conversations_have_like_stages(app_state: AppState, store: Store) -> None:
    with store.reading() as connection:
        found = queue_row(connection, 1)
        assert found is not None
        assert [row.number for row in similar(connection, found[0], list(app_state.runs))] == [3]


@pytest.mark.parametrize("path", ["/tasks/99999999999/done", "/filters/99999999999/delete", "/tasks/7/done"])
def test_a_number_that_is_not_there_is_no_error_of_ours(app_state: AppState, path: str) -> None:
    assert Browser(app_state, "cy").post(path).status_code in (303, 400, 404)


def test_the_page_of_cuts_says_how_many_a_day_and_what_it_cannot_know(app_state: AppState) -> None:
    page = Browser(app_state, "cy").get("/cuts?per_day=100").text
    assert "about 50.0 a day" in page  # two of four conversations
    assert "cannot say how many" in page
    assert Browser(app_state, "cy").get("/cuts?per_day=x&run=y").status_code == 200


def test_translation_is_hidden_where_the_library_is_not_installed_and_offline_where_it_is(
    app_state: AppState, monkeypatch: pytest.MonkeyPatch
) -> None:
    cy = Browser(app_state, "cy")
    if not is_installed():
        assert "translate" not in cy.post("/c/1/reveal/3").text
        assert cy.post("/c/1/translate/3").status_code == 400
    model = types.SimpleNamespace(translate=lambda text: f"<{len(text)}>")
    english = types.SimpleNamespace(code="en", get_translation=lambda _: model)
    german = types.SimpleNamespace(code="de")
    library = types.ModuleType("argostranslate")
    library.translate = types.SimpleNamespace(get_installed_languages=lambda: [english, german])  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "argostranslate", library)
    for module in ("routes_read", "routes_conversation"):
        monkeypatch.setattr(f"pipeline.review.web.{module}.is_installed", lambda: True)
    monkeypatch.setattr("pipeline.review.translate.language_of", lambda _: "en")
    assert "translate" in cy.post("/c/1/reveal/3").text
    cy.post("/me", language="de", pause_minutes="50", pause_cases="5")
    assert "&lt;26&gt;" in cy.post("/c/1/translate/3").text


@pytest.mark.parametrize(("text", "short"), [("wyd rn", ["wyd", "rn"]), ("MOS!!", ["mos"]), ("good game", [])])
def test_short_forms_are_spelled_out(text: str, short: list[str]) -> None:
    assert [word for word, _ in spelled_out(text)] == short
