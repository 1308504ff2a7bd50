"""The pages of a case and of an account: the purpose first, no words or names, what is said of accounts, and the log."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="the review needs its extra")

from helpers.browsing import Browser
from helpers.reviewed import PLAIN, TURNED, add_people, make_run

from pipeline.config import Taxonomy
from pipeline.results import open_run
from pipeline.review.audit import entries, verify
from pipeline.review.audit_head import note_head
from pipeline.review.case_schema import case_patterns
from pipeline.review.cases.cases import add_runs
from pipeline.review.decisions import decide
from pipeline.review.records import Moderator
from pipeline.review.referral.signing import check_pack, new_key, read_public_key
from pipeline.review.serve import prepare
from pipeline.review.store import Store, open_store
from pipeline.review.web.app_state import AppState

CY = Moderator("cy", "reader", active=True)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(tmp_path / "review.db")
    add_people(made)
    yield made
    made.close()


@pytest.fixture
def app_state(store: Store, taxonomy: Taxonomy, tmp_path: Path) -> AppState:
    run = make_run(tmp_path / "run", taxonomy, {"dm-1": TURNED, "dm-2": PLAIN, "dm-3": TURNED})
    made = prepare(store, [run], single_user=False, secure=False)
    with store.writing() as connection:
        add_runs(connection, "C-1", [open_run(run)], actor="cli")
    note_head(store)
    return made


def test_a_case_is_opened_for_a_purpose_and_shows_no_words_or_names(app_state: AppState, store: Store) -> None:
    assert Browser(app_state).get("/cases/C-1").headers["location"].startswith("/login")
    cy = Browser(app_state, "cy")
    assert "C-1" in cy.get("/cases").text
    assert "What do you open it for?" in cy.get("/cases/C-1").text
    assert "What do you open it for?" in cy.get("/cases/C-1/account/1").text
    assert cy.post("/cases/C-1/notes", kind="note", note="too early").status_code == 400
    assert cy.post("/cases/C-1/open", purpose="weekly check").status_code == 303
    pages = {path: cy.get(path) for path in ("/cases/C-1", "/cases/C-1/account/1")}
    for path, answer in pages.items():
        assert answer.status_code == 200, path
        for hidden in ("Kestrel", "Robin", "secret", "dm-1"):
            assert hidden not in answer.text, path
    assert "What do you open it for?" in Browser(app_state, "ben").get("/cases/C-1").text
    for path in ("/cases/C-9", "/cases/C-1/account/99", "/cases/C-1/account/99999999999"):
        assert cy.get(path).status_code == 404, path
    with store.reading() as connection:
        made = [(line.actor, line.action, line.detail.get("account")) for line in entries(connection) if line.subject == "case:C-1"]
    assert made[1:] == [("cy", "open case", None), ("cy", "view case", None), ("cy", "view account", 1), ("cy", "view account", 99)]


def test_every_drawn_node_is_a_link_and_is_in_the_table(app_state: AppState) -> None:
    cy = Browser(app_state, "cy")
    cy.post("/cases/C-1/open", purpose="weekly check")
    page = cy.get("/cases/C-1").text
    drawing, table = page[page.index("<svg") : page.index("</svg>")], page[page.index('id="timeline"') :]
    for number in (1, 2, 3):
        assert f'<a href="/c/{number}"><rect' in drawing
        assert f'<a href="/c/{number}">no. {number}</a>' in table
    for account in (1, 2, 3):
        assert f'href="/cases/C-1/account/{account}"' in drawing
        assert f"account {account}</a>" in table


def test_what_is_said_of_accounts_and_noted_is_kept_and_can_be_taken_back(app_state: AppState, store: Store) -> None:
    cy = Browser(app_state, "cy")
    cy.post("/cases/C-1/open", purpose="weekly check")
    assert cy.post("/cases/C-1/identity", kind="merge", source="1", target="3").status_code == 303
    assert "Said to be one person" in cy.get("/cases/C-1/account/1").text
    assert cy.post("/cases/C-1/identity/1/undo").status_code == 303
    assert "Said to be one person" not in cy.get("/cases/C-1/account/1").text
    assert cy.post("/cases/C-1/identity", kind="merge", source="1", target="x").status_code == 400
    assert cy.post("/cases/C-1/notes", kind="task", note="<b>call</b>", assignee="ben").status_code == 303
    assert "&lt;b&gt;call" in cy.get("/cases/C-1").text
    assert cy.post("/cases/C-1/tasks/1", done="yes").status_code == 303
    assert "done by cy" in cy.get("/cases/C-1").text
    assert verify(store).problems == []


def test_the_pack_of_a_case_is_signed_covers_names_and_has_the_words_of_decided_conversations_alone(
    app_state: AppState, store: Store, tmp_path: Path
) -> None:
    public = new_key(tmp_path / "key.pem")
    app_state.pack_key = tmp_path / "key.pem"
    cy = Browser(app_state, "cy")
    cy.post("/cases/C-1/open", purpose="weekly check")
    assert cy.post("/cases/C-1/pack").status_code == 400
    with store.writing() as connection:
        decide(connection, 1, "watch", reason="unclear", note=None, reader=CY, seen=None)
    note_head(store)
    assert cy.post("/cases/C-1/pack", unredacted="1").status_code == 403
    answer = cy.post("/cases/C-1/pack")
    assert answer.status_code == 200
    file = tmp_path / "case.zip"
    file.write_bytes(answer.content)
    assert check_pack(file, read_public_key(public)).problems == []
    with zipfile.ZipFile(io.BytesIO(answer.content)) as members:
        folders = {name.split("/")[1] for name in members.namelist() if name.startswith("conversations/")}
        assert len(folders) == 1
        assert members.read("timeline.csv").count(b"\r\n") == 4
        assert not [name for name in members.namelist() if b"Kestrel" in members.read(name) or b"dm-1" in members.read(name)]
    with store.reading() as connection:
        assert [line.action for line in entries(connection)][-1] == "export case"


def test_the_same_script_is_named_on_a_conversation_to_whoever_opened_the_case(app_state: AppState, store: Store) -> None:
    content = {"accounts": [], "conversations": [1, 3], "reasons": [], "unknown": [], "messages": []}
    values = {"case_name": "C-1", "pattern": "p", "kind": "same_script", "strength": 0.9, "content": json.dumps(content)}
    with store.writing() as connection:
        connection.execute(case_patterns.insert().values(**values))
    cy = Browser(app_state, "cy")
    assert "The same script" not in cy.get("/c/1").text
    cy.post("/cases/C-1/open", purpose="weekly check")
    page = cy.get("/c/1").text
    assert "The same script" in page
    assert '<a href="/c/3">no. 3</a>, in the case <a href="/cases/C-1">C-1</a>' in page
    assert "The same script" not in cy.get("/c/2").text
