"""Thresholds chosen from a saved evaluation."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.judged import judged, saved_at, wide

from pipeline.errors import ConfigError
from pipeline.evaluate import (
    ThresholdTarget,
    choose_threshold,
)
from pipeline.thresholds import read_thresholds


def test_a_threshold_keeps_to_what_was_asked(tmp_path: Path) -> None:
    folder = saved_at(tmp_path / "e", wide(50, 600))
    out = tmp_path / "thresholds.json"
    limits, choice = choose_threshold(folder, ThresholdTarget(budget=50, per_day=10_000, prevalence=0.001), out=out)
    assert choice.alerts_per_thousand * 10 <= 50
    assert read_thresholds(out) == limits
    assert "at most 50 alerts a day" in limits.chosen
    _, choice = choose_threshold(folder, ThresholdTarget(recall=0.9), out=None)
    assert choice.recall >= 0.9
    _, choice = choose_threshold(folder, ThresholdTarget(precision=0.5, prevalence=0.01), out=None)
    assert choice.precision >= 0.5
    limits, choice = choose_threshold(folder, ThresholdTarget(guarantee=0.01), out=None)
    assert choice.false_positive_rate <= 0.01
    assert "with 0.95 confidence at most 0.01 of ordinary conversations" in limits.chosen


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (ThresholdTarget(), "chosen by one thing"),
        (ThresholdTarget(recall=0.5, precision=0.5), "not by precision and recall"),
        (ThresholdTarget(budget=5), "how many conversations a day"),
        (ThresholdTarget(guarantee=0.001), "too few to promise 0.10%"),
        (ThresholdTarget(guarantee=1.5), "a guarantee of 1.5"),
        (ThresholdTarget(recall=0.5, prevalence=0), "a prevalence of 0"),
    ],
)
def test_a_threshold_that_cannot_be_had_is_refused(target: ThresholdTarget, told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=told):
        choose_threshold(saved_at(tmp_path / "e", wide(50, 600)), target, out=None)


def test_a_guarantee_is_refused_where_ordinary_conversations_reach_the_highest_risk(tmp_path: Path) -> None:
    rows = [*wide(5, 10), *(judged(f"full{n}", [1.0], grooming=False) for n in range(400))]
    with pytest.raises(ConfigError, match="only a threshold above 1"):
        choose_threshold(saved_at(tmp_path / "e", rows), ThresholdTarget(guarantee=0.01), out=None)
