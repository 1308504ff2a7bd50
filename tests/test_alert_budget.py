"""The threshold for a budget of alerts, from a run's own scores."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.reviewed import PLAIN, TURNED, make_run
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from pipeline.cli.main import app
from pipeline.config import Taxonomy
from pipeline.errors import ConfigError
from pipeline.results.budget import cut_for_budget


@given(
    st.lists(st.floats(0, 1, width=32), min_size=1, max_size=60),
    st.integers(1, 50),
    st.integers(1, 2000),
)
def test_the_cut_keeps_the_budget_and_one_more_risk_would_not(risks: list[float], budget: int, per_day: int) -> None:
    ordered = np.sort(np.asarray(risks, np.float64))[::-1]
    cut = cut_for_budget(ordered, budget=budget, per_day=per_day)
    assert cut.flagged == int((ordered >= cut.threshold).sum())
    assert cut.per_day <= budget + 1e-9
    lower = ordered[ordered < cut.threshold]
    if len(lower):
        assert per_day * int((ordered >= lower[0]).sum()) / len(ordered) > budget


@pytest.mark.parametrize(("budget", "per_day"), [(0, 10), (5, 0), (-1, 10)])
def test_a_budget_is_a_number_from_one_on(budget: int, per_day: int) -> None:
    with pytest.raises(ConfigError, match="from 1 on"):
        cut_for_budget(np.asarray([0.5]), budget=budget, per_day=per_day)


def run_of(taxonomy: Taxonomy, tmp_path: Path) -> Path:
    return make_run(tmp_path / "run", taxonomy, {**{f"dm-{n}": PLAIN for n in range(9)}, "dm-t": TURNED})


def test_the_command_chooses_it_says_what_it_cannot_know_and_writes_a_threshold_file(taxonomy: Taxonomy, tmp_path: Path) -> None:
    run, out = run_of(taxonomy, tmp_path), tmp_path / "limits.json"
    done = CliRunner().invoke(app, ["threshold", str(run), "--budget", "50", "--per-day", "500", "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "1 of the run's 10 conversations, about 50.0 a day" in done.output
    assert "cannot say how many of these alerts are right" in done.output
    assert json.loads(out.read_text("utf-8"))["risk"] == pytest.approx(0.95)


@pytest.mark.parametrize("options", [["--precision", "0.5"], ["--budget", "50"], []])
def test_what_a_run_cannot_tell_is_a_clear_error(options: list[str], taxonomy: Taxonomy, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["threshold", str(run_of(taxonomy, tmp_path)), *options])
    assert isinstance(done.exception, ConfigError)
