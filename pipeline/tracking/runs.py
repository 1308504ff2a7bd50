"""What MLflow keeps of a training run: settings, curves, figures, data hashes, and the model, registered.

The store is a SQLite file unless ``MLFLOW_TRACKING_URI`` or the user says otherwise; no server is needed. No message text is
tracked.
"""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.models import infer_signature

from pipeline.config import Settings
from pipeline.corpora.about import corpus_hash
from pipeline.corpora.training import TrainingCorpus
from pipeline.model.folder import ModelFolder
from pipeline.tracking.killed import PROCESS, mark_killed, terminated_as_exit, this_process
from pipeline.tracking.served import COLUMNS

logger = logging.getLogger(__name__)

EXPERIMENT = "safelight"


@contextmanager
def tracked(recipe: Settings, *, name: str, corpus: TrainingCorpus, uri: str | None) -> Iterator[str]:
    """Open a run, log the recipe and a hash of what is learned from, and yield the run's id."""
    _be_quiet()
    mlflow.set_tracking_uri(uri or os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db")
    experiment = mlflow.set_experiment(EXPERIMENT)
    mark_killed(experiment.experiment_id)
    with terminated_as_exit(), mlflow.start_run(run_name=name, tags={PROCESS: this_process()}) as run:
        mlflow.log_params(dict(_flat(recipe.model_dump(mode="json"))))
        for part, conversations in (("labelled", corpus.labelled), ("ordinary", corpus.ordinary)):
            mlflow.log_param(f"data.{part}.sha256", corpus_hash(conversations))
        try:
            yield run.info.run_id
        except (KeyboardInterrupt, SystemExit):
            mlflow.end_run("KILLED")
            raise


def _be_quiet() -> None:
    """Keep MLflow's own progress bars and notices out of the terminal: training has a line a phase."""
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    for library in ("mlflow", "alembic"):
        logging.getLogger(library).setLevel(logging.WARNING)


def log_history(history: Path) -> None:
    """Log the curves that the trainer wrote down; MLflow draws them."""
    entries = json.loads(history.read_text("utf-8"))
    for entry in entries:
        curves = {key: value for key, value in entry.items() if key not in ("step", "epoch")}
        values = {str(key): float(value) for key, value in curves.items() if isinstance(value, int | float)}
        mlflow.log_metrics(values, step=entry["step"])


def log_model(folder: ModelFolder) -> None:
    """Log the figures, the card and the model with its signature, and register it under the recipe's name."""
    metrics = folder.json("metrics.json")
    for name, figure in metrics["table"].items():
        if figure["value"] is not None:
            mlflow.log_metric(metric_name(name), figure["value"])
    for key, figures in metrics["stages"].items():
        if figures["average_precision"] is not None:
            mlflow.log_metric(f"stage_{key}_average_precision", figures["average_precision"])
    for messages, recall in metrics["early"].get("recall_after_messages_at_1_percent", {}).items():
        if recall is not None:
            mlflow.log_metric("recall_after_messages_at_1_percent", recall, step=int(messages))
    for name in ("MODEL_CARD.md", "metrics.json", "thresholds.json"):
        mlflow.log_artifact(str(folder.path / name))
    given = pd.DataFrame([{"conversation_id": "c", "message_id": str(row), "speaker": "A", "text": "good game"} for row in (1, 2)])
    served = Path(__file__).with_name("served.py")
    details = {
        "conversation_id": "c",
        "message_id": "1",
        **{f"stage_{stage['key']}": 0.5 for stage in folder.json("labels.json")["stages"]},
        "risk": 0.5,
        "speaker_risk": 0.5,
    }
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*An input example was not provided", category=UserWarning)
        mlflow.pyfunc.log_model(
            name="model",
            python_model=str(served),
            artifacts={"folder": str(folder.path)},
            signature=infer_signature(given[list(COLUMNS)], pd.DataFrame([details])),
            registered_model_name=f"safelight-{folder.name}",
            pip_requirements=["safelight"],
        )


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def metric_name(name: str) -> str:
    """Return a figure's name as MLflow takes it."""
    return "".join(letter if letter.isalnum() else "_" for letter in name)
