"""Hold a model against labelled conversations, against another model, and against what it should be able to do.

::

    safelight evaluate --model models/default --corpus data/synthetic --split test --out figures.json
    safelight evaluate --suite functional --model models/default
    safelight compare models/baseline models/default --corpus data/synthetic --split test
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evaluation.functional.cases import read_cases
from evaluation.functional.run import Outcome, run_suite
from evaluation.metrics import Judged
from evaluation.summary import Cuts, Difference, compare, summarise
from pipeline import __version__
from pipeline.config import Taxonomy
from pipeline.corpora.split import Splits, conversation_hash, load_splits
from pipeline.corpora.training import read_training_corpus
from pipeline.errors import ConfigError, CorpusError
from pipeline.model.folder import ModelFolder
from pipeline.model.load import load_model
from pipeline.model.thresholds import read_thresholds
from pipeline.output import new_file, write_json
from pipeline.results import THRESHOLDS
from pipeline.score import score_conversations


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
    cases = read_cases()
    wanted = {case.functionality.stage for case in cases} - {None}
    if unknown := sorted(map(str, wanted - set(chosen.stages))):
        raise ConfigError(
            f"the suite tests stages that this model does not tell: {', '.join(unknown)}",
            where=str(model),
            do="Run it on a model of the stages in configs/taxonomy.toml",
        )
    outcomes = run_suite(
        cases,
        lambda conversations: score_conversations(conversations, loaded),
        risk_threshold=chosen.risk,
        stage_thresholds=chosen.stages,
    )
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


@dataclass(frozen=True)
class Chosen:
    """The conversations that a model is held against."""

    corpus: Sequence[Path]
    ordinary: Sequence[Path]
    splits: Path | None
    split: str
    max_ordinary: int
    seed: int


def evaluate(
    model: Path, chosen: Chosen, *, thresholds: Path | None = None, out: Path | None = None, overwrite: bool = False
) -> Mapping[str, Any]:
    """Judge a split of labelled corpora and return the figures; write them as JSON to the file ``out`` if one is given.

    Without splits of its own, the split is that of the model's ``splits.json``.

    Raises
    ------
    SafelightError
        When the model, the corpora or the splits cannot be read, or the split is empty.
    """
    folder, judged, cuts = _judged(model, chosen, thresholds)
    figures = summarise(judged, cuts)
    if out is not None:
        record = {
            "format": "safelight-evaluation/1",
            "safelight": __version__,
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "model": {"id": folder.id, "name": folder.name},
            "split": chosen.split,
            "conversations": len(judged),
            **figures,
        }
        with new_file(out, overwrite=overwrite) as file:
            write_json(file, record)
    return figures


def compare_models(first: Path, second: Path, chosen: Chosen) -> list[Difference]:
    """Judge a split with two models and return their figures side by side; the splits are those of the second model, if none given.

    Raises
    ------
    SafelightError
        As `evaluate`.
    """
    if chosen.splits is None:
        chosen = Chosen(chosen.corpus, chosen.ordinary, second / SPLITS, chosen.split, chosen.max_ordinary, chosen.seed)
    _, one, one_cuts = _judged(first, chosen, None)
    _, other, other_cuts = _judged(second, chosen, None)
    return compare(one, one_cuts, other, other_cuts)


SPLITS = "splits.json"


def _judged(model: Path, chosen: Chosen, thresholds: Path | None) -> tuple[ModelFolder, list[Judged], Cuts]:
    from pipeline.model.training.judging import judge

    folder, loaded = load_model(model)
    limits = read_thresholds(thresholds or folder.path / THRESHOLDS)
    conversations = _chosen(chosen, folder, loaded.taxonomy)
    return folder, judge(conversations, loaded), Cuts(limits.risk, {key: limits.stages[key] for key in loaded.taxonomy.keys})


def _chosen(chosen: Chosen, folder: ModelFolder, taxonomy: Taxonomy) -> list[Any]:
    splits = _splits(chosen, folder)
    read = read_training_corpus(
        chosen.corpus, chosen.ordinary, taxonomy=taxonomy, seed=chosen.seed, max_ordinary=chosen.max_ordinary
    )
    found = [one for one in read.all if splits.conversations.get(one.id) == chosen.split]
    if not found:
        raise CorpusError(f"no conversation of the corpora is in the split {chosen.split}", do="Check --split and --splits")
    if changed := [one.id for one in found if splits.hashes.get(one.id) != conversation_hash(one)]:
        raise CorpusError(
            f"{len(changed)} conversation(s) have changed since they were split, such as {changed[0]}", do="Split again"
        )
    return found


def _splits(chosen: Chosen, folder: ModelFolder) -> Splits:
    path = chosen.splits or folder.path / SPLITS
    if not path.is_file():
        raise ConfigError("the model says nothing of splits", where=str(path), do="Give those that it was trained with: --splits")
    return load_splits(path)
