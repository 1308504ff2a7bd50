"""Words that a run did not keep are read from its exports when a reader reveals them; what a conversation is called."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the review needs its extra")

from helpers.browsing import Browser
from helpers.reviewed import TURNED, make_run

from pipeline.config import Taxonomy
from pipeline.report.page import MessageView
from pipeline.results import open_run
from pipeline.review.audit import entries
from pipeline.review.decisions import decide
from pipeline.review.original_text import Originals
from pipeline.review.pseudonyms import pseudonym
from pipeline.review.serve import prepare
from pipeline.review.store import Store
from pipeline.review.web.app_state import AppState
from pipeline.review.web.conversation_view import must_read, open_case
from pipeline.score import score

CHAT = (
    "13/02/2024, 17:04 - Kestrel: how old are you anyway\n"
    "13/02/2024, 17:05 - Robin: old enough to win\n"
    "13/02/2024, 17:06 - Kestrel: this stays our secret ok\n"
)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    chat = tmp_path / "exports" / "chat.txt"
    chat.parent.mkdir()
    chat.write_text(CHAT, "utf-8")
    return chat


@pytest.fixture(params=["omit", "hash"])
def app_state(request: pytest.FixtureRequest, store: Store, export: Path, tiny_model: Path, tmp_path: Path) -> AppState:
    run = score([export], model=tiny_model, out=tmp_path / "out", text=request.param)
    return prepare(store, [run.path], single_user=False, secure=False)


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", "", html).split())


def actions(store: Store) -> list[str]:
    with store.reading() as connection:
        return [entry.action for entry in entries(connection)]


def test_words_and_names_are_read_from_the_export_when_they_are_revealed(app_state: AppState, store: Store) -> None:
    cy = Browser(app_state, "cy")
    page = cy.get("/c/1").text
    assert "cannot be read" not in page
    assert "stays our" not in page
    assert "Kestrel" not in page
    assert plain(cy.post("/c/1/reveal/3").text) == "this stays our secret ok"
    assert plain(cy.post("/c/1/name/A").text) == "Kestrel"
    assert actions(store)[-2:] == ["reveal", "reveal name"]


@pytest.mark.parametrize("how", ["gone", "changed"])
def test_where_the_export_is_gone_or_changed_the_page_says_so_once(
    how: str, app_state: AppState, store: Store, export: Path
) -> None:
    cy = Browser(app_state, "cy")
    if how == "gone":
        export.unlink()
        page = cy.get("/c/1").text
        assert "the export is gone: chat.txt" in page
        assert "/reveal/" not in page
    else:
        export.write_text(CHAT.replace("secret", "garden"), "utf-8")
    answer = cy.post("/c/1/reveal/3")
    assert answer.status_code == 400
    assert "garden" not in answer.text
    page = cy.get("/c/1").text
    assert page.count("cannot be read from the exports") == 1
    assert page.count("not kept") == 0
    assert "reveal" not in actions(store)


def test_an_export_that_was_moved_is_read_where_it_lies_now(app_state: AppState, export: Path, tmp_path: Path) -> None:
    moved = export.rename(tmp_path / "moved.txt")
    app_state.originals = Originals([moved])
    assert plain(Browser(app_state, "cy").post("/c/1/reveal/1").text) == "how old are you anyway"


def test_a_second_reader_must_reveal_what_can_be_read_from_the_export(app_state: AppState, store: Store, export: Path) -> None:
    case = open_case(app_state, 1, whole=True)
    if case.view.alert is None:
        with_signs = [row.position for row in case.view.rows if isinstance(row, MessageView) and row.found]
        assert must_read(case) == with_signs
    else:
        assert case.view.alert in must_read(case)
    export.unlink()
    assert must_read(open_case(app_state, 1, whole=True)) == []


def test_an_export_that_is_a_member_of_a_folder_is_found_without_reading_the_others(
    store: Store, export: Path, tiny_model: Path, tmp_path: Path
) -> None:
    (export.parent / "other.txt").write_text(CHAT.replace("Robin", "Sam"), "utf-8")
    run = score([export.parent], model=tiny_model, out=tmp_path / "out")
    app_state = prepare(store, [run.path], single_user=False, secure=False)
    case = open_case(app_state, 1)
    other = next(file for file in export.parent.iterdir() if file.name != Path(case.view.source).name)
    other.unlink()
    assert plain(Browser(app_state, "cy").post("/c/1/reveal/1").text) == "how old are you anyway"


def test_a_pack_of_a_run_without_text_holds_words_from_the_export(app_state: AppState, store: Store, tmp_path: Path) -> None:
    signing = pytest.importorskip("pipeline.review.referral.signing", reason="packs need their extra")
    signing.new_key(tmp_path / "key.pem")
    app_state.pack_key = tmp_path / "key.pem"
    row, *_ = app_state.conversation(1)
    ben = Browser(app_state, "ben")
    decide_dismissed(store, row.number)
    answer = ben.post("/c/1/pack", unredacted="1")
    assert answer.status_code == 200, answer.text
    assert answer.content[:2] == b"PK"


def decide_dismissed(store: Store, number: int) -> None:
    from pipeline.review.accounts import find_reader

    with store.writing() as connection:
        cy = find_reader(connection, "cy")
        assert cy is not None
        decide(connection, number, "dismiss", reason="friends", note=None, reader=cy, seen=None)


def test_the_queue_calls_conversations_by_pseudonyms_until_a_reader_wants_titles(
    store: Store, taxonomy: Taxonomy, tmp_path: Path
) -> None:
    run = make_run(tmp_path / "run", taxonomy, {"ba3249dc62bc": TURNED}, titles={"ba3249dc62bc": "Chess club"})
    app_state = prepare(store, [run], single_user=False, secure=False)
    cy = Browser(app_state, "cy")
    called = pseudonym(open_run(run).id, "ba3249dc62bc")
    for path in ("/", "/c/1"):
        assert called in cy.get(path).text
        assert "Chess club" not in cy.get(path).text
    cy.post("/me", titles="on", pause_minutes="50", pause_cases="5")
    assert "show titles" in actions(store)
    for path in ("/", "/c/1"):
        assert "Chess club" in cy.get(path).text
    cy.post("/me", titles="on", content_free="on", pause_minutes="50", pause_cases="5")
    assert "Chess club" not in cy.get("/").text
    cy.post("/me", pause_minutes="50", pause_cases="5")
    assert actions(store)[-1] == "hide titles"
