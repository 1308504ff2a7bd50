"""What MLflow keeps of an evaluation: its figures, what it was of, and its folder. No message text: the scores are left out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow

from pipeline.tracking.runs import EXPERIMENT, metric_name

_KEPT = ("metrics.json", "thresholds.json")


def log_evaluation(metrics: Mapping[str, Any], folder: Path | None, *, uri: str | None) -> str:
    """Log an evaluation as a run and return the run's id. The report is not logged: it may hold words."""
    mlflow.set_tracking_uri(uri or os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db")
    mlflow.set_experiment(EXPERIMENT)
    model = metrics.get("model", {})
    with mlflow.start_run(run_name=f"evaluation of {model.get('name', 'unknown')}", tags={"safelight.kind": "evaluation"}) as run:
        mlflow.log_params(
            {
                "model.id": model.get("id"),
                "data.sha256": metrics.get("data", {}).get("sha256"),
                "split": metrics.get("settings", {}).get("split"),
                "leakage.found": metrics.get("leakage", {}).get("found"),
                "threshold": metrics["conversations"]["threshold"],
                "prevalence": metrics["prevalence"],
            }
        )
        for name, figure in metrics["table"].items():
            if figure["value"] is not None:
                mlflow.log_metric(metric_name(name), figure["value"])
        for key, figures in metrics["stages"].items():
            mlflow.log_metric(f"stage_{key}_f1", figures["f1"])
        for name in _KEPT if folder is not None else ():
            mlflow.log_artifact(str(Path(str(folder)) / name))
        return run.info.run_id
