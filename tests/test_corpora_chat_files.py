"""`.chat` files are read as they are described in data/WRITING.md, and what is wrong in them is named by its line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.config import Taxonomy
from pipeline.corpora.briefs import WritingPlan, draw_briefs, read_plan
from pipeline.corpora.readers.written import read_written
from pipeline.errors import ConfigError, CorpusError

HEAD = "language = en\nregion = GB\nplatform = game-chat\nhard = no\nending = faded\n\n"
TALK = "## a-1\nsituation = x\nA = boy, 13-15, male\nB = man, adult, male, groomer\n"


def _read(tmp_path: Path, taxonomy: Taxonomy, text: str) -> list:
    file = tmp_path / "a.chat"
    file.write_text(text, "utf-8")
    return list(read_written(file, taxonomy))


def test_the_example_of_the_guide_is_read(root: Path, tmp_path: Path, taxonomy: Taxonomy) -> None:
    guide = (root / "data" / "WRITING.md").read_text("utf-8")
    example = re.search(r"```\n(# a comment.*?)```", guide, re.DOTALL)
    assert example
    (one,) = _read(tmp_path, taxonomy, example[1])
    assert one.groomers == {"B"}
    assert one.ages == {"A": "13-15", "B": "adult"}
    assert [sorted(stages or ()) for stages in one.stages][3] == ["access"]
    assert [message.kind for message in one.messages].count("media") == 1
    assert one.attributes["register"] == "game"
    assert one.attributes["hard"] == "true"


def test_a_conversation_that_nobody_could_decide_costs_no_loss_and_no_figure(tmp_path: Path, taxonomy: Taxonomy) -> None:
    (one,) = _read(tmp_path, taxonomy, HEAD + TALK.replace("groomer", "undecidable") + "A: hi\nB: how old r u\n")
    assert one.is_grooming is None
    assert one.groomers is None
    assert one.level == "none"
    assert one.label(1, "access") is None


def test_a_setting_of_a_conversation_overrides_that_of_the_file(tmp_path: Path, taxonomy: Taxonomy) -> None:
    first, second = _read(
        tmp_path,
        taxonomy,
        HEAD + TALK + "A: hi\n" + TALK.replace("a-1", "a-2\nlanguage = de") + "A: na\\ndu: ok\nB secrecy: psst\n",
    )
    assert (first.attributes["language"], second.attributes["language"]) == ("en", "de")
    assert second.messages[0].text == "na\ndu: ok"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (HEAD + TALK + "what is this\n", 11),
        (HEAD + "## a-1\nsituation = x\nA = boy\nA: hi\n", 9),
        (HEAD + TALK + "A: hi\nregion = US\n", 12),
        (HEAD + "## a-1\nsituation = x\nA = boy, 13-15, male, villain\nA: hi\n", 9),
    ],
)
def test_what_is_wrong_is_named_by_its_line_without_its_words(tmp_path: Path, taxonomy: Taxonomy, text: str, line: int) -> None:
    with pytest.raises(CorpusError) as caught:
        _read(tmp_path, taxonomy, text)
    assert f"a.chat:{line}" in str(caught.value)
    assert "what is this" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [HEAD + TALK + "A access: hi\n", HEAD + TALK + "C: hi\n", HEAD + TALK.replace("13-15", "14") + "A: hi\n", HEAD + TALK],
)
def test_what_does_not_fit_together_is_refused(tmp_path: Path, taxonomy: Taxonomy, text: str) -> None:
    with pytest.raises((ConfigError, CorpusError), match=r"a\.chat"):
        _read(tmp_path, taxonomy, text)


def test_briefs_vary_every_list_before_a_value_comes_again(root: Path) -> None:
    plan = read_plan(root / "configs" / "writing.toml")
    for kind, lists in plan.kinds.items():
        size = len(lists["situation"])
        drawn = list(draw_briefs(plan, kind, count=size, seed=3))
        assert len({brief["situation"] for brief in drawn}) == size
        assert drawn == list(draw_briefs(plan, kind, count=size, seed=3))
        assert drawn != list(draw_briefs(plan, kind, count=size, seed=4))


def test_a_kind_that_the_plan_lacks_is_refused() -> None:
    with pytest.raises(ConfigError, match="no kind"):
        next(draw_briefs(WritingPlan(common={}, kinds={"scene": {}}), "ode", count=1, seed=0))
