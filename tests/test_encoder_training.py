"""Training at a tiny size, in the ways that the shipped recipe does not go: no stages to learn from, several processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.exports import write
from helpers.pan12_xml import conversation, corpus, message

pytest.importorskip("torch", reason="training needs the train extra")

from pipeline.model.load import load_model
from pipeline.training.train import train

CONVERSATIONS = 12


def pan12(folder: Path) -> Path:
    """Write a corpus in which nobody labelled a stage: who, and which lines."""
    folder.mkdir()
    talks, predators, lines = [], [], []
    for number in range(CONVERSATIONS):
        who, other = f"{number:032x}", f"{number + 1000:032x}"
        bad = number % 2 == 0
        words = ("how old are you anyway", "this stays our secret ok") if bad else ("dinner is ready", "the dog is ready")
        talks.append(
            conversation(
                f"{number:032d}",
                message(1, f"good game {number}", other),
                message(2, words[0], who),
                message(3, "no", other),
                message(4, words[1], who),
            )
        )
        predators += [who] if bad else []
        lines += [f"{number:032d}\t2", f"{number:032d}\t4"] if bad else []
    write(folder / "pan12-sexual-predator-identification-training-corpus-2012-05-01.xml", corpus(*talks))
    write(folder / "pan12-sexual-predator-identification-groundtruth-problem1.txt", "".join(f"{who}\n" for who in predators))
    write(folder / "pan12-sexual-predator-identification-groundtruth-problem2.txt", "".join(f"{line}\n" for line in lines))
    return folder


@pytest.mark.slow
def test_a_corpus_without_stages_teaches_who_and_which_lines(tmp_path: Path, tiny_encoder: Path, tiny_encoder_recipe: Path) -> None:
    recipe = tiny_encoder_recipe
    train(recipe, corpus=[pan12(tmp_path / "pan12")], out=tmp_path / "model", encoder_path=tiny_encoder, track=False)
    folder, model = load_model(tmp_path / "model")
    bad = [("P", "how old are you anyway"), ("K", "no"), ("P", "this stays our secret ok")]
    good = [("P", "dinner is ready"), ("K", "no"), ("P", "the dog is ready")]
    first, second = model.predict([bad, good])
    assert first.risk[-1] > second.risk[-1]
    assert "nan" not in (folder.path / "MODEL_CARD.md").read_text("utf-8")
    json.loads((folder.path / "metrics.json").read_text("utf-8"), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


@pytest.mark.slow
def test_two_processes_train_one_model(tmp_path: Path, tiny_encoder: Path, tiny_encoder_recipe: Path, tiny_corpus: Path) -> None:
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"),
            *("--no-python", str(Path(sys.executable).with_name("safelight")), "train", "--config", str(tiny_encoder_recipe)),
            *("--corpus", str(tiny_corpus), "--encoder", str(tiny_encoder), "--out", str(tmp_path / "model")),
            *("--no-tracking", "--set", "training.epochs=3"),
        ],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    _, model = load_model(tmp_path / "model")
    assert len(model.predict([[("K", "good game")]])) == 1
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == [], "the second process wrote nothing"
