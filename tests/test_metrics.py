"""Figures against hand-worked examples, and against scikit-learn where it has them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from evaluation.calibration import brier, calibration_error, reliability
from evaluation.curves import precision_recall_curve, roc, thinned
from evaluation.metrics import (
    Judged,
    attribution,
    average_precision,
    bootstrap,
    f_score,
    messages_to_alert,
    micro,
    precision_at,
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


@given(LABELLED)
def test_curves_are_those_of_scikit_learn(pair: tuple[np.ndarray, np.ndarray]) -> None:
    labels, scores = pair
    own, (x, y, _) = roc(labels, scores), sklearn.roc_curve(labels, scores, drop_intermediate=False)
    assert own.x == pytest.approx(x)
    assert own.y == pytest.approx(y)
    curve, (precision, recall, cuts) = precision_recall_curve(labels, scores), sklearn.precision_recall_curve(labels, scores)
    # scikit-learn goes from the lowest threshold up, and ends in a point that no threshold has
    assert curve.x[::-1] == pytest.approx(recall[:-1])
    assert curve.y[::-1] == pytest.approx(precision[:-1])
    assert curve.thresholds[::-1] == pytest.approx(cuts)


def test_curves_by_hand_and_thinned() -> None:
    labels, scores = np.asarray([1.0, 0.0, 1.0, 0.0]), np.asarray([0.9, 0.8, 0.8, 0.1])
    assert roc(labels, scores).points() == [[0.0, 0.0], [0.0, 0.5], [0.5, 1.0], [1.0, 1.0]]
    assert precision_recall_curve(labels, scores).points() == [[0.5, 1.0], [1.0, 0.666667], [1.0, 0.5]]
    assert roc(np.ones(3), np.ones(3)).points() == []
    chance = np.random.default_rng(3)
    whole = roc((chance.random(5000) < 0.3).astype(float), chance.random(5000))
    few = thinned(whole, most=50)
    assert len(few.x) <= 50
    assert (few.x[0], few.y[0], few.x[-1], few.y[-1]) == (0.0, 0.0, 1.0, 1.0)
    assert np.abs(np.interp(whole.x, few.x, few.y) - whole.y).max() < 0.05


@given(LABELLED, LABELLED)
def test_micro_figures_are_those_of_scikit_learn(one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]) -> None:
    count = min(len(one[0]), len(other[0]))
    labels, scores = (np.stack([one[part][:count], other[part][:count]], axis=1) for part in (0, 1))
    rows = [Judged("c", None, None, ("A",) * count, labels, scores, scores[:, 0], scores[:, 0])]
    found = micro(rows, ["a", "b"], {"a": 0.5, "b": 0.25})
    flagged = scores >= np.asarray([0.5, 0.25])
    expected = sklearn.precision_recall_fscore_support(labels, flagged, average="micro", zero_division=0)
    assert (found["precision"], found["recall"], found["f1"]) == pytest.approx(expected[:3])
    if labels.any():
        assert found["average_precision"] == pytest.approx(sklearn.average_precision_score(labels, scores, average="micro"))
    else:
        assert found["average_precision"] is None


def test_precision_at_k_by_hand() -> None:
    labels, scores = np.asarray([1.0, 0.0, 1.0, 0.0, 1.0]), np.asarray([0.9, 0.8, 0.5, 0.5, 0.1])
    assert precision_at(labels, scores, k=1) == 1.0
    assert precision_at(labels, scores, k=2) == 0.5
    assert precision_at(labels, scores, k=3) == 0.5, "one of the two at 0.5 is the third: half a hit in expectation"
    assert math.isnan(precision_at(labels, scores, k=6))
