"""A sign that its run did not explain is explained when a reader asks, as a run with a larger budget explains it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the review needs its extra")

from helpers.browsing import Browser

from pipeline.errors import ReviewError
from pipeline.model.folder import open_model_folder
from pipeline.results import Run, ScoredMessage, open_run
from pipeline.review.audit import entries
from pipeline.review.explanations import Explainer
from pipeline.review.policy import reveals_lately
from pipeline.review.serve import prepare
from pipeline.review.store import Store
from pipeline.review.web.app_state import AppState
from pipeline.review.web.conversation_view import open_case
from pipeline.score import score

TEXTS = [
    *[f"dinner is ready {number}" for number in range(10)],
    "how old are you anyway",
    "old enough to win",
    "this stays our secret ok",
    *["so how old are you then my friend"] * 6,
]


@pytest.fixture
def options(tmp_path: Path, tiny_model: Path) -> dict[str, Any]:
    thresholds = tmp_path / "low.json"
    thresholds.write_text(json.dumps({"risk": 0.0, "stages": {"access": 0.2, "secrecy": 0.2}}))
    chat = tmp_path / "chat.txt"
    lines = [f"13/02/2024, 17:{number:02} - {('Robin', 'Kestrel')[number % 2]}: {text}\n" for number, text in enumerate(TEXTS)]
    chat.write_text("".join(lines), "utf-8")
    return {"paths": [chat], "model": tiny_model, "thresholds": thresholds}


def messages_of(run: Run) -> list[ScoredMessage]:
    ((_, messages),) = run.read([run.conversations()[0].conversation_id])
    return messages


def unexplained(app_state: AppState) -> int:
    """Return the position of a sign whose words the run does not hold, neither of the sign nor of a jump of the risk."""
    (run,) = app_state.runs.values()
    signs = [message for message in messages_of(run) if message.stages_over(run.thresholds)]
    return next(message.position for message in signs if not message.words and not message.why)


@pytest.fixture(params=["omit", "include"])
def app_state(request: pytest.FixtureRequest, store: Store, options: dict[str, Any], tmp_path: Path) -> AppState:
    run = score(out=tmp_path / "out", text=request.param, explain=1, **options)
    state = prepare(store, [run.path], single_user=False, secure=False)
    state.explainer = Explainer(options["model"])
    return state


def actions(store: Store) -> list[str]:
    with store.reading() as connection:
        return [entry.action for entry in entries(connection)]


def test_what_is_computed_on_demand_is_what_a_run_with_a_larger_budget_holds(
    app_state: AppState, options: dict[str, Any], tmp_path: Path
) -> None:
    whole = messages_of(score(out=tmp_path / "whole", text="include", explain=20, **options))
    (run,) = app_state.runs.values()
    case = open_case(app_state, 1, whole=True, words=True)
    signs = [message.position for message in whole if message.stages_over(run.thresholds)]
    assert len(signs) > 1
    for position in signs:
        explained, kept = app_state.explainer.explain(run, case.messages, position), whole[position - 1]
        assert [(word.start, word.end) for word in explained.words] == [(word.start, word.end) for word in kept.words]
        assert [word.weight for word in explained.words] == pytest.approx([word.weight for word in kept.words], abs=1e-4)
        assert explained.cues == kept.cues


def test_a_reader_asks_why_and_sees_the_message_with_its_words_marked(app_state: AppState, store: Store) -> None:
    cy, position = Browser(app_state, "cy"), unexplained(app_state)
    page = cy.get("/c/1").text
    (run,) = app_state.runs.values()
    explained = [message.position for message in messages_of(run) if message.words]
    assert f'action="/c/1/why/{position}"' in page
    assert explained
    assert not any(f'action="/c/1/why/{other}"' in page for other in explained)
    answer = cy.post_in_place(f"/c/1/why/{position}")
    assert answer.status_code == 200
    assert "<mark" in answer.text
    assert "<html" not in answer.text
    assert " ".join(re.sub(r"<[^>]+>", "", answer.text).split()).startswith(TEXTS[position - 1])
    assert actions(store)[-2:] == ["reveal", "explain"]
    with store.reading() as connection:
        assert reveals_lately(connection, "cy") == 1
    assert f'href="/c/1#c1-{position}"' in cy.post(f"/c/1/why/{position}").text  # without scripts: a page of its own


def test_only_who_may_read_the_words_may_ask(app_state: AppState, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"/c/1/why/{unexplained(app_state)}"
    stranger = Browser(app_state)
    assert stranger.post(path).headers["location"].startswith("/login")
    cy = Browser(app_state, "cy")
    assert cy.client.post(path).status_code == 403  # without the token of a form
    assert cy.get(path).status_code == 405
    monkeypatch.setattr(AppState, "reads_blind", lambda *_: True)
    assert cy.post(path).status_code == 403
    monkeypatch.undo()
    cy.post("/me", content_free="on", pause_minutes="50", pause_cases="5")
    assert cy.post(path).status_code == 403
    assert "/why/" not in cy.get("/c/1").text
    assert "explain" not in actions(store)
    assert "reveal" not in actions(store)


@pytest.mark.parametrize("position", ["0", "20"])
def test_a_message_that_is_not_there_is_an_error(app_state: AppState, position: str) -> None:
    assert Browser(app_state, "cy").post(f"/c/1/why/{position}").status_code == 400


def test_another_model_says_so_and_shows_nothing(app_state: AppState, store: Store, root: Path) -> None:
    position, other = unexplained(app_state), root / "models" / "default"
    app_state.explainer = Explainer(other)
    answer = Browser(app_state, "cy").post_in_place(f"/c/1/why/{position}")
    assert answer.status_code == 200
    assert open_model_folder(other).id in answer.text
    assert TEXTS[position - 1] not in answer.text
    assert not {"reveal", "explain"} & set(actions(store))


def test_what_is_no_sign_or_has_changed_is_not_explained(options: dict[str, Any], tmp_path: Path) -> None:
    run = open_run(score(out=tmp_path / "out", text="include", explain=1, **options).path)
    messages, explainer = messages_of(run), Explainer(options["model"])
    sign = next(message for message in messages if message.stages_over(run.thresholds))
    calm = next(message for message in messages if not message.stages_over(run.thresholds))
    with pytest.raises(ReviewError, match="no threshold"):
        explainer.explain(run, messages, calm.position)
    changed = [*messages]
    changed[sign.position - 1] = replace(sign, text="dinner is ready")
    with pytest.raises(ReviewError, match="not what was scored"):
        explainer.explain(run, changed, sign.position)
    changed[sign.position - 1] = replace(sign, text="")
    with pytest.raises(ReviewError, match="not what was scored"):
        explainer.explain(run, changed, sign.position)
