"""Run the functional suite on a loaded model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evaluation.functional.cases import read_cases
from evaluation.functional.run import Outcome, run_suite
from pipeline.config import Taxonomy
from pipeline.model.base import Model
from pipeline.score import score_conversations
from pipeline.thresholds import Thresholds

Suite = Callable[[Model, Thresholds], Sequence[Outcome]]
"""Runs the functional suite on a model."""


def suite_outcomes(model: Model, thresholds: Thresholds) -> tuple[Outcome, ...]:
    """Return the outcome of every functionality at the thresholds."""
    return run_suite(
        read_cases(),
        lambda conversations: score_conversations(conversations, model),
        risk_threshold=thresholds.risk,
        stage_thresholds=thresholds.stages,
    )


def stages_unknown_to(taxonomy: Taxonomy) -> list[str]:
    """Return the stages that the suite tests and a taxonomy has not."""
    wanted = {case.functionality.stage for case in read_cases()} - {None}
    return sorted(str(stage) for stage in wanted - set(taxonomy.keys))
