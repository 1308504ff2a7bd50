"""The encoder model, trained for real at a tiny size: it learns, it names the right one, and it never looks ahead."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

pytest.importorskip("torch", reason="training needs the train extra")

import torch

from pipeline.config import load_settings
from pipeline.errors import ConfigError, ModelFolderError
from pipeline.model.encoder.encoder import EncoderModel, load_encoder
from pipeline.model.encoder.message_tokens import Arrays, Network, padded
from pipeline.model.encoder.runtime import open_network
from pipeline.model.folder import open_model_folder, seal_model_folder
from pipeline.model.load import load_model
from pipeline.recipes import EncoderRecipe
from pipeline.training.examples import Example
from pipeline.training.loss import TrainingModule
from pipeline.training.open_encoder import open_encoder
from pipeline.training.trainer import new_training_module

WORDS = ["how old are you anyway", "this stays our secret ok", "good game", "dinner is ready", "the dog", "no bye", "x1 ? zz", "🙂"]
TALK = st.lists(st.tuples(st.sampled_from("KPQRS"), st.sampled_from(WORDS)), min_size=1, max_size=40)
SLOW = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def model(tiny_encoder_model: Path) -> EncoderModel:
    return load_encoder(open_model_folder(tiny_encoder_model))


@pytest.fixture(scope="module")
def module(tiny_encoder_model: Path, tiny_encoder: Path) -> TrainingModule:
    recipe = load_settings(tiny_encoder_model / "config.toml", EncoderRecipe)
    return new_training_module(open_encoder(recipe, path=tiny_encoder), recipe, positive=[1.0, 1.0]).eval()


@pytest.fixture(scope="module")
def single(tiny_encoder_model: Path) -> Network:
    """The network in single precision."""
    return open_network(tiny_encoder_model.with_name("tiny-encoder.training") / "encoder-fp32.onnx", runtime="openvino")


def test_it_learns_the_signs_and_who_gave_them(tiny_encoder_model: Path) -> None:
    _, loaded = load_model(tiny_encoder_model)
    access, secrecy = loaded.taxonomy.keys.index("access"), loaded.taxonomy.keys.index("secrecy")
    talk = [
        ("K", "good game everyone"),
        ("P", "how old are you anyway"),
        ("K", "no"),
        ("P", "this stays our secret ok"),
        ("K", "bye"),
    ]
    calm = [("K", "dinner is ready at 3"), ("P", "the dog is ready"), ("K", "dinner"), ("P", "bye")]
    prediction, quiet = loaded.predict([talk, calm])
    assert prediction.stages[1, access] > 2 * prediction.stages[0, access]
    assert prediction.stages[3, secrecy] > 2 * prediction.stages[0, secrecy]
    assert prediction.risk[-1] > quiet.risk[-1] + 0.02
    assert prediction.speaker_risk[3] > prediction.speaker_risk[4], "who asks is the risk, not who answers"


@SLOW
@given(talk=TALK, cut=st.integers(1, 40))
def test_nothing_looks_ahead_in_int8(model: EncoderModel, talk: list[tuple[str, str]], cut: int) -> None:
    (whole,), (part,) = model.predict([talk]), model.predict([talk[:cut]])
    count = len(part.risk)
    assert np.abs(whole.stages[:count] - part.stages).max() <= 1e-4
    assert np.abs(whole.risk[:count] - part.risk).max() <= 1e-4
    assert np.abs(whole.speaker_risk[:count] - part.speaker_risk).max() <= 1e-4


@SLOW
@given(talks=st.lists(TALK, min_size=2, max_size=5))
def test_what_else_is_in_the_batch_changes_nothing(model: EncoderModel, talks: list[list[tuple[str, str]]]) -> None:
    together = model.predict(talks)
    for talk, prediction in zip(talks, together, strict=True):
        (alone,) = model.predict([talk])
        assert np.abs(alone.stages - prediction.stages).max() <= 1e-4
        assert np.abs(alone.risk - prediction.risk).max() <= 1e-4


@SLOW
@given(talk=TALK, cut=st.integers(1, 40))
def test_nothing_looks_ahead_in_torch(module: TrainingModule, model: EncoderModel, talk: list[tuple[str, str]], cut: int) -> None:
    (pieces,) = model.tokenizer.pieces([talk])
    whole = example(pieces, [speaker for speaker, _ in talk])
    part = replace(whole, pieces=whole.pieces[:cut], speakers=whole.speakers[:cut])
    with torch.inference_mode():
        late, early = module.predict_logits([whole])[0], module.predict_logits([part])[0]
    assert torch.allclose(late[:cut], early, atol=1e-4)


@SLOW
@given(texts=st.lists(st.sampled_from(WORDS), min_size=1, max_size=8))
def test_a_message_has_one_vector_wherever_it_stands(
    single: Network, module: TrainingModule, model: EncoderModel, texts: list[str]
) -> None:
    """Messages are encoded alone: in torch, in single precision and in int8."""
    (pieces,) = model.tokenizer.pieces([[("K", text) for text in texts]])
    together = padded(pieces, closing=model.tokenizer.closing)
    for run in (single, lambda arrays: in_torch(module, arrays)):
        found = run(together)
        for message, vector in zip(pieces, found, strict=True):
            assert np.abs(run(padded([message], closing=model.tokenizer.closing))[0] - vector).max() <= 1e-4
    for message, vector in zip(pieces, model.vectors([pieces])[0], strict=True):
        assert np.abs(model.vectors([[message]])[0][0] - vector).max() <= 1e-4


def example(pieces: list[list[int]], speakers: list[str]) -> Example:
    nothing = np.full(len(speakers), np.nan, np.float32)
    messages = tuple(map(tuple, pieces))
    return Example("e", messages, tuple(speakers), np.stack([nothing, nothing], 1), nothing, nothing, None, None)


def in_torch(module: TrainingModule, arrays: Arrays) -> NDArray[np.float32]:
    with torch.inference_mode():
        return module.network(torch.from_numpy(arrays["ids"]), torch.from_numpy(arrays["real"])).numpy()


def test_int8_says_what_single_precision_says(single: Network, model: EncoderModel) -> None:
    (pieces,) = model.tokenizer.pieces([[("K", text) for text in WORDS]])
    exact = single(padded(pieces, closing=model.tokenizer.closing))
    int8 = model.vectors([pieces])[0]
    likeness = (exact * int8).sum(axis=1) / (np.linalg.norm(exact, axis=1) * np.linalg.norm(int8, axis=1))
    assert likeness.min() > 0.95


def test_what_is_said_twice_goes_through_the_network_once(model: EncoderModel) -> None:
    rows: list[int] = []

    def run(arrays: Arrays) -> NDArray[np.float32]:
        rows.append(len(arrays["ids"]))
        return model.network(arrays)

    talk = [("K", "good game"), ("P", "no bye"), ("P", "good game")]
    together = replace(model, network=run).predict([talk, talk[1:]])
    assert sum(rows) == 2
    for own, prediction in zip((talk, talk[1:]), together, strict=True):
        assert np.abs(model.predict([own])[0].stages - prediction.stages).max() <= 1e-4


@SLOW
@given(talk=TALK)
def test_a_risk_never_falls(model: EncoderModel, talk: list[tuple[str, str]]) -> None:
    (prediction,) = model.predict([talk])
    for name in {speaker for speaker, _ in talk}:
        rows = [row for row, (speaker, _) in enumerate(talk) if speaker == name]
        assert (np.diff(prediction.speaker_risk[rows]) >= 0).all()
    assert (np.diff(prediction.risk) >= 0).all()


def test_a_negative_weight_in_the_model_folder_is_refused(tiny_encoder_model: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_encoder_model, tmp_path / "model"))
    risk = json.loads((folder / "risk.json").read_text())
    (folder / "risk.json").write_text(json.dumps(risk | {"slope": -1.0}))
    sealed = seal_model_folder(folder, kind=open_model_folder(tiny_encoder_model).kind, name="turned")
    with pytest.raises(ModelFolderError, match="negative weight"):
        load_encoder(sealed)


def test_names_never_reach_the_model(model: EncoderModel) -> None:
    (first,) = model.predict([[("Kim", "good game"), ("Pat", "how old are you")]])
    (second,) = model.predict([[("[SEXUAL]", "good game"), ("how old are you", "how old are you")]])
    assert np.array_equal(first.stages, second.stages)
    assert np.array_equal(first.speaker_risk, second.speaker_risk)


def test_a_conversation_without_words_has_an_empty_reading(model: EncoderModel) -> None:
    (prediction,) = model.predict([[]])
    assert prediction.stages.shape == (0, 2)
    assert len(prediction.risk) == 0


def test_a_very_long_message_is_read_at_its_ends(model: EncoderModel) -> None:
    (prediction,) = model.predict([[("K", "dinner " * 200_000 + "this stays our secret ok")]])
    assert prediction.stages.shape == (1, 2)


def test_both_runtimes_say_the_same_in_single_precision(tiny_encoder_model: Path, model: EncoderModel) -> None:
    path = tiny_encoder_model.with_name("tiny-encoder.training") / "encoder-fp32.onnx"
    (pieces,) = model.tokenizer.pieces([[("K", text) for text in WORDS * 3]])
    arrays = padded(pieces, closing=model.tokenizer.closing)
    one, two = (open_network(path, runtime=name)(arrays) for name in ("openvino", "onnxruntime"))
    assert np.abs(one - two).max() <= 1e-4


def test_a_run_that_was_killed_goes_on_to_the_same_weights(
    tiny_encoder_recipe: Path, tiny_encoder: Path, tiny_corpus: Path, tmp_path: Path
) -> None:
    arguments = ["--config", tiny_encoder_recipe, "--corpus", tiny_corpus, "--encoder", tiny_encoder, "--no-tracking"]
    arguments += ["--set", "training.epochs=4"]
    program = (
        "import sys, os, pipeline.cli.main as cli\n"
        "from transformers import TrainerCallback\n"
        "import pipeline.training.train_encoder as room\n"
        "class Killer(TrainerCallback):\n"
        "    def on_epoch_end(self, args, state, control, **more):\n"
        "        if state.epoch >= 3: os.kill(os.getpid(), 9)\n"
        "fit = room.fit_encoder\n"
        "room.fit_encoder = lambda *a, **k: fit(*a, callbacks=[Killer()], **k)\n"
        "cli.app(sys.argv[1:])\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", program, "train", *map(str, arguments), "--out", str(tmp_path / "a")],
        check=False,
        capture_output=True,
    )
    assert killed.returncode == -9
    assert not (tmp_path / "a").exists()
    for name, more in (("a", ["--resume"]), ("b", [])):
        command = [sys.executable, "-m", "pipeline.cli.main", "train", *map(str, arguments), "--out", str(tmp_path / name), *more]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        assert ("going on from checkpoint" in done.stdout) == bool(more)
    hashes = [json.loads((tmp_path / name / "manifest.json").read_text())["files"] for name in "ab"]
    assert hashes[0]["model.safetensors"] == hashes[1]["model.safetensors"]
    assert hashes[0]["calibration.json"] == hashes[1]["calibration.json"]


def test_an_encoder_that_cannot_be_had_is_a_clear_error(tiny_encoder_recipe: Path, tiny_corpus: Path, tmp_path: Path) -> None:
    from pipeline.training.train import train

    with pytest.raises(ConfigError, match=r"nowhere: there is no encoder \(no config\.json\)\. Give the folder"):
        train(tiny_encoder_recipe, corpus=[tiny_corpus], out=tmp_path / "m", encoder_path=tmp_path / "nowhere", track=False)
    assert not (tmp_path / "m").exists()


def test_a_network_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "encoder.onnx").write_bytes(b"no network")
    with pytest.raises(ModelFolderError, match="cannot run the network"):
        open_network(tmp_path / "encoder.onnx")


def test_lora_trains_few_weights_and_is_merged_for_scoring(
    tiny_encoder_recipe: Path, tiny_encoder: Path, tiny_corpus: Path, tmp_path: Path
) -> None:
    from pipeline.training.train import train

    overrides = ["training.lora_rank=2", "training.epochs=1"]
    folder = train(
        tiny_encoder_recipe, corpus=[tiny_corpus], out=tmp_path / "m", encoder_path=tiny_encoder, overrides=overrides, track=False
    )
    (prediction,) = load_encoder(folder).predict([[("K", "good game")]])
    assert prediction.stages.shape == (1, 2)


@pytest.mark.parametrize("folder", ["models/default", "tiny"])
def test_a_vector_does_not_depend_on_what_stands_in_the_batch(folder: str, root: Path, tiny_encoder_model: Path) -> None:
    model = load_encoder(open_model_folder(tiny_encoder_model if folder == "tiny" else root / folder))
    lines = [("A", f"{WORDS[number % len(WORDS)]} {number}") for number in range(40)]
    (pieces,) = model.tokenizer.pieces([lines])
    (together,) = model.vectors([pieces])
    for size in (1, 2, 7):
        parts = [model.vectors([pieces[start : start + size]])[0] for start in range(0, len(pieces), size)]
        assert np.array_equal(np.concatenate(parts), together), size
