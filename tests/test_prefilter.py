"""The prefilter of a cascade: the same in any batch, never looking ahead, and what it skips is marked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.model.encoder.prefilter import BITS, RECENT, Prefilter, hashed

STAGES, MEMBERS, WIDTH, NEURONS, PIECES = 2, 3, 4, 5, 41
MESSAGE = st.lists(st.integers(1, 40), min_size=0, max_size=6).map(lambda pieces: [0, *pieces])
TALK = st.lists(st.tuples(st.sampled_from("ABC"), MESSAGE), min_size=1, max_size=12)
QUICK = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])


def prefilter(*, cut: float = 0.5) -> Prefilter:
    rng = np.random.default_rng(3)
    return Prefilter(
        vectors=rng.integers(-127, 128, (PIECES, WIDTH)).astype(np.int8),
        weights=rng.integers(-127, 128, (1 << BITS, MEMBERS, STAGES)).astype(np.int8),
        scale=rng.uniform(0.01, 0.02, MEMBERS),
        intercepts=np.tile([-3.0, -2.0], (MEMBERS, 1)),
        inner=rng.normal(0, 0.01, (MEMBERS, NEURONS, 3 * WIDTH)),
        inner_offsets=rng.normal(0, 0.3, (MEMBERS, NEURONS)),
        outer=rng.normal(0, 0.5, (MEMBERS, STAGES, NEURONS)),
        head=rng.normal(0.3, 0.1, (MEMBERS, 2 * (STAGES + 1))),
        offsets=np.asarray([0.5, 0.3, 0.7]),
        cut=cut,
        figures={"threshold": 0.9, "recall_loss": 0.0},
    )


def running(talks: list[list[tuple[str, list[int]]]]) -> list[Any]:
    return prefilter().running([[m for _, m in talk] for talk in talks], [[s for s, _ in talk] for talk in talks])


@QUICK
@given(talks=st.lists(TALK, min_size=1, max_size=4), cut=st.integers(1, 12))
def test_an_estimate_depends_on_what_came_before_in_its_conversation_alone(talks: list[Any], cut: int) -> None:
    together = running(talks)
    for talk, own in zip(talks, together, strict=True):
        assert np.array_equal(running([talk])[0], own)
        assert np.array_equal(running([talk[:cut]])[0], own[:cut])


def vector(first: Prefilter, message: list[int]) -> Any:
    pieces = message[1:]
    return first.vectors[pieces].astype(float).sum(axis=0) / np.sqrt(max(len(pieces), 1))


@QUICK
@given(talk=TALK)
def test_an_estimate_is_what_its_formula_says(talk: list[tuple[str, list[int]]]) -> None:
    first = prefilter()
    (found,) = running([talk])
    logits = np.zeros(len(talk))
    for member in range(MEMBERS):
        odds: dict[str, list[Any]] = {}
        said: dict[str, list[Any]] = {}
        before = np.zeros(WIDTH)
        for row, (speaker, message) in enumerate(talk):
            features, counts = hashed([message])
            total = first.weights[features, member].astype(float).sum(axis=0) * first.scale[member]
            own = vector(first, message)
            said.setdefault(speaker, []).append(own)
            recent = said[speaker][-RECENT:]
            seen = np.concatenate([own, np.sum(recent, axis=0) / np.sqrt(len(recent)), before])
            neurons = np.maximum(first.inner[member] @ seen + first.inner_offsets[member], 0)
            before = own
            bounded = total / np.sqrt(max(int(counts[0]), 1)) + first.intercepts[member] + first.outer[member] @ neurons
            bounded = np.clip(bounded, -7, 4)
            odds.setdefault(speaker, []).append([*bounded, bounded.max()])
            evidence = np.asarray(odds[speaker])
            columns = [*evidence.max(axis=0), *np.log(0.02 + (1 / (1 + np.exp(-evidence))).sum(axis=0))]
            logits[row] += (first.offsets[member] + first.head[member] @ columns) / MEMBERS
    assert found == pytest.approx(1 / (1 + np.exp(-logits)), abs=5e-4)


@QUICK
@given(talk=TALK)
def test_a_taught_member_reads_as_it_did_in_torch(talk: list[tuple[str, list[int]]]) -> None:
    torch = pytest.importorskip("torch", reason="training needs the train extra")
    from pipeline.training.distillation import Student, make_batch
    from pipeline.training.fit_cascade import as_prefilter
    from pipeline.training.piece_vectors import PieceVectors

    torch.manual_seed(5)
    vectors = PieceVectors(prefilter().vectors, 0.02)
    members = [Student(STAGES, vectors).eval() for _ in range(2)]
    for member in members:
        for name, parameter in member.named_parameters():
            if parameter.requires_grad and not name.startswith("inner"):
                torch.nn.init.normal_(parameter, std=0.5)
    messages, speakers = [message for _, message in talk], [speaker for speaker, _ in talk]
    nothing = np.zeros((len(talk), STAGES), np.float32)
    example = make_batch(messages, speakers, nothing, nothing[:, 0], frozenset())
    with torch.no_grad():
        logits = torch.stack([member.risks(member.evidence(example), example) for member in members]).mean(dim=0)
    told = np.empty(len(talk))
    told[example.order.numpy()] = torch.sigmoid(logits).numpy()
    (found,) = as_prefilter(members, vectors, figures={}).running([messages], [speakers])
    assert found == pytest.approx(told, abs=0.02), "as near as weights of eight bits come"


def test_vectors_of_frequent_pieces_are_shortened() -> None:
    pytest.importorskip("torch", reason="training needs the train extra")
    from pipeline.training.piece_vectors import PieceVectors

    vectors = PieceVectors(np.full((3, WIDTH), 100, np.int8), 0.02)
    damped = vectors.damped(np.asarray([0, 1, 999]))
    lengths = damped.whole[:, 0] * damped.unit
    assert lengths[0] == pytest.approx(2.0, rel=0.01)
    assert lengths[1] == pytest.approx(1.0, rel=0.01), "a thousandth of all there is counts half"
    assert lengths[2] < 0.02


def test_what_is_skipped_is_below_the_cut_and_has_no_stages() -> None:
    talks = [[[0, 1, 2], [0, 3]], [[0, 5, 6, 7], [0]], []]
    speakers = [["A", "B"], ["A", "A"], []]
    peaks = [float(own.max()) if len(own) else 0.0 for own in prefilter().running(talks, speakers)]
    for prediction, peak in zip(
        prefilter(cut=(peaks[0] + peaks[1]) / 2).skipped(talks, speakers, stages=STAGES), peaks, strict=True
    ):
        assert (prediction is not None) == (peak < (peaks[0] + peaks[1]) / 2)
        if prediction is not None:
            assert prediction.skipped
            assert np.isnan(prediction.stages).all()
            assert prediction.risk.max(initial=0.0) == np.float32(peak)


def test_a_prefilter_is_kept_in_the_model_folder(tiny_encoder_model: Path) -> None:
    from pipeline.model.load import load_model

    _, model = load_model(tiny_encoder_model)
    first = model.prefilter
    assert isinstance(first, Prefilter)
    assert set(first.figures) >= {"threshold", "recall_loss", "passed_on", "found"}
    assert 0.0 <= first.cut <= first.figures["threshold"]
    card = (tiny_encoder_model / "MODEL_CARD.md").read_text("utf-8")
    assert "prefilter of the cascade" in card


def test_skipped_conversations_are_marked_in_the_results_and_the_report(tiny_encoder_model: Path, tmp_path: Path) -> None:
    import shutil
    from dataclasses import replace

    import pyarrow.parquet as pq

    from pipeline.errors import ConfigError
    from pipeline.model.folder import open_model_folder, seal_model_folder
    from pipeline.model.load import load_model
    from pipeline.score import score

    model = Path(shutil.copytree(tiny_encoder_model, tmp_path / "model"))
    first = load_model(model)[1].prefilter
    assert isinstance(first, Prefilter)
    replace(first, cut=2.0, figures={**first.figures, "threshold": 0.4, "recall_loss": 0.0}).save(model)
    seal_model_folder(model, kind=open_model_folder(tiny_encoder_model).kind, name="skips")
    (tmp_path / "at.json").write_text('{"risk": 0.5, "stages": {}}')
    (tmp_path / "low.json").write_text('{"risk": 0.1, "stages": {}}')
    (tmp_path / "chat.txt").write_text("13/02/2024, 17:04 - Kim: good game\n13/02/2024, 17:05 - Pat: how old are you anyway\n")
    options: dict[str, Any] = {"model": model, "thresholds": tmp_path / "at.json"}
    run = score([tmp_path / "chat.txt"], out=tmp_path / "out", **options)
    assert run.record["settings"]["cascade"] is True, "on where its loss allows"
    (row,) = run.conversations()
    assert row.skipped is True
    assert row.stages is None
    assert pq.read_table(run.path / "scores.parquet")["skipped"].to_pylist() == [True, True]
    assert "prefilter" in (run.path / "report.html").read_text("utf-8")
    read = score([tmp_path / "chat.txt"], out=tmp_path / "read", cascade=False, **options)
    assert read.conversations()[0].skipped is False
    with pytest.raises(ConfigError, match=r"made for alerts from 0\.4"):
        score([tmp_path / "chat.txt"], out=tmp_path / "x", model=model, thresholds=tmp_path / "low.json", cascade=True)


def test_torch_in_bf16_says_what_the_shipped_network_says(
    tiny_encoder_recipe: Path, tiny_encoder: Path, tiny_corpus: Path, tmp_path: Path
) -> None:
    from pipeline.errors import ModelFolderError
    from pipeline.model.encoder.encoder import EncoderModel
    from pipeline.model.encoder.message_tokens import padded
    from pipeline.model.encoder.torch_runtime import open_torch
    from pipeline.model.load import load_model
    from pipeline.training.train import train

    overrides = ["export.torch=true", "training.epochs=1"]
    out = tmp_path / "m"
    train(tiny_encoder_recipe, corpus=[tiny_corpus], out=out, encoder_path=tiny_encoder, overrides=overrides, track=False)
    _, model = load_model(out)
    assert isinstance(model, EncoderModel)
    (messages,) = model.tokenizer.pieces([[("K", "how old are you anyway"), ("P", "no bye"), ("K", "the dog")]])
    arrays = padded(messages, closing=model.tokenizer.closing)
    int8, bf16 = model.network(arrays), open_torch(out, device="cpu")(arrays)
    assert int8.shape == bf16.shape == (3, 32)
    assert np.abs(int8 - bf16).max() < 0.3
    (out / "network.safetensors").unlink()
    with pytest.raises(ModelFolderError, match=r"export\.torch=true"):
        open_torch(out, device="cpu")
