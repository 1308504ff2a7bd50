"""Why the running risk jumped: the figures are the model's own on the conversation with that one thing left out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.config import Stage, Taxonomy
from pipeline.model.base import Prediction, Utterance
from pipeline.model.risk_jumps import LONGEST, jumps, largest_rises
from pipeline.model.variants import PredictingReader, Span
from pipeline.thresholds import Thresholds

TAXONOMY = Taxonomy(
    name="two",
    version="1",
    stages=(
        Stage(key="trust", name="Trust", definition="-", severity=1),
        Stage(key="secrecy", name="Secrecy", definition="-", severity=2),
    ),
)
LIMITS = Thresholds(risk=0.8, stages={"trust": 0.5, "secrecy": 0.5})


class WordModel:
    """A model that counts words: the risk rises with what a speaker said, more after a question."""

    taxonomy = TAXONOMY
    runtime = None
    prefilter = None

    def predict(self, conversations: Sequence[Sequence[Utterance]]) -> list[Prediction]:
        return [self._one(conversation) for conversation in conversations]

    def _one(self, lines: Sequence[Utterance]) -> Prediction:
        stages, left = np.zeros((len(lines), 2), np.float32), 1.0
        risks: list[float] = []
        for number, (_, text) in enumerate(lines):
            asked = number > 0 and "?" in lines[number - 1][1]
            stages[number] = (0.4 if "special" in text else 0.0, (0.9 if asked else 0.5) if "hush" in text.split() else 0.0)
            left *= float(np.prod(1 - stages[number]))
            risks.append(1 - left)
        return Prediction(stages, np.asarray(risks, np.float32), np.asarray(risks, np.float32))


LINES = [("B", "you are special"), ("A", "should i tell mum ?"), ("B", "no so hush now"), ("A", "ok")]


def why(lines: Sequence[Utterance] = LINES) -> list:
    model = WordModel()
    (found,) = jumps([(lines, model.predict([lines])[0])], model, LIMITS)  # pyright: ignore[reportArgumentType]
    return found


def risk(lines: Sequence[Utterance]) -> float:
    return float(WordModel().predict([lines])[0].risk[-1])


def test_a_jump_names_its_stages_words_and_earlier_messages_with_what_the_model_says_without_them() -> None:
    first, second = why()
    assert (first.number, second.number) == (0, 2)
    assert first.stages == (("trust", pytest.approx(0.4)),)  # under its threshold, and named
    text = LINES[2][1]
    assert [text[word.start : word.end] for word in second.words] == ["hush"]
    assert second.without_words == pytest.approx(risk([*LINES[:2], ("B", "no so  now")]))
    assert dict(second.leans_on) == {
        0: pytest.approx(risk([LINES[1], LINES[2]])),
        1: pytest.approx(risk([LINES[0], LINES[2]])),
    }
    assert second.after == pytest.approx(risk(LINES[:3]))


@dataclass(frozen=True)
class EstimatingReader(PredictingReader):
    """Says of each word that it adds as much to either stage as it has letters."""

    def contributions(self, messages: Sequence[tuple[int, int, Sequence[Span]]]) -> list[NDArray[np.float64] | None]:
        return [np.asarray([[end - start] * 2 for start, end in spans], np.float64) for *_, spans in messages]


def test_where_words_have_an_estimate_it_chooses_them_and_the_risk_without_them_is_the_models() -> None:
    model = WordModel()
    pairs = [(LINES, model.predict([LINES])[0])]
    reader = EstimatingReader(pairs, model)  # pyright: ignore[reportArgumentType]
    second = jumps(pairs, model, LIMITS, reader=reader)[0][1]  # pyright: ignore[reportArgumentType]
    text = LINES[2][1]
    assert {text[word.start : word.end]: word.weight for word in second.words} == pytest.approx(
        {"no": 2 / 11, "so": 2 / 11, "hush": 4 / 11, "now": 3 / 11}, abs=1e-4
    )
    assert second.without_words == pytest.approx(risk(LINES[:2]))


def test_left_out_words_matter_more_than_the_others() -> None:
    jump = why()[1]
    assert jump.without_words is not None
    assert jump.after - jump.without_words > jump.after - risk([*LINES[:2], ("B", "so hush now")])


def test_positions_in_the_results_count_rows_without_words_too() -> None:
    kept = json.loads(why()[1].as_json([2, 3, 7, 8]))
    assert [position for position, _ in kept["leans_on"]] == [3, 2]  # the most telling first
    assert kept["before"] < kept["after"]


def test_what_is_not_flagged_or_was_skipped_has_none() -> None:
    calm = [("A", "hi"), ("B", "hello")]
    assert why(calm) == []
    model = WordModel()
    told = model.predict([LINES])[0]
    skipped = Prediction(told.stages, told.speaker_risk, told.risk, skipped=True)
    assert jumps([(LINES, skipped)], model, LIMITS) == [[]]  # pyright: ignore[reportArgumentType]


def test_deep_in_a_long_conversation_nothing_is_computed_again_and_the_stages_are_named() -> None:
    long = [*[("A", "hi")] * LONGEST, *LINES]
    for jump in why(long):
        assert jump.stages
        assert jump.without_words is None
        assert jump.leans_on == ()


@pytest.mark.parametrize(
    ("risks", "chosen"),
    [([0.1, 0.1, 0.9], [0, 2]), ([0.9, 0.2, 0.95], [0, 2]), ([0.01, 0.02, 0.03], []), ([0.79, 0.80, 0.81, 0.99], [0, 1, 3])],
)
def test_the_largest_rises_are_chosen_and_the_alert_always(risks: list[float], chosen: list[int]) -> None:
    assert largest_rises(risks, 0.8) == chosen
