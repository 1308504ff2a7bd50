"""MLflow keeps the run and serves the model: the real server answers with the scores of `safelight score`."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("mlflow", reason="training needs the train extra")

from pipeline.model.load import load_model
from pipeline.schema import Conversation, Message, Source
from pipeline.score import score_conversations

ELSEWHERE = ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID")
"""What MLflow leaves in the environment of a process that has tracked something, such as another test."""

LINES = [("K", "good game everyone"), ("P", "how old are you anyway"), ("K", "no"), ("P", "this stays our secret ok")]


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory, tiny_encoder_recipe: Path, tiny_encoder: Path, tiny_corpus: Path) -> Path:
    """A folder in which a run was trained and tracked by the command line."""
    folder = tmp_path_factory.mktemp("tracked")
    command = [sys.executable, "-m", "pipeline.cli.main", "train", "--config", tiny_encoder_recipe, "--corpus", tiny_corpus]
    command += ["--encoder", tiny_encoder, "--out", "model", "--set", "training.epochs=2"]
    clean = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    done = subprocess.run(list(map(str, command)), cwd=folder, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def test_a_run_keeps_settings_curves_figures_and_the_model(tracked: Path) -> None:
    program = (
        "import json, mlflow\n"
        "mlflow.set_tracking_uri('sqlite:///mlflow.db')\n"
        "client = mlflow.MlflowClient()\n"
        "(run,) = client.search_runs([e.experiment_id for e in client.search_experiments()])\n"
        "curve = [m.step for m in client.get_metric_history(run.info.run_id, 'eval_loss')]\n"
        "files = sorted(f.path for f in client.list_artifacts(run.info.run_id))\n"
        "(version,) = client.search_model_versions(\"name='safelight-tiny-encoder'\")\n"
        "print(json.dumps([run.data.params, sorted(run.data.metrics), curve, files, run.info.status, version.source]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tracked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    params, metrics, curve, files, status, _ = json.loads(done.stdout.splitlines()[-1])
    assert status == "FINISHED"
    assert params["message_tokens"] == "16"
    assert len(params["data.labelled.sha256"]) == 64
    assert "eval_loss" in metrics
    assert len(set(curve)) == 2
    assert {"MODEL_CARD.md", "metrics.json", "thresholds.json"} <= set(files)
    assert "good game" not in done.stdout


def test_the_server_answers_with_the_scores_of_safelight(tracked: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "models",
        "serve",
        "-m",
        "models:/safelight-tiny-encoder/1",
        "--env-manager",
        "local",
    ]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # MLflow starts its server by name
    environment = os.environ | {"PATH": path} | {"MLFLOW_TRACKING_URI": "sqlite:///mlflow.db", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with subprocess.Popen(
        [*command, "--port", str(port)], cwd=tracked, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            _wait(f"http://127.0.0.1:{port}/ping", server)
            rows = [
                {"conversation_id": "c", "message_id": str(number), "speaker": speaker, "text": text}
                for number, (speaker, text) in enumerate(LINES, 1)
            ]
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/invocations",
                json.dumps({"dataframe_records": rows}).encode(),
                {"Content-Type": "application/json"},
            )
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                served = json.loads(answer.read())["predictions"]
        finally:
            server.terminate()
    messages = tuple(
        Message(message_id=str(number), speaker=speaker, text=text, source=Source("x", row=number))
        for number, (speaker, text) in enumerate(LINES, 1)
    )
    _, model = load_model(tracked / "model")
    (scores,) = score_conversations([Conversation(conversation_id="c", platform="x", messages=messages)], model)
    assert [row["message_id"] for row in served] == [score.message_id for score in scores]
    for row, score in zip(served, scores, strict=True):
        assert row["risk"] == pytest.approx(score.risk, abs=1e-6)
        assert row["speaker_risk"] == pytest.approx(score.speaker_risk, abs=1e-6)
        assert {key: row[f"stage_{key}"] for key in score.stages or {}} == pytest.approx(dict(score.stages or {}), abs=1e-6)


def _wait(address: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(240):
        if server.poll() is not None:
            raise AssertionError("the server ended")
        try:
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.5)
        else:
            return
    raise AssertionError("the server never answered")
