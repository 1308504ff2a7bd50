"""Why a message was found: the words without which the sign is weaker, and the indicators' phrases in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from pipeline.config import Stage, Taxonomy, load_settings
from pipeline.model.explain import SIGNS, Sign, explain, falls_without, word_spans
from pipeline.model.load import load_model
from pipeline.model.variants import LeftOut, Reworded, Span
from pipeline.score import score
from pipeline.text.cues import CueMatcher
from pipeline.thresholds import Thresholds
from pipeline.training.faithfulness import faithfulness, word_falls

EASY = Thresholds(risk=0.0, stages={"access": 0.2, "secrecy": 0.2})


def test_the_words_that_carry_a_sign_weigh_most(tiny_model: Path) -> None:
    _, model = load_model(tiny_model)
    text = "well, this stays our secret ok maybe"
    lines = [("B", "good game"), ("A", text)]
    (found,) = explain([(lines, model.predict([lines])[0])], model, EASY)
    assert found[1].stage == "secrecy"
    words = found[1].words
    heaviest = max(words, key=lambda word: word.weight)
    assert text[heaviest.start : heaviest.end] in {"secret", "stays", "our"}
    assert sum(word.weight for word in words) == pytest.approx(1, abs=0.01)
    assert [word.start for word in words] == sorted(word.start for word in words)


def test_leaving_out_the_heaviest_words_lowers_the_sign_more_than_leaving_out_others(tiny_model: Path) -> None:
    _, model = load_model(tiny_model)
    text = "well hello there, how old are you anyway then my dear"
    spans = word_spans(text)
    falls = word_falls([("A", text)], spans, model, model.taxonomy.keys.index("access"))
    order = sorted(range(len(spans)), key=lambda number: falls[number])
    without = [" ".join(text[slice(*spans[n])] for n in range(len(spans)) if n not in left) for left in (order[-3:], order[:3])]
    carried, spared = model.predict([[("A", words)] for words in without])
    column = model.taxonomy.keys.index("access")
    assert carried.stages[0, column] < spared.stages[0, column]


class SpanReader:
    """Says what it was told that words add, and what the log-odds are of a text: the sum of what its words carry."""

    def __init__(self, estimates: dict[str, float], carried: dict[str, float], text: str) -> None:
        self.estimates, self.carried, self.text = estimates, carried, text
        self.asked: list[str] = []

    def contributions(self, messages: Sequence[tuple[int, int, Sequence[Span]]]) -> list[NDArray[np.float64] | None]:
        return [np.asarray([[self.estimates[self.text[slice(*span)]]] for span in spans]) for *_, spans in messages]

    def stages(self, variants: Sequence[Reworded]) -> NDArray[np.float32]:
        self.asked += [variant.text for variant in variants]
        odds = np.asarray([[sum(self.carried[word] for word in variant.text.split())] for variant in variants])
        return (1 / (1 + np.exp(-odds))).astype(np.float32)

    def risks(self, variants: Sequence[Reworded | LeftOut]) -> list[float]:
        raise NotImplementedError


def test_words_that_are_not_left_out_have_their_estimate_on_the_scale_of_those_that_are() -> None:
    text = "well then this stays our secret"
    estimates = {"secret": 4.0, "stays": 2.0, "our": 1.5, "this": 0.5, "well": 0.4, "then": -1.0}
    carried = {"secret": 2.0, "stays": 1.0, "our": 0.9, "this": 0.1, "well": 0.3, "then": 0.0}
    reader = SpanReader(estimates, carried, text)
    (falls,) = falls_without([Sign(0, 0, 0)], [text], [word_spans(text)], reader)
    left_out = ["this", "stays", "our", "secret"]
    assert reader.asked == [text, *(text.replace(word, "") for word in left_out)]
    assert falls == pytest.approx([0.2, -0.5, 0.1, 1.0, 0.9, 2.0], abs=1e-4)  # what was read falls by half of its estimates


def test_of_a_few_words_each_is_left_out() -> None:
    text = "our secret ok"
    reader = SpanReader({}, {"our": 0.5, "secret": 2.0, "ok": 0.25}, text)
    (falls,) = falls_without([Sign(0, 0, 0)], [text], [word_spans(text)], reader)
    assert falls == pytest.approx([0.5, 2.0, 0.25], abs=1e-4)


def test_only_the_strongest_signs_of_flagged_conversations_are_explained(tiny_model: Path) -> None:
    _, model = load_model(tiny_model)
    lines = [*[("A", f"how old are you anyway {number}") for number in range(20)], ("B", "dinner is ready")]
    (prediction,) = model.predict([lines])
    (found,) = explain([(lines, prediction)], model, EASY)
    assert len(found) == SIGNS
    assert 20 not in found
    assert {reason.stage for reason in found.values()} == {"access"}
    assert explain([(lines, prediction)], model, EASY.model_copy(update={"risk": 1.0})) == [{}]


def test_signs_of_several_conversations_are_explained_together_as_each_alone(tiny_model: Path) -> None:
    _, model = load_model(tiny_model)
    talks = [[("A", "hi"), ("B", "how old are you anyway")], [("A", "dinner")], [("A", "this stays our secret ok")]]
    read = list(zip(talks, model.predict(talks), strict=True))
    assert explain(read, model, EASY) == [explain([one], model, EASY)[0] for one in read]


def test_a_long_message_is_weighed_in_stretches() -> None:
    spans = word_spans("word " * 500)
    assert len(spans) <= 24
    assert spans[0][0] == 0
    assert word_spans("  ") == []


def test_cues_are_found_in_several_languages_and_spellings() -> None:
    stage = Stage(
        key="secrecy",
        name="Secrecy",
        definition="…",
        severity=1,
        cues={"en": ("our secret", "delete this"), "de": ("sag niemandem",)},
    )
    matcher = CueMatcher(Taxonomy(name="t", version="1", stages=(stage,)))
    texts = ["this is OUR  secret, ok? delete this!!", "sag niemandem was", "our dog is a secret", "оur sесrеt"]
    assert [[cue.phrase for cue in cues] for cues in matcher.find(texts)] == [
        ["our secret", "delete this"],
        ["sag niemandem"],
        [],
        ["our secret"],
    ]


def test_cues_that_overlap_are_all_found_and_parts_of_words_are_none() -> None:
    phrases = ("delete", "delete this", "this chat", "this chat now")
    stage = Stage(key="secrecy", name="Secrecy", definition="…", severity=1, cues={"en": phrases})
    matcher = CueMatcher(Taxonomy(name="t", version="1", stages=(stage,)))
    texts = ["delete this chat now", "undelete this-chat", "deleted", "", "'delete' ,delete"]
    assert [[cue.phrase for cue in cues] for cues in matcher.find(texts)] == [
        ["delete", "delete this", "this chat", "this chat now"],
        [],
        [],
        [],
        ["delete"],
    ]
    assert CueMatcher(Taxonomy(name="t", version="1", stages=(stage.model_copy(update={"cues": {}}),))).find(["delete"]) == [()]


def test_every_stage_of_the_taxonomy_has_cues_that_it_finds(root: Path) -> None:
    taxonomy = load_settings(root / "configs" / "taxonomy.toml", Taxonomy)
    matcher = CueMatcher(taxonomy)
    for stage in taxonomy.stages:
        phrases = [phrase for words in stage.cues.values() for phrase in words]
        assert len(phrases) >= 10
        for phrase, cues in zip(phrases, matcher.find([f"so {phrase} then" for phrase in phrases]), strict=True):
            assert phrase in {cue.phrase for cue in cues if cue.stage == stage.key}


def test_reasons_stand_in_the_results_without_text_and_in_the_report_with_it(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "chat.txt").write_text(
        "13/02/2024, 17:04 - Kim: good game everyone\n13/02/2024, 17:05 - Pat: how old are you anyway\n"
    )
    (tmp_path / "low.json").write_text(json.dumps({"risk": 0.0, "stages": {"access": 0.1, "secrecy": 0.9}}))
    for policy in ("omit", "include"):
        score([tmp_path / "chat.txt"], model=tiny_model, out=tmp_path / policy, thresholds=tmp_path / "low.json", text=policy)
    rows = pq.read_table(tmp_path / "omit" / "scores.parquet").to_pylist()
    assert rows[1]["words"]
    assert rows[1]["text"] is None
    page = (tmp_path / "include" / "report.html").read_text("utf-8")
    assert '<mark class="w' in page
    assert "<mark" not in (tmp_path / "omit" / "report.html").read_text("utf-8")


def test_the_words_that_are_named_carry_more_than_words_by_chance(tiny_model: Path) -> None:
    from helpers.labelled import labelled

    _, model = load_model(tiny_model)
    lines = [("B", "good game"), ("A", "well hello there how old are you anyway my dear friend", "access")]
    talks = [labelled(f"c{number}", lines, groomer="A", tells=frozenset({"access", "secrecy"})) for number in range(3)]
    found = faithfulness(talks, model, EASY)
    assert found["signs"] == 3
    assert found["left_out"] > found["left_out_by_chance"]
    assert found["kept"] < found["kept_by_chance"]
    assert faithfulness([], model, EASY)["left_out"] is None
