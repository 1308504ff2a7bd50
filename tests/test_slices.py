"""Slices, speakers, confusion and worst errors, by hand; a small slice does not cry wolf."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.confusion import stage_confusion
from evaluation.intervals import newcombe
from evaluation.metrics import Judged
from evaluation.slices import slices
from evaluation.speakers import SpeakerScore, speaker_figures, speaker_scores
from evaluation.worst import worst_errors


def one(name: str, risk: float, *, grooming: bool, **attributes: str) -> Judged:
    return Judged(
        id=name,
        grooming=grooming,
        groomers=frozenset({"A"} if grooming else ()),
        speakers=("A", "B"),
        labels=np.asarray([[1.0 if grooming else 0.0], [0.0]]),
        stages=np.asarray([[risk], [0.0]]),
        speaker_risk=np.asarray([risk, 0.1]),
        risk=np.asarray([risk, risk]),
        attributes=attributes,
    )


def rows(language: str, found: int, missed: int, alarms: int = 0, quiet: int = 0) -> list[Judged]:
    kinds = [(0.9, True)] * found + [(0.1, True)] * missed + [(0.9, False)] * alarms + [(0.1, False)] * quiet
    return [
        one(f"{language}-{number}", risk, grooming=grooming, language=language, situation=f"s{number % 2}")
        for number, (risk, grooming) in enumerate(kinds)
    ]


def test_a_slice_that_is_far_off_is_warned_of_and_a_small_one_is_not() -> None:
    found = slices([*rows("en", 95, 5, 1, 199), *rows("nl", 10, 20, 0, 30), *rows("pt", 3, 2, 0, 5)], 0.5, ["access"])
    assert found["warnings"] == ["language nl: 10 of 30 grooming conversations are found, elsewhere 98 of 105"]
    by_name = {row["slice"]: row for row in found["axes"]["language"]}
    assert by_name["pt"]["recall"]["share"] == 0.6
    assert by_name["pt"]["warnings"] == [], "3 of 5 is too few to tell"
    assert by_name["nl"]["recall"]["flagged"] == 10
    assert by_name["en"]["false_positive_rate"]["share"] == 0.005


def test_a_slice_with_many_false_alarms_is_warned_of() -> None:
    found = slices([*rows("en", 20, 0, 2, 298), *rows("de", 20, 0, 30, 70)], 0.5, ["access"])
    assert found["warnings"] == ["language de: 30 of 100 ordinary conversations are flagged, elsewhere 2 of 300"]


def test_chance_alone_rarely_warns() -> None:
    """Twenty languages that are all alike: hardly one run in twenty warns of any."""
    chance = np.random.default_rng(11)
    warned = 0
    for _ in range(60):
        everything = []
        for number in range(20):
            hits = int(chance.binomial(20, 0.8))
            everything += rows(f"l{number}", hits, 20 - hits, 0, 20)
        warned += bool(slices(everything, 0.5, ["access"])["warnings"])
    assert warned <= 8


def test_false_alarms_are_listed_by_situation() -> None:
    found = slices(rows("en", 5, 0, 3, 5), 0.5, ["access"])["false_positives"]
    assert [(row["situation"], row["flagged"], row["conversations"]) for row in found] == [("s1", 2, 4), ("s0", 1, 4)]
    assert found[0]["ids"] == ["en-5", "en-7"]


@given(st.integers(0, 20), st.integers(1, 20), st.integers(0, 20), st.integers(1, 20))
def test_the_interval_of_a_difference_holds_it_and_turns_round(one_: int, more: int, other: int, others: int) -> None:
    first, second = (one_, one_ + more), (other, other + others)
    low, high = newcombe(*first, *second)
    assert -1 - 1e-9 <= low <= first[0] / first[1] - second[0] / second[1] <= high <= 1 + 1e-9
    assert newcombe(*second, *first) == pytest.approx((-high, -low))


def test_the_interval_of_a_difference_is_the_published_one() -> None:
    """Newcombe 1998, Table II, method 10, example (a): 56 of 70 against 48 of 80."""
    assert newcombe(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_speakers_are_one_person_only_where_the_corpus_names_them() -> None:
    named = [one(str(n), risk, grooming=True, corpus="pan12") for n, risk in enumerate((0.2, 0.9))]
    assert speaker_scores(named) == [SpeakerScore(None, "A", True, 0.9), SpeakerScore(None, "B", False, 0.1)]
    ours = [one(str(n), risk, grooming=True, corpus="safelight-written") for n, risk in enumerate((0.2, 0.9))]
    assert [(s.conversation, s.name, s.risk) for s in speaker_scores(ours)] == [
        ("0", "A", 0.2),
        ("0", "B", 0.1),
        ("1", "A", 0.9),
        ("1", "B", 0.1),
    ]


def test_speaker_figures_by_hand() -> None:
    everything = [one("1", 0.9, grooming=True), one("2", 0.3, grooming=True), one("3", 0.7, grooming=False)]
    found = speaker_figures(everything, 0.5, rounds=20)
    # groomers at 0.9 and 0.3; others at 0.7 and three at 0.1: one pair of eight is the wrong way round
    assert (found["speakers"], found["groomers"], found["resampled"]) == (6, 2, "conversations")
    assert found["roc_auc"]["value"] == pytest.approx(7 / 8)
    assert found["at_threshold"] == {"flagged": 2, "found": 1, "precision": 0.5, "recall": 0.5, "f1": 0.5, "f0.5": 0.5}
    assert found["recall_at"]["0.01"]["value"] is None, "too few to tell"
    assert speaker_figures([one("1", 0.9, grooming=False)], 0.5) == {}


def test_confusion_by_hand() -> None:
    labels = np.asarray([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0], [1.0, np.nan]])
    stages = np.asarray([[0.2, 0.9], [0.9, 0.9], [0.1, 0.1], [0.9, 0.1], [0.9, 0.9]])
    rows_ = [Judged("c", True, None, ("A",) * 5, labels, stages, np.zeros(5), np.zeros(5))]
    found = stage_confusion(rows_, ["a", "b"], {"a": 0.5, "b": 0.5})
    assert found["messages"] == [2, 2, 1], "the message that is not told whole is left out"
    assert found["counts"] == [[1, 1, 0], [0, 1, 1], [1, 0, 0]]


def test_worst_errors_are_the_quietest_and_the_loudest() -> None:
    everything = [one(f"g{n}", risk, grooming=True) for n, risk in enumerate((0.4, 0.1, 0.9))]
    everything += [one(f"o{n}", risk, grooming=False) for n, risk in enumerate((0.6, 0.8, 0.2))]
    found = worst_errors(everything, 0.5, listed=5)
    assert [row["id"] for row in found["missed"]["worst"]] == ["g1", "g0"]
    assert [row["id"] for row in found["false_alarms"]["worst"]] == ["o1", "o0"]
    assert found["wrong_speaker"]["conversations"] == 0
