"""Practice on written cases: what the cases hold, how a reading is graded, what comes next, and the pages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the review needs its extra")
pytest.importorskip("fsrs", reason="the review needs its extra")

from helpers.browsing import Browser
from helpers.reviewed import TURNED, make_run

from evaluation.functional.cases import read_cases
from pipeline.config import Taxonomy
from pipeline.corpora.open import read_corpora, read_corpus
from pipeline.errors import CorpusError, SafelightError, UnknownFormat
from pipeline.ingest import ReadOptions
from pipeline.inspect import inspect_exports
from pipeline.practice.cases import LEVELS, PracticeCase, read_practice
from pipeline.practice.grading import Attempt, grade, scores
from pipeline.practice.schedule import due_times, next_case
from pipeline.practice.team import team_view
from pipeline.review.attempts import attempts
from pipeline.review.audit import entries, verify
from pipeline.review.serve import prepare
from pipeline.review.store import Store
from pipeline.review.web.app_state import AppState

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def cases() -> dict[str, PracticeCase]:
    return read_practice()


@pytest.fixture
def app_state(store: Store, taxonomy: Taxonomy, tmp_path: Path) -> AppState:
    return prepare(store, [make_run(tmp_path / "run", taxonomy, {"dm-1": TURNED})], single_user=False, secure=False)


def truth(case: PracticeCase) -> dict[int, frozenset[str]]:
    return {position: message.stages for position, message in enumerate(case.messages, 1) if message.stages}


def reading(case: PracticeCase, *, right: bool = True, reader: str = "cy", at: datetime = NOW) -> Attempt:
    decision = case.answer[0] if right else ("escalate" if case.harmless else "dismiss")
    return Attempt(case.id, reader, at, truth(case) if right else {}, decision)


def test_there_are_forty_cases_in_six_languages_half_harmless_and_graded(
    cases: dict[str, PracticeCase], taxonomy: Taxonomy
) -> None:
    assert len(cases) >= 40
    assert len({case.language for case in cases.values()}) == 6
    harmless = sum(case.harmless for case in cases.values())
    assert 0.5 <= harmless / len(cases) <= 0.6
    for language in {case.language for case in cases.values()}:
        mine = [case for case in cases.values() if case.language == language]
        assert {case.harmless for case in mine} == {True, False}
        assert {case.level for case in mine} == set(LEVELS)
    signs = Counter(stage for case in cases.values() for message in case.messages for stage in message.stages)
    alike = Counter(other.stage for case in cases.values() for message in case.messages for other in message.not_signs)
    assert min(signs[stage] for stage in taxonomy.keys) >= 4
    assert min(alike[stage] for stage in taxonomy.keys) >= 4


def sentences(text: str) -> Iterator[str]:
    for part in re.split(r"[.!?…\n]+", text.casefold()):
        words = re.findall(r"\w+", part)
        if len(words) >= 4:
            yield " ".join(words)


def test_no_sentence_is_one_that_a_model_learns_from_or_is_measured_on(
    cases: dict[str, PracticeCase], taxonomy: Taxonomy, root: Path
) -> None:
    ours = {line for case in cases.values() for message in case.messages for line in sentences(message.text)}
    theirs = {
        line
        for chat in read_corpora([root / "data" / "synthetic", root / "data" / "transfer"], taxonomy)
        for message in chat.messages
        for line in sentences(message.text or "")
    }
    theirs |= {line for case in read_cases() for message in case.conversation.messages for line in sentences(message.text or "")}
    assert len(theirs) > 10_000
    assert ours & theirs == set()


def test_no_reader_of_corpora_or_exports_takes_the_cases_in(taxonomy: Taxonomy, root: Path) -> None:
    with pytest.raises(SafelightError):
        list(read_corpus(root / "data" / "practice", taxonomy))
    with pytest.raises(UnknownFormat):
        inspect_exports([root / "data" / "practice"], ReadOptions())


def test_a_reading_is_graded_by_message_and_stage(cases: dict[str, PracticeCase]) -> None:
    case = cases["en-01"]
    there = truth(case)
    first, *rest = sorted(there)
    marks = {position: there[position] for position in rest} | {1: frozenset({"approach"}), 99: frozenset({"trust"})}
    graded = grade(case, Attempt(case.id, "cy", NOW, marks, "watch"))
    assert graded.missed == {(first, stage) for stage in there[first]}
    assert graded.hits == {(position, stage) for position in rest for stage in there[position]}
    assert graded.wrong == {(1, "approach")}
    assert not graded.decision_right
    assert grade(case, reading(case)).all_right


def test_scores_are_of_first_readings_with_intervals(cases: dict[str, PracticeCase], taxonomy: Taxonomy) -> None:
    case = cases["en-01"]
    made = [reading(case, right=False), reading(case, at=NOW + timedelta(days=1)), reading(cases["en-03"])]
    figures = scores(made, cases, taxonomy.keys)
    assert (figures.found["access"].right, figures.found["access"].of) == (0, 1)
    assert figures.found["access"].interval[1] > 0.5, "one message says little"
    assert "at most" in figures.found["access"].words
    assert (figures.decisions.right, figures.decisions.of) == (1, 2)
    assert (figures.harmless.right, figures.harmless.of) == (1, 1)
    assert figures.seen_through["secrecy"].right == figures.seen_through["secrecy"].of > 0


def test_what_was_misread_comes_again_and_what_was_not_does_not(cases: dict[str, PracticeCase]) -> None:
    flawless, misread = reading(cases["en-02"]), reading(cases["en-01"], right=False)
    due = due_times([flawless, misread], cases)
    assert set(due) == {"en-01"}
    assert NOW < due["en-01"] <= NOW + timedelta(days=3)
    again = next_case([flawless, misread], cases, reader="cy", now=due["en-01"])
    assert again is not None
    assert again.id == "en-01"
    better = reading(cases["en-01"], at=due["en-01"])
    later = due_times([flawless, misread, better], cases)["en-01"]
    assert later - due["en-01"] > due["en-01"] - NOW, "the better it is known, the longer it rests"


def test_new_cases_come_from_plain_to_hard_and_first_what_touches_a_misread_stage(cases: dict[str, PracticeCase]) -> None:
    made: list[Attempt] = []
    levels = []
    while (case := next_case(made, cases, reader="cy", now=NOW, language="en")) is not None:
        made.append(reading(case))
        levels.append(case.level)
    assert levels == sorted(levels)
    assert len(levels) == sum(case.language == "en" for case in cases.values())
    misread = [reading(cases["nl-03"], right=False)]
    stages = cases["nl-03"].stages
    following = next_case(misread, cases, reader="cy", now=NOW, language="es", level=3)
    assert following is not None
    assert following.touches & stages


def test_a_team_is_shown_by_stage_and_reader(cases: dict[str, PracticeCase], taxonomy: Taxonomy) -> None:
    made = [reading(cases["en-01"]), reading(cases["en-01"], right=False, reader="ben"), reading(cases["en-04"], reader="ben")]
    view = team_view(made, cases, taxonomy.keys)
    assert view.readers["ben"].found["access"].words.startswith("1 of 2")
    assert view.together.found["trust"].of == 2
    assert view.weakest[0] == "trust"
    assert view.cases[0][0] == "en-01"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("A: hello", "not of the form"),
        ("A access: hello\nA: next", "no reason"),
        ("A: hello\n~ kindness | no", "no stage"),
        ("A: hello\n> why", "not of the form"),
        ("B: hello", "a speaker"),
        ("A access: hello\n> why | like", "harmless case is dismissed"),
    ],
)
def test_a_case_that_is_not_of_the_form_is_refused_with_its_line(tmp_path: Path, lines: str, message: str) -> None:
    head = "language = en\n\n## x\nlevel = 1\nplace = p\nA = who\nanswer = dismiss\nabout = what\n"
    file = tmp_path / "x.practice"
    file.write_text(head if message == "not of the form" and lines == "A: hello" else f"{head}{lines}\n", "utf-8")
    if message == "not of the form" and lines == "A: hello":
        file.write_text(f"{lines}\n{head}", "utf-8")
    with pytest.raises(CorpusError, match=message) as caught:
        read_practice(tmp_path)
    assert caught.value.where is not None
    assert str(file) in caught.value.where


def test_reading_a_case_shows_no_answer_until_it_is_decided(app_state: AppState, store: Store) -> None:
    cy = Browser(app_state, "cy")
    case = read_practice()["en-01"]
    page = cy.get("/practice/en-01").text
    assert case.messages[0].text in page
    assert case.about not in page
    assert all(sign.reason not in page for message in case.messages for sign in message.signs)
    refused = cy.post("/practice/en-01", m5="access")
    assert refused.status_code == 422
    assert re.search(r'name="m5" value="access"[^>]* checked', refused.text)
    kept = cy.post("/practice/en-01", m5="access", m8="isolation", m77="trust", kind="escalate")
    assert kept.status_code == 303
    answer = cy.get(kept.headers["location"]).text
    assert case.about.replace("'", "&#39;") in answer
    assert "Your decision is right" in answer
    assert answer.count("<b>found</b>") == 1
    assert answer.count("<b>missed</b>") == 2
    assert "you marked it" in answer
    with store.reading() as connection:
        (made,) = attempts(connection)
        lines = [entry for entry in entries(connection) if entry.action == "practise"]
    assert made.marks == {5: {"access"}, 8: {"isolation"}}
    assert len(lines) == 1
    assert verify(store).problems == []


def test_nobody_sees_the_practice_of_another_but_a_lead_that_of_the_team(app_state: AppState) -> None:
    cy, ben = Browser(app_state, "cy"), Browser(app_state, "ben")
    where = cy.post("/practice/en-02", kind="dismiss").headers["location"]
    assert ben.get(where).status_code == 403
    assert cy.get("/practice/team").status_code == 403
    assert "cy" in ben.get("/practice/team").text
    assert cy.get("/practice/nowhere").status_code == 404
    assert cy.get("/practice/answers/99").status_code == 404


def test_the_certificate_names_cases_and_counts_and_no_line_of_a_chat(app_state: AppState) -> None:
    cy = Browser(app_state, "cy")
    cases = read_practice()
    cy.post("/practice/en-01", kind="dismiss")
    cy.post("/practice/en-02", kind="dismiss")
    answer = cy.get("/practice/certificate")
    assert "attachment" in answer.headers["content-disposition"]
    assert "en-01" in answer.text
    assert "2 of 44" in answer.text
    for case in cases.values():
        assert all(message.text not in answer.text for message in case.messages if len(message.text.split()) > 3)


def test_without_runs_the_page_is_the_practice(store: Store) -> None:
    alone = prepare(store, [], single_user=True, secure=False)
    page = Browser(alone)
    assert page.get(f"/enter?token={alone.token}").status_code == 303
    assert page.get("/").headers["location"] == "/practice"
    home = page.get("/practice").text
    assert 'href="/cuts"' not in home
    assert "Read the next case" in home
