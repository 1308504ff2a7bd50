"""Run the functional suite on a model, and write down what failed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from evaluation.functional.run import Outcome
from pipeline import __version__
from pipeline.errors import ConfigError
from pipeline.model.load import load_model
from pipeline.output import new_file, write_json
from pipeline.results import THRESHOLDS
from pipeline.suite import stages_unknown_to, suite_outcomes
from pipeline.thresholds import read_thresholds


def run_functional_suite(
    model: Path, *, thresholds: Path | None = None, out: Path | None = None, overwrite: bool = False
) -> tuple[Outcome, ...]:
    """Run the functional suite on a model; write the outcomes as JSON to the file ``out`` if one is given.

    Raises
    ------
    SafelightError
        When the model or the thresholds cannot be read, or the file cannot be written.
    """
    folder, loaded = load_model(model)
    chosen = read_thresholds(thresholds or folder.path / THRESHOLDS)
    if unknown := stages_unknown_to(loaded.taxonomy):
        raise ConfigError(
            f"the suite tests stages that this model does not tell: {', '.join(unknown)}",
            where=str(model),
            do="Run it on a model of the stages in configs/taxonomy.toml",
        )
    outcomes = suite_outcomes(loaded, chosen)
    if out is not None:
        with new_file(out, overwrite=overwrite) as file:
            write_json(file, _record(outcomes, folder.id, folder.name, chosen.risk))
    return outcomes


def _record(outcomes: Sequence[Outcome], model_id: str, model_name: str, threshold: float) -> dict[str, object]:
    return {
        "format": "safelight-functional/1",
        "safelight": __version__,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": {"id": model_id, "name": model_name, "risk_threshold": threshold},
        "cases": sum(outcome.cases for outcome in outcomes),
        "passed": sum(outcome.passed for outcome in outcomes),
        "functionalities": [
            {
                "id": outcome.functionality.id,
                "what": outcome.functionality.what,
                "expected": outcome.functionality.expected,
                "cases": outcome.cases,
                "passed": outcome.passed,
                "interval": [round(end, 4) for end in outcome.interval],
                "failed": list(outcome.failed),
            }
            for outcome in outcomes
        ],
    }
