"""Figures against hand-worked examples, and against scikit-learn where it has them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from evaluation.calibration import brier, calibration_error, reliability
from evaluation.metrics import (
    Judged,
    attribution,
    average_precision,
    bootstrap,
    f_score,
    messages_to_alert,
    precision_recall,
    recall_at,
    roc_auc,
    stage_figures,
)

sklearn = pytest.importorskip("sklearn.metrics")

LABELLED = st.integers(2, 40).flatmap(
    lambda size: st.tuples(
        arrays.arrays(np.float64, size, elements=st.sampled_from([0.0, 1.0])),
        arrays.arrays(np.float64, size, elements=st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])),
    )
).filter(lambda pair: 0 < pair[0].sum() < len(pair[0]))  # fmt: skip


@given(LABELLED)
def test_areas_are_those_of_scikit_learn(pair: tuple[np.ndarray, np.ndarray]) -> None:
    labels, scores = pair
    assert roc_auc(labels, scores) == pytest.approx(sklearn.roc_auc_score(labels, scores))
    assert average_precision(labels, scores) == pytest.approx(sklearn.average_precision_score(labels, scores))


@given(LABELLED)
def test_precision_recall_and_f_are_those_of_scikit_learn(pair: tuple[np.ndarray, np.ndarray]) -> None:
    labels, scores = pair
    flagged = scores >= 0.5
    found = precision_recall(labels, flagged)
    expected = sklearn.precision_recall_fscore_support(labels, flagged, average="binary", beta=2, zero_division=0)
    assert found == pytest.approx(expected[:2])
    assert f_score(*found, beta=2) == pytest.approx(expected[2])


def test_recall_at_a_false_positive_rate_by_hand() -> None:
    labels = np.asarray([1.0] * 4 + [0.0] * 100)
    scores = np.concatenate([[0.95, 0.9, 0.5, 0.1], [0.92], np.linspace(0.0, 0.4, 99)])
    assert recall_at(labels, scores, false_positive_rate=0.01) == 0.75, "one negative may be flagged"
    assert math.isnan(recall_at(labels, scores, false_positive_rate=0.001)), "too few negatives to tell"


def test_calibration_error_by_hand() -> None:
    labels, scores = np.asarray([0.0, 1.0, 1.0, 1.0]), np.asarray([0.2, 0.2, 0.9, 0.9])
    assert calibration_error(labels, scores, bins=2) == pytest.approx(0.5 * 0.3 + 0.5 * 0.1)
    assert calibration_error(labels, labels) == 0.0


@given(LABELLED)
def test_the_parts_of_the_brier_score_add_up(pair: tuple[np.ndarray, np.ndarray]) -> None:
    labels, scores = pair
    found = brier(labels, scores)
    assert found.score == pytest.approx(sklearn.brier_score_loss(labels, scores))
    assert found.score == pytest.approx(found.reliability - found.resolution + found.uncertainty)


@given(LABELLED)
def test_the_bins_of_a_reliability_diagram_hold_everything(pair: tuple[np.ndarray, np.ndarray]) -> None:
    diagram = reliability(*pair, bins=5)
    assert sum(one.mass for one in diagram) == pytest.approx(1)
    assert sum(one.share * one.mass for one in diagram) == pytest.approx(pair[0].mean())
    weights = np.where(pair[0] == 1, 0.5 / pair[0].sum(), 0.5 / (1 - pair[0]).sum())
    assert sum(one.share * one.mass for one in reliability(*pair, weights=weights)) == pytest.approx(0.5)


def judged(name: str, risk: list[float], *, groomers: set[str], own: list[float] | None = None) -> Judged:
    speakers = tuple("AB"[position % 2] for position in range(len(risk)))
    labels = np.asarray([[1.0, np.nan] if speaker in groomers else [0.0, np.nan] for speaker in speakers])
    return Judged(
        id=name,
        grooming=bool(groomers),
        groomers=frozenset(groomers),
        speakers=speakers,
        labels=labels,
        stages=np.asarray([[value, 0.5] for value in risk]),
        speaker_risk=np.asarray(own or risk),
        risk=np.maximum.accumulate(np.asarray(risk)),
    )


def test_who_and_when_by_hand() -> None:
    first = judged("1", [0.1, 0.2, 0.9, 0.3], groomers={"A"})
    second = judged("2", [0.1, 0.8, 0.2, 0.3], groomers={"A"})
    missed = judged("3", [0.1, 0.2], groomers={"A"})
    plain = judged("4", [0.1, 0.7], groomers=set())
    everything = [first, second, missed, plain]
    assert attribution(everything, 0.5) == 0.5, "the second names B"
    assert messages_to_alert(everything, 0.5) == 2.5, "after 3 and after 2; the ordinary one does not count"
    assert first.alert(0.95) is None


def test_a_stage_that_is_not_told_is_left_out() -> None:
    figures = stage_figures([judged("1", [0.9, 0.1], groomers={"A"})], ["told", "untold"], {"told": 0.5, "untold": 0.5})
    assert figures["told"]["f1"] == 1.0
    assert figures["untold"]["messages"] == 0
    assert math.isnan(figures["untold"]["average_precision"])


def test_intervals_resample_conversations() -> None:
    rows = [judged(str(number), [0.9], groomers={"A"} if number % 2 else set()) for number in range(100)]
    low, high = bootstrap(rows, lambda chosen: float(np.mean([bool(one.grooming) for one in chosen])), rounds=400)
    assert low == pytest.approx(0.40, abs=0.03)
    assert high == pytest.approx(0.60, abs=0.03)
    assert bootstrap(rows, lambda _: 1.0, rounds=5) == (1.0, 1.0)
