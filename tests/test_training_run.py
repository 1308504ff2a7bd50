"""A training run as a person meets it: no wait without a network, lines of what was measured, a mark where it was killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("mlflow", reason="training needs the train extra")
pytest.importorskip("torch")

from pipeline.cli.training import phase_lines, print_trained
from pipeline.errors import ConfigError
from pipeline.model.folder import open_model_folder
from pipeline.training import encoder_source
from pipeline.training.encoder_source import require_encoder
from pipeline.training.train import train

NAME = "google/bert_uncased_L-2_H-128_A-2"


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
    monkeypatch.setattr(encoder_source, "getproxies", dict)
    monkeypatch.setattr(encoder_source, "_is_kept", lambda name: False)


@pytest.mark.usefixtures("no_network")
def test_without_a_network_the_run_fails_at_once_and_says_what_to_do(root: Path, tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(ConfigError, match=rf"{NAME} is not on this machine.*cannot be reached.*hf download.*--encoder"):
        train(root / "configs" / "tiny.toml", corpus=[tmp_path / "is-not-read-yet"], out=tmp_path / "model", track=False)
    assert time.monotonic() - began < 20
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_network")
def test_an_encoder_that_is_on_this_machine_needs_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text("{}")
    require_encoder(NAME, path=tmp_path)
    require_encoder(str(tmp_path))
    with pytest.raises(ConfigError, match="no encoder"):
        require_encoder(NAME, path=tmp_path / "gone")
    monkeypatch.setattr(encoder_source, "_is_kept", lambda name: name == NAME)
    require_encoder(NAME)


@pytest.mark.usefixtures("no_network")
def test_the_switch_of_the_hub_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ConfigError, match="HF_HUB_OFFLINE is set"):
        require_encoder(NAME)


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="neither a folder nor a name"):
        require_encoder("a/b/c")


def test_the_end_names_figures_card_comparison_and_tracking(
    tiny_model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)  # MLflow sets it for the process when a test names a store
    folder = open_model_folder(tiny_model)
    print_trained(folder, corpus=[Path("my corpus.csv")], ordinary=[Path("chat.jsonl")], tracking="")
    told = capsys.readouterr().out
    figures = {
        name: figure["value"] for name, figure in folder.json("metrics.json")["table"].items() if figure["value"] is not None
    }
    assert figures
    assert all(f"  {name}: {value:.3f}" in told for name, value in figures.items())
    assert f"card: {tiny_model / 'MODEL_CARD.md'}" in told
    assert f"--corpus 'my corpus.csv' --ordinary chat.jsonl --splits {tiny_model / 'splits.json'}" in told
    assert "mlflow ui --backend-store-uri sqlite:///mlflow.db" in told
    print_trained(folder, corpus=[], ordinary=[], tracking=None)
    assert "mlflow" not in capsys.readouterr().out


def test_every_phase_is_a_line_with_its_time(
    tiny_encoder_recipe: Path, tiny_encoder: Path, tiny_corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ["training.epochs=2"]
    train(
        tiny_encoder_recipe,
        corpus=[tiny_corpus],
        out=tmp_path / "model",
        encoder_path=tiny_encoder,
        overrides=settings,
        track=False,
        say=phase_lines(),
    )
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if " of 2: average precision " in line and "on the validation part" in line]
    for words in ("exported: ", "an alert begins at risk "):
        assert [line for line in lines if words in line and line.startswith("0:0")], words


WAITS = """
import sys, time
from pathlib import Path
from pipeline.recipes import BaselineRecipe
from pipeline.corpora.training import TrainingCorpus
from pipeline.tracking.runs import tracked
with tracked(BaselineRecipe(name="waits"), name="waits", corpus=TrainingCorpus(labelled=(), ordinary=()), uri="sqlite:///runs.db"):
    print("ready", flush=True)
    time.sleep(float(sys.argv[1]))
"""
STATUSES = """
import json, mlflow
mlflow.set_tracking_uri("sqlite:///runs.db")
client = mlflow.MlflowClient()
runs = client.search_runs([e.experiment_id for e in client.search_experiments()], order_by=["attributes.start_time ASC"])
print(json.dumps([run.info.status for run in runs]))
"""


def _wait(folder: Path, number: int) -> None:
    with subprocess.Popen([sys.executable, "-c", WAITS, "600"], cwd=folder, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert any(line.strip() == "ready" for line in run.stdout)
        os.kill(run.pid, number)


def test_a_killed_run_is_marked_at_once_or_by_the_next(tmp_path: Path) -> None:
    _wait(tmp_path, signal.SIGTERM)
    _wait(tmp_path, signal.SIGKILL)
    subprocess.run([sys.executable, "-c", WAITS, "0"], cwd=tmp_path, check=True, capture_output=True)
    done = subprocess.run([sys.executable, "-c", STATUSES], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert json.loads(done.stdout.splitlines()[-1]) == ["KILLED", "KILLED", "FINISHED"]
