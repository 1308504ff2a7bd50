"""Figures from few examples: a bound, or "too few", and never a share that the examples cannot carry."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.drift import drift, profile
from evaluation.intervals import FEW, at_least, at_most, not_a_point, share_in_words
from evaluation.measure import measure
from evaluation.metrics import Judged, stage_cells, with_interval
from evaluation.report.build import write_report
from evaluation.report.charts import reliability_plot
from evaluation.saved import Saved, write_saved
from evaluation.threshold_search import alerts_in_words, at_threshold
from evaluation.transfer_table import transfer_table
from pipeline.cli.terminal import print_figures
from pipeline.cli.terminal_evaluation import print_threshold
from pipeline.evaluate.choose_threshold import ThresholdTarget, choose_threshold
from pipeline.thresholds import Thresholds

KEYS = ("access",)


def judged(identity: str, risk: float, *, grooming: bool, stage: float = 0.0) -> Judged:
    """A conversation of one message, whose risk and stage are given."""
    return Judged(
        id=identity,
        grooming=grooming,
        groomers=frozenset({"A"}) if grooming else frozenset(),
        speakers=("A",),
        labels=np.asarray([[float(grooming)]], np.float32),
        stages=np.asarray([[stage or risk]], np.float32),
        speaker_risk=np.asarray([risk], np.float32),
        risk=np.asarray([risk], np.float32),
        attributes={"language": "en"},
        messages=("1",),
    )


def corpus(grooming: int, ordinary: int) -> list[Judged]:
    """Conversations that the model tells apart without an error."""
    return [judged(f"g{n}", 0.9, grooming=True) for n in range(grooming)] + [
        judged(f"o{n}", 0.1, grooming=False) for n in range(ordinary)
    ]


@given(trials=st.integers(1, 300), share=st.floats(0, 1), confidence=st.sampled_from([0.9, 0.95, 0.9875]))
def test_bounds_are_those_of_clopper_and_pearson(trials: int, share: float, confidence: float) -> None:
    stats = pytest.importorskip("scipy.stats", reason="compared with scipy, of the train extra")
    successes = round(share * trials)
    high = 1.0 if successes == trials else stats.beta.ppf(confidence, successes + 1, trials - successes)
    low = 0.0 if successes == 0 else stats.beta.ppf(1 - confidence, successes, trials - successes + 1)
    assert at_most(successes, trials, confidence=confidence) == pytest.approx(high, abs=1e-6)
    assert at_least(successes, trials, confidence=confidence) == pytest.approx(low, abs=1e-6)


@pytest.mark.parametrize(
    ("successes", "trials", "words"),
    [
        (0, 6, "0 of 6: at most 39.4 % with 95 % confidence"),
        (6, 6, "6 of 6: at least 60.7 % with 95 % confidence"),
        (0, 3000, "0 of 3,000: at most 0.100 % with 95 % confidence"),
        (3, 6, "3 of 6: too few to say more than 18.8 % to 81.3 %"),
        (30, 60, "30 of 60: 50.0 % (37.7 % to 62.3 %)"),
        (0, 0, "none there"),
    ],
)
def test_a_share_is_said_with_what_it_is_of(successes: int, trials: int, words: str) -> None:
    assert share_in_words(successes, trials) == words


@given(trials=st.integers(1, 60))
def test_all_or_none_is_never_said_as_a_share(trials: int) -> None:
    for successes in (0, trials):
        said = share_in_words(successes, trials)
        assert "at most" in said or "at least" in said
        assert "100" not in said.partition(":")[2]
        assert ": 0 %" not in said


def test_resampling_of_what_is_all_alike_gives_a_bound_and_no_point() -> None:
    assert not_a_point(1.0, (1.0, 1.0), 6) == (pytest.approx(0.607, abs=1e-3), 1.0)
    assert not_a_point(0.0, (0.0, 0.0), 6) == (0.0, pytest.approx(0.393, abs=1e-3))
    assert not_a_point(0.5, (0.2, 0.8), 6) == (0.2, 0.8)
    found = with_interval(corpus(40, 40), lambda chosen: float(np.mean([one.peak > 0.05 for one in chosen])), 40)
    assert found["interval"][0] < 1


@pytest.fixture
def evaluation(tmp_path: Path) -> Path:
    """A saved evaluation with six conversations of each class."""
    folder = tmp_path / "evaluation"
    folder.mkdir()
    write_saved(Saved(corpus(6, 6), Thresholds(risk=0.5, stages={"access": 0.5})), folder / "scores.parquet")
    return folder


def test_a_budget_from_six_conversations_claims_no_more_than_they_can_carry(
    evaluation: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    limits, choice = choose_threshold(evaluation, ThresholdTarget(budget=1, per_day=1000), out=None)
    print_threshold(limits, choice, 0.001)
    said = " ".join(capsys.readouterr().out.split())
    assert "100.0 % of them true" not in said
    assert "100.0%" not in said
    assert "0 of 6: at most 39.4 % with 95 % confidence" in said
    assert re.search(r"at most \d+ alerts in a thousand with 95 % confidence", said)
    assert "too few were counted to say more" in said
    assert re.search(r"do not rule out \d+ a day", limits.chosen)


@pytest.mark.parametrize("target", [ThresholdTarget(precision=0.9), ThresholdTarget(recall=0.9)])
def test_a_floor_from_six_conversations_says_what_is_not_ruled_out(evaluation: Path, target: ThresholdTarget) -> None:
    limits, _ = choose_threshold(evaluation, target, out=None)
    assert "do not rule out" in limits.chosen


def test_a_floor_from_many_is_said_as_it_is() -> None:
    many = at_threshold(corpus(4000, 4000), 0.5, prevalence=0.5)
    assert many.precision_interval[0] > 0.99
    assert many.alerts_interval[0] > 490


def test_alerts_of_enough_conversations_have_an_interval() -> None:
    rows = corpus(400, 380) + [judged(f"x{n}", 0.95, grooming=False) for n in range(20)]
    said = alerts_in_words(at_threshold(rows, 0.5, prevalence=0.01))
    assert said.startswith("59.50 alerts in a thousand (")
    assert "of them true (" in said


def test_the_interval_of_alerts_holds_as_often_as_it_says() -> None:
    """Over many evaluations the true number of alerts and the true precision lie within."""
    chance = np.random.default_rng(3)
    outside = 0
    for _ in range(200):
        risks = np.concatenate([chance.random(60) < 0.8, chance.random(80) < 0.05]).astype(float)
        rows = [judged(str(n), float(risk), grooming=n < 60) for n, risk in enumerate(risks)]
        choice = at_threshold(rows, 0.5, prevalence=0.01)
        alerts, precision = 1000 * (0.01 * 0.8 + 0.99 * 0.05), 0.01 * 0.8 / (0.01 * 0.8 + 0.99 * 0.05)
        outside += not (choice.alerts_interval[0] <= alerts <= choice.alerts_interval[1])
        outside += not (choice.precision_interval[0] <= precision <= choice.precision_interval[1])
    assert outside / 400 <= 0.05


def test_terminal_and_report_of_few_conversations_say_too_few(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    metrics = measure(Saved(corpus(6, 6), Thresholds(risk=0.5, stages={"access": 0.5})), rounds=10)
    metrics |= {"computed": {"made": "2024-01-01T00:00:00", "safelight": "0", "git": None, "python": "3", "versions": {}}}
    metrics |= {"bootstrap_rounds": 10}
    print_figures(metrics)
    said = capsys.readouterr().out
    assert "1.000" not in said
    assert "too few: 6" in said
    write_report(metrics, (), tmp_path / "report.html")
    page = re.sub(r"<style>.*?</style>|<svg.*?</svg>", "", (tmp_path / "report.html").read_text("utf-8"), flags=re.S)
    assert "1.000" not in page
    assert "100 %" not in page.replace("100 %</span>", "")  # the end of an interval
    assert "too few to draw curves of" in page


def test_terminal_of_enough_conversations_says_the_figures(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = measure(Saved(corpus(40, 40), Thresholds(risk=0.5, stages={"access": 0.5})), rounds=10)
    print_figures(metrics)
    said = capsys.readouterr().out
    assert "1.000" in said
    assert "too few: " not in said
    assert re.search(r"recall at 1 % false positives\s+too few to tell", said)
    assert said.count("1.000 – 1.000") == 1, "the median of messages alone"


@pytest.mark.parametrize(
    ("row", "few"), [({"found": 3, "messages": 40}, {"precision", "f1"}), ({"found": 40, "messages": 3}, {"recall", "f1"})]
)
def test_a_stage_of_few_messages_has_no_figures(row: dict[str, int], few: set[str]) -> None:
    cells = stage_cells({**row, "precision": 1.0, "recall": 1.0, "f1": 1.0, "average_precision": 1.0})
    assert {name for name, cell in cells.items() if cell == "too few"} >= few
    assert cells["recall" if "precision" in few else "precision"] == "1.000"


def test_a_bin_of_few_examples_has_no_dot() -> None:
    bins = [[0.1, 0.0, 0.9, FEW], [0.9, 1.0, 0.1, FEW - 1]]
    plot = reliability_plot("x", bins, 0.1, positives=20, examples=40)
    assert len(plot.lines[1].dots) == 1
    assert "error 0.100" in plot.lines[1].label
    assert "too few" in reliability_plot("x", bins, 0.1, positives=2, examples=40).lines[1].label


def test_drift_of_few_conversations_says_of_how_many() -> None:
    many = profile([0.1] * 400, [10] * 400, [20] * 400, ["en"] * 400, unfamiliar=0.0, threshold=0.5)
    few = profile([0.1] * 3, [10] * 3, [20] * 3, ["en"] * 3, unfamiliar=0.0, threshold=0.5)
    told_ = {one.name: one.seen for one in drift(many, few)}
    assert told_["flagged"] == "0 of 3: at most 63.2 % with 95 % confidence"
    assert told_["languages"] == "en 100%, of 3 conversations"


def test_the_card_of_a_model_from_few_conversations_says_so(tiny_model: Path) -> None:
    card = (tiny_model / "MODEL_CARD.md").read_text("utf-8")
    assert re.search(r"\| conversations with grooming \| [\d,]+ of [\d,]+: ", card)
    assert "with 95 % confidence" in card or "%" in card


def test_a_table_of_transfer_says_of_how_many_a_share_is() -> None:
    figures = {
        "threshold": 0.5,
        "written": {
            "right_speaker": 1.0,
            "positive": 3,
            "right_speaker_of_flagged": 1.0,
            "found": {"flagged": 2, "of": 3},
            "languages": {},
        },
        "sources": {},
        "long_ordinary": {},
        "after_ordinary": {},
        "segments": {"auc": {"value": 1.0, "interval": [1.0, 1.0], "too_few": "too few: 3"}},
    }
    table = transfer_table({"m": figures})
    assert "right speaker, of all grooming conversations | 3 of 3 |" in table
    assert "segments, speakers unknown: AUC | too few: 3 |" in table
