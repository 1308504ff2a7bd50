"""Evaluate a model on a split, or saved scores again: figures, and a folder with scores, metrics.json and report.html."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evaluation.measure import measure
from evaluation.report.build import write_report
from evaluation.saved import METRICS, SCORES, Saved, write_saved
from pipeline.errors import ConfigError, SafelightError
from pipeline.evaluate.dataset_selection import DatasetSelection, select_dataset
from pipeline.evaluate.peers import compare_with_peers
from pipeline.evaluate.record import about, made
from pipeline.evaluate.unchanged import read_unchanged
from pipeline.model.load import load_model
from pipeline.model.predict import predict_labelled
from pipeline.output import check_place, hashes_of, new_folder, write_json
from pipeline.results import THRESHOLDS
from pipeline.thresholds import Thresholds, read_thresholds

FORMAT = "safelight-evaluation/2"
REPORT = "report.html"


@dataclass(frozen=True)
class Evaluation:
    """What was found: everything that ``metrics.json`` holds, and the folder where one was written."""

    metrics: Mapping[str, Any]
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """How figures are made and kept. ``peers`` holds plainer methods against the model too, with the encoder at ``encoder``."""

    out: Path | None = None
    overwrite: bool = False
    text: bool = False
    prevalence: float = 0.001
    rounds: int = 200
    peers: bool = False
    encoder: Path | None = None


def evaluate(
    model: Path,
    selection: DatasetSelection,
    settings: Settings | None = None,
    *,
    thresholds: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Evaluation:
    """Judge a split of labelled corpora with a model and return every figure; write a folder if one is asked for.

    Without splits of its own, the split is that of the model's ``splits.json``.

    Raises
    ------
    SafelightError
        When the model, the corpora or the splits cannot be read, the split is empty, or the model has met it in training.
    """
    settings = settings or Settings()
    _check(settings)
    folder, loaded = load_model(model)
    limits = read_thresholds(thresholds or folder.path / THRESHOLDS)
    dataset = select_dataset(selection, folder, loaded.taxonomy)
    say(f"{len(dataset.tested):,} conversations of the split {selection.split}")
    limits = limits.for_stages(loaded.taxonomy.keys)
    names = {stage.key: stage.name for stage in loaded.taxonomy.stages}
    details = about(folder, selection, dataset, limits, names)
    judged = predict_labelled(dataset.tested, loaded, texts=settings.text)
    if settings.peers:
        details["peers"] = compare_with_peers(dataset, loaded, limits, encoder=settings.encoder, rounds=settings.rounds, say=say)
    return _finish(Saved(judged, limits, details), settings)


def evaluate_saved(scores: Path, settings: Settings | None = None, *, thresholds: Path | None = None) -> Evaluation:
    """Compute every figure again from saved scores, with other thresholds if some are given; no model is needed.

    Raises
    ------
    SafelightError
        When the scores or the thresholds cannot be read, or the folder cannot be written.
    """
    settings = settings or Settings()
    _check(settings)
    if settings.peers:
        raise ConfigError("--peers needs the model and the corpora, not saved scores", do="Give --model and --corpus")
    saved = read_unchanged(scores)
    if thresholds is not None:
        limits = read_thresholds(thresholds)
        limits = limits.for_stages(saved.thresholds.keys, default=saved.thresholds)
        model = {**saved.about.get("model", {}), "thresholds": limits.chosen}
        saved = Saved(saved.judged, limits, {**saved.about, "model": model})
    return _finish(saved, settings)


def track(evaluation: Evaluation, *, uri: str | None) -> str:
    """Keep an evaluation in MLflow and return the run's id.

    Raises
    ------
    SafelightError
        When MLflow is not installed.
    """
    try:
        from pipeline.tracking.evaluations import log_evaluation
    except ModuleNotFoundError as error:
        raise SafelightError(f"tracking needs {error.name}", do="Install it with: pip install 'safelight[train]'") from error
    return log_evaluation(evaluation.metrics, evaluation.folder, uri=uri)


def _check(settings: Settings) -> None:
    if not 0 < settings.prevalence < 1:
        raise ConfigError(f"a prevalence of {settings.prevalence:g}", do="Give a share between 0 and 1, such as 0.001")
    if settings.out is not None:
        check_place(settings.out, overwrite=settings.overwrite, marker=METRICS)


def _finish(saved: Saved, settings: Settings) -> Evaluation:
    metrics = {
        "format": FORMAT,
        **saved.about,
        "computed": made(),
        "prevalence": settings.prevalence,
        "bootstrap_rounds": settings.rounds,
        **measure(saved, prevalence=settings.prevalence, rounds=settings.rounds),
    }
    if settings.out is None:
        return Evaluation(metrics)
    with new_folder(settings.out, overwrite=settings.overwrite, marker=METRICS) as work:
        write_saved(_without_text(saved) if not settings.text else saved, work / SCORES)
        limits = Thresholds(
            risk=saved.thresholds.risk, stages=saved.thresholds.stages, chosen=saved.about.get("model", {}).get("thresholds", "")
        )
        write_json(work / THRESHOLDS, limits.model_dump(mode="json"))
        write_report(metrics, saved.judged if settings.text else (), work / REPORT)
        metrics["files"] = hashes_of(work, (SCORES, THRESHOLDS, REPORT))
        write_json(work / METRICS, metrics)
    return Evaluation(metrics, settings.out)


def _without_text(saved: Saved) -> Saved:
    return Saved([replace(conversation, texts=None) for conversation in saved.judged], saved.thresholds, saved.about)
