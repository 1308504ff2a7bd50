"""The report of a run: what several conversations should be read together for, and where nothing is looked for."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="the extra link")

from helpers.linked import Line, Talk, groomed, write_run
from helpers.page import Page

from pipeline.link.strongest import strongest_patterns
from pipeline.report.build import write_report
from pipeline.report.page import NO_PATTERNS
from pipeline.results import RUN, open_run
from pipeline.score import score

DAY = 24 * 60
TARGETS = [Talk(f"c{n}", groomed("9001001", f"800{n}001", minute=n * DAY)) for n in range(3)]
FIGURES = {
    "corpus": dict.fromkeys(("labelled_conversations", "grooming_conversations", "ordinary_chat_conversations", "messages"), 1),
    "how": "not at all",
    "conversations": {
        "grooming": {"flagged": 0, "conversations": 0},
        "ordinary": {key: {"flagged": 0, "conversations": 0} for key in ("written_hard", "written_plain", "ordinary_chat")},
    },
}


def finished(folder: Path, talks: list[Talk], *, text: str = "include", **changes: object) -> Path:
    """Write a run with what a report needs of its record."""
    path = write_run(folder, talks, text=text)
    record = json.loads((path / RUN).read_text("utf-8"))
    record["counts"] = {"conversations": len(talks), "rows": sum(len(talk.lines) for talk in talks), "kinds": {}}
    record["model"]["metrics"] = FIGURES
    (path / RUN).write_text(json.dumps(record | changes), "utf-8")
    return path


def test_the_report_says_what_to_read_together_and_leads_to_the_messages(tmp_path: Path) -> None:
    run = open_run(finished(tmp_path / "run", TARGETS))
    patterns = strongest_patterns(run)
    (pattern,) = [pattern for pattern in patterns.patterns if pattern.title == "One actor, many targets"]
    assert [person.role for person in pattern.people] == ["actor", "target", "target", "target"]
    assert pattern.people[0].places == [("c0", "A"), ("c1", "A"), ("c2", "A")]
    write_report(run, tmp_path / "report.html", patterns=patterns)
    page = Page((tmp_path / "report.html").read_text("utf-8"))
    assert "Shows stages toward 3 persons." in page.text
    links = {attributes["href"] for tag, attributes in page.elements if tag == "a"}
    ids = {f"#{attributes['id']}" for _, attributes in page.elements if attributes.get("id")}
    assert links
    assert links <= ids
    assert {"9001001", "8001001"}.isdisjoint(page.text.split("Conversations, by risk")[0].split())
    assert [path.name for path in run.path.iterdir() if path.name.startswith(".patterns")] == []


def test_equal_runs_have_equal_patterns(tmp_path: Path) -> None:
    first, second = (strongest_patterns(open_run(finished(tmp_path / name, TARGETS))) for name in ("a", "b"))
    assert first == second


def test_at_most_five_are_shown_and_the_page_says_of_how_many(tmp_path: Path) -> None:
    talks = [
        Talk(f"c{actor}-{n}", groomed(f"900{actor}001", f"80{actor}{n}001", minute=n * DAY, words=f"w{actor}{n}"))
        for actor in range(6)
        for n in range(2)
    ]
    run = open_run(finished(tmp_path / "run", talks))
    patterns = strongest_patterns(run)
    assert len(patterns.patterns) == 5
    assert patterns.total > 5
    write_report(run, tmp_path / "report.html", patterns=patterns)
    assert f"The strongest 5 of {patterns.total} patterns" in (tmp_path / "report.html").read_text("utf-8")


def test_nothing_is_looked_for_where_nothing_can_be_or_it_was_not_wanted(tmp_path: Path) -> None:
    plain = [Talk(f"q{n}", [Line("5550001", "hi"), Line("5550002", "hello")]) for n in range(3)]
    assert strongest_patterns(open_run(finished(tmp_path / "plain", plain))) == NO_PATTERNS
    assert strongest_patterns(open_run(finished(tmp_path / "one", TARGETS[:1]))) == NO_PATTERNS
    assert strongest_patterns(open_run(finished(tmp_path / "off", TARGETS, patterns=False))) == NO_PATTERNS


def test_a_large_run_is_left_to_link_and_the_page_says_so(tmp_path: Path) -> None:
    run = open_run(finished(tmp_path / "run", TARGETS))
    patterns = strongest_patterns(run, most_rows=3)
    assert patterns.patterns == ()
    write_report(run, tmp_path / "report.html", patterns=patterns)
    assert "more than 3 rows" in (tmp_path / "report.html").read_text("utf-8")


def test_without_the_extra_the_page_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    assert "safelight[link]" in str(strongest_patterns(open_run(finished(tmp_path / "run", TARGETS))).missing)


@pytest.mark.parametrize("wanted", [True, False])
def test_a_score_run_notes_whether_patterns_were_wanted(tiny_model: Path, tmp_path: Path, *, wanted: bool) -> None:
    chat = tmp_path / "chat.txt"
    chat.write_text("13/02/2024, 17:04 - Kim: good game\n13/02/2024, 17:05 - Pat: how old are you\n", "utf-8")
    run = score([chat], model=tiny_model, out=tmp_path / "out", patterns=wanted)
    assert run.record["patterns"] is wanted
