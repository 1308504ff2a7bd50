"""Thresholds from budgets and floors by hand, and a guarantee that holds as often as it says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from helpers.judged import judged
from hypothesis import given
from hypothesis import strategies as st

from evaluation.metrics import Judged, allowed_alarms
from evaluation.threshold_search import at_threshold, binomial_tail, for_budget, for_precision, for_recall, guaranteed, lowest_risk
from pipeline.errors import ConfigError
from pipeline.thresholds import Thresholds

ROWS = [judged(f"g{n}", [risk], grooming=True) for n, risk in enumerate((0.9, 0.8, 0.6, 0.2))]
ROWS += [judged(f"o{n}", [risk], grooming=False) for n, risk in enumerate((0.7, 0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1))]


def test_what_a_threshold_comes_to_at_a_prevalence_by_hand() -> None:
    found = at_threshold(ROWS, 0.5, prevalence=0.01)
    assert (found.recall, found.false_positive_rate) == (0.75, 0.1)
    assert found.alerts_per_thousand == pytest.approx(1000 * (0.01 * 0.75 + 0.99 * 0.1))
    assert found.precision == pytest.approx(0.0075 / 0.1065)


def test_a_budget_of_alerts_is_kept_to() -> None:
    assert for_budget(ROWS, conversations=1000, alerts=10, prevalence=0.01).threshold == 0.8
    assert for_budget(ROWS, conversations=1000, alerts=120, prevalence=0.01).threshold == 0.6
    with pytest.raises(ConfigError, match="1 alerts for 1,000 conversations"):
        for_budget(ROWS, conversations=1000, alerts=1, prevalence=0.01)


def test_floors_are_kept_to() -> None:
    assert for_precision(ROWS, floor=0.9, prevalence=0.5).threshold == 0.8
    assert for_recall(ROWS, floor=0.75, prevalence=0.5).threshold == 0.6
    hopeless = [judged("g", [0.1], grooming=True), judged("o", [0.9], grooming=False)]
    with pytest.raises(ConfigError, match="no threshold has a precision of 90%"):
        for_precision(hopeless, floor=0.9, prevalence=0.01)


@pytest.mark.parametrize(("rows", "prevalence", "told"), [(ROWS, 0.0, "a prevalence of 0"), (ROWS[:4], 0.1, "all of one class")])
def test_what_cannot_be_weighed_is_an_error(rows: list[Judged], prevalence: float, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        at_threshold(rows, 0.5, prevalence=prevalence)


@given(st.integers(0, 30), st.integers(0, 30), st.floats(0.01, 0.99))
def test_binomial_tails_are_those_of_scipy(successes: int, more: int, share: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    assert binomial_tail(successes, successes + more, share) == pytest.approx(stats.binom.cdf(successes, successes + more, share))


def test_a_guarantee_needs_enough_conversations() -> None:
    with pytest.raises(ConfigError, match=r"10 ordinary conversations are too few .* at least 299"):
        guaranteed(ROWS, rate=0.01)
    plenty = [judged(str(number), [number / 1000], grooming=False) for number in range(299)]
    assert guaranteed(plenty, rate=0.01) == pytest.approx(0.298), "no false alarm allowed"


def test_the_guarantee_holds_as_often_as_it_says() -> None:
    """Over many calibration sets, the true share of false alarms is above the promise in at most one of twenty."""
    chance = np.random.default_rng(7)
    promise, broken, rounds = 0.05, 0, 400
    for _ in range(rounds):
        risks = chance.random(400)
        threshold = guaranteed([judged("o", [float(risk)], grooming=False) for risk in risks], rate=promise)
        broken += (1 - threshold) > promise  # risks are uniform: the true share above a threshold is 1 - threshold
    assert broken / rounds <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / rounds)
    assert broken > 0, "a bound that never errs wastes recall"


def test_one_rule_says_how_many_alarms_a_rate_allows() -> None:
    # 0.29 * 100 is 28.999999999999996 in binary: 29 alarms are allowed all the same, by every rule.
    assert allowed_alarms(0.29, 100) == 29
    peaks = [number / 100 for number in range(100)]
    assert sum(peak >= lowest_risk(peaks, 0.29) for peak in peaks) == 29


def test_thresholds_of_a_model_name_every_stage_of_it() -> None:
    limits = Thresholds(risk=0.5, stages={"secrecy": 0.2, "access": 0.1})
    assert limits.for_stages(["access", "secrecy"]).keys == ("access", "secrecy")
    other = Thresholds(risk=0.9, stages={"access": 0.3, "trust": 0.4})
    assert dict(other.for_stages(["access", "secrecy"], default=limits).stages) == {"access": 0.3, "secrecy": 0.2}
    with pytest.raises(ConfigError, match="name no trust"):
        limits.for_stages(["trust"])
