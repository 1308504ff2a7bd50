"""The report: what a moderator reads, and what must never be in it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from helpers.page import Page

from pipeline.report.build import percent, write_report
from pipeline.report.chart import risk_path
from pipeline.report.notes import notes_of
from pipeline.report.page import GapView
from pipeline.report.view import page_view
from pipeline.results import Run
from pipeline.score import score

FORGED = "<script>alert(1)</script><img src=x onerror=alert(2)>"


def table(path: Path, texts: list[str], conversation: str = "c1") -> None:
    rows = [
        {
            "conversation_id": conversation,
            "speaker": "Kim" if number % 2 else "Pat",
            "timestamp": 1707858300 + 60 * number,
            "text": text,
        }
        for number, text in enumerate(texts)
    ]
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "night.jsonl"
    table(path, ["good game", "how old are you", FORGED, "this is our secret, do not tell", "ok"], "c1")
    table(path, ["good game everyone", "see you"], "c2")
    return path


def scored(export: Path, model: Path, out: Path, threshold: float = 0.3, **options: Any) -> Run:
    stages = json.loads((model / "thresholds.json").read_text("utf-8"))["stages"]
    chosen = {"risk": threshold, "stages": dict.fromkeys(stages, 0.3), "chosen": "for a test"}
    thresholds = out.parent / "thresholds.json"
    thresholds.write_text(json.dumps(chosen), "utf-8")
    return score([export], model=model, out=out, thresholds=thresholds, **options)


def page_of(run: Run) -> Page:
    return Page((run.path / "report.html").read_text("utf-8"))


def test_the_page_asks_the_network_for_nothing_and_runs_only_its_own_script(export: Path, tiny_model: Path, tmp_path: Path) -> None:
    page = page_of(scored(export, tiny_model, tmp_path / "out", text="include"))
    (policy,) = [a["content"] or "" for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in policy
    for tag in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(page.raw[tag].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    for tag, attributes in page.elements:
        assert tag not in ("img", "iframe", "link", "object", "base")
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "src")], tag
        assert (attributes.get("href") or "#").startswith("#")
    assert "url(" not in page.raw["style"]
    assert "@import" not in page.raw["style"]


def test_a_message_cannot_become_part_of_the_page(export: Path, tiny_model: Path, tmp_path: Path) -> None:
    page = page_of(scored(export, tiny_model, tmp_path / "out", text="include"))
    assert FORGED in page.text
    assert [tag for tag, _ in page.elements].count("script") == 1


def test_text_and_names_are_blurred_and_behind_a_button(export: Path, tiny_model: Path, tmp_path: Path) -> None:
    page = page_of(scored(export, tiny_model, tmp_path / "out", text="include"))
    words = page.with_class("words")
    assert len(words) == 7 + 4
    assert {attributes["role"] for attributes in words} == {"button"}
    assert "shown" not in " ".join(attributes["class"] or "" for attributes in words)
    assert re.search(r"\.words \{[^}]*filter: blur", page.raw["style"])


@pytest.mark.parametrize("policy", ["omit", "hash"])
def test_without_text_the_page_holds_none_and_says_where_to_read_it(
    policy: Any, export: Path, tiny_model: Path, tmp_path: Path
) -> None:
    page = page_of(scored(export, tiny_model, tmp_path / "out", text=policy))
    for secret in ("good game", "our secret, do", "Kim", "Pat"):
        assert secret not in page.text
    assert "night.jsonl:4" in page.text
    assert "--text include" in page.text


def test_the_alert_stands_where_the_running_risk_first_reached_the_threshold(
    export: Path, tiny_model: Path, tmp_path: Path
) -> None:
    run = scored(export, tiny_model, tmp_path / "out", text="include")
    risks = {chat.conversation_id: [message.risk for message in messages] for chat, messages in run.read(["c1", "c2"])}
    view = page_view(run, whole=9, listed=9)
    assert [c.conversation_id for c in view.conversations] == sorted(risks, key=lambda name: -max(risks[name]))
    for conversation in view.conversations:
        crossed = [position for position, risk in enumerate(risks[conversation.conversation_id], 1) if risk >= 0.3]
        assert conversation.alert == (crossed[0] if crossed else None)
        assert [row.position for row in conversation.rows if not isinstance(row, GapView) and row.alert] == crossed[:1]
    assert view.flagged == sum(max(values) >= 0.3 for values in risks.values()) > 0
    assert f"reached 0.30 here – message {view.conversations[0].alert} of 5" in re.sub(r"\s+", " ", page_of(run).text)


def test_found_stages_are_those_at_their_thresholds(export: Path, tiny_model: Path, tmp_path: Path) -> None:
    run = scored(export, tiny_model, tmp_path / "out", text="include")
    found = {
        (chat.conversation_id, message.position, stage.name)
        for chat, messages in run.read(["c1", "c2"])
        for message in messages
        for stage in run.taxonomy.stages
        if (message.stages or {})[stage.key] >= run.thresholds.stages[stage.key]
    }
    shown = {
        (conversation.conversation_id, row.position, stage.name)
        for conversation in page_view(run, whole=9, listed=9).conversations
        for row in conversation.rows
        if not isinstance(row, GapView)
        for stage in row.found
    }
    assert shown == found != set()


def test_a_long_conversation_is_shown_around_its_signs_and_says_what_is_left_out(tiny_model: Path, tmp_path: Path) -> None:
    export = tmp_path / "night.jsonl"
    table(export, [*["good game"] * 700, "this is our secret, do not tell", *["good game"] * 300])
    run = scored(export, tiny_model, tmp_path / "out", text="include")
    (conversation,) = page_view(run, whole=1, listed=0).conversations
    positions = [row.position for row in conversation.rows if not isinstance(row, GapView)]
    gaps = [position for row in conversation.rows if isinstance(row, GapView) for position in range(row.first, row.last + 1)]
    assert sorted(positions + gaps) == list(range(1, 1002))
    assert set(range(696, 707)) <= set(positions)
    assert len(positions) < 600
    assert (
        f"{sum(row.count for row in conversation.rows if isinstance(row, GapView)):,} rows" in page_of(run).text or len(gaps) > 300
    )


def test_a_large_run_shows_the_riskiest_lists_the_next_and_counts_the_rest(tiny_model: Path, tmp_path: Path) -> None:
    export = tmp_path / "night.jsonl"
    for number in range(12):
        table(export, ["good game", "how old are you"], f"c{number}")
    run = scored(export, tiny_model, tmp_path / "out")
    write_report(run, run.path / "report.html", whole=3, listed=4)
    page = page_of(run)
    assert len(page.with_class("conversation")) == 3
    assert "The next 4 conversations" in page.text
    assert "5 more conversations of lower risk" in page.text


def test_the_page_says_what_the_model_is_and_what_it_cannot_know(export: Path, tiny_model: Path, tmp_path: Path) -> None:
    run = scored(export, tiny_model, tmp_path / "out")
    text = re.sub(r"\s+", " ", page_of(run).text)
    for words in (
        "never a finding",
        run.record["model"]["id"],
        "What it cannot know",
        "Who anybody is, how old, or what was meant",
        "if they were equally common",
        *(stage.definition for stage in run.taxonomy.stages),
    ):
        assert words in text, words


@pytest.mark.parametrize(
    ("probability", "words"), [(0.0, "<1 %"), (0.004, "<1 %"), (0.01, "1 %"), (0.5, "50 %"), (0.985, "98 %"), (0.9999, ">99 %")]
)
def test_a_probability_is_never_nothing_nor_certain(probability: float, words: str) -> None:
    assert percent(probability) == words


def test_the_chart_keeps_the_highest_risk_of_a_long_conversation() -> None:
    risks = [0.0] * 5000
    risks[3210] = 1.0
    assert "V0.0" in risk_path(risks)
    assert len(risk_path(risks)) < 20_000


def test_what_an_export_knows_besides_words_becomes_notes() -> None:
    meta = {
        "edited": "2024-05-04T15:03:00+00:00",
        "reply_to": 7,
        "forwarded_from": None,
        "attachments": ["a.jpg", "b.jpg"],
        "reactions": [{"emoji": "👍", "speaker": "x"}, {"emoji": "👍", "count": 2}],
        "media_type": "voice_message",
        "client": "unknown to the report",
    }
    assert notes_of(meta) == (
        "edited 2024-05-04 15:03",
        "reply to 7",
        "forwarded",
        "voice message",
        "file a.jpg",
        "file b.jpg",
        "reactions 👍 ×3",
    )
    assert len(notes_of({"attachments": ["x" * 500]})[0]) == 120
