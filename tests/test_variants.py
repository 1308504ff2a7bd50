"""What a model says of a conversation with a word or a message left out, told from vectors, is what it predicts anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.model.encoder.encoder import EncoderModel, token_states
from pipeline.model.encoder.runtime import OnnxNetwork, exact_session, open_network, open_token_network
from pipeline.model.encoder.variants import VectorReader
from pipeline.model.load import load_model
from pipeline.model.risk_head import RiskHead
from pipeline.model.variant_reader import variant_reader
from pipeline.model.variants import LeftOut, PredictingReader, Reworded

LINES = [
    ("B", "good game"),
    ("A", "how old are you anyway"),
    ("B", "old enough to win level 3"),
    *[("C", f"dinner is ready {number}") for number in range(12)],
    ("A", "this stays our secret ok"),
    ("B", "no, bye"),
]
VARIANTS = [
    Reworded(0, 15, "this stays our ok"),
    Reworded(0, 15, "  "),
    Reworded(0, 0, ""),
    *[LeftOut(0, 15, earlier) for earlier in range(15)],
    LeftOut(0, 3, 0),
]


@pytest.fixture(scope="module")
def encoder(tiny_encoder_model: Path) -> EncoderModel:
    _, model = load_model(tiny_encoder_model)
    assert isinstance(model, EncoderModel)
    return model


def test_what_vectors_tell_of_a_variant_is_what_the_model_predicts_of_it(encoder: EncoderModel) -> None:
    (prediction,) = encoder.prepare([LINES], keep_vectors=True)()
    reader, anew = VectorReader([(LINES, prediction)], encoder), PredictingReader([(LINES, prediction)], encoder)
    worded = [variant for variant in VARIANTS if isinstance(variant, Reworded)]
    assert np.array_equal(reader.stages(worded), anew.stages(worded))
    assert reader.risks(VARIANTS) == anew.risks(VARIANTS)
    assert reader.risks([]) == []


def test_a_prediction_without_vectors_is_read_anew(encoder: EncoderModel) -> None:
    (prediction,) = encoder.predict([LINES])
    assert prediction.vectors is None
    (kept,) = encoder.prepare([LINES], keep_vectors=True)()
    assert variant_reader([(LINES, prediction)], encoder).risks(VARIANTS) == variant_reader([(LINES, kept)], encoder).risks(
        VARIANTS
    )


def test_the_states_of_the_tokens_add_up_to_the_vector_of_the_message(encoder: EncoderModel, root: Path) -> None:
    for model in (encoder, load_model(root / "models" / "default")[1]):
        assert isinstance(model, EncoderModel)
        assert model.states is not None
        (pieces,) = model.tokenizer.pieces([LINES])
        (vectors,) = model.vectors([pieces])
        for state, vector in zip(token_states(model.states, pieces, closing=model.tokenizer.closing), vectors, strict=True):
            total = state.sum(axis=0)
            assert np.allclose(total / np.linalg.norm(total), vector / np.linalg.norm(vector), atol=1e-4)


def test_a_message_that_is_cut_has_no_estimate_and_one_that_is_whole_has_one_a_word(encoder: EncoderModel) -> None:
    lines = [("A", "how old are you"), ("A", "how old are you " * 20)]
    reader = VectorReader([(lines, encoder.predict([lines])[0])], encoder)
    whole, cut = reader.contributions([(0, 0, [(0, 3), (4, 7), (8, 11), (12, 15)]), (0, 1, [(0, 100), (101, 319)])])
    assert whole is not None
    assert whole.shape == (4, len(encoder.taxonomy.keys))
    assert cut is None


def test_a_network_whose_states_have_no_name_gives_no_estimate(tmp_path: Path) -> None:
    (tmp_path / "other.onnx").write_bytes(b"a network of somebody else's")
    assert open_token_network(tmp_path / "other.onnx", lambda arrays: np.zeros((len(arrays["ids"]), 1), np.float32)) is None


@pytest.mark.parametrize("speakers", [1, 2, 5])
def test_the_risk_at_the_end_is_that_of_the_last_message(speakers: int) -> None:
    rng = np.random.default_rng(speakers)
    head = RiskHead(rng.random(3), rng.random(3) / 9, gather=0.4, slope=1.3, grown=2.0, young=1.5, offset=-1.0)
    for messages in (1, 2, 40):
        names = [f"s{number}" for number in rng.integers(0, speakers, messages)]
        stages, child = rng.random((messages, 3)).astype(np.float32), rng.random(messages).astype(np.float32)
        assert head.risk_at_end(stages, child, names) == head.risks(stages, child, names)[1][-1]
        assert head.risk_at_end(stages, None, names) == head.risks(stages, None, names)[1][-1]


def test_the_vectors_are_the_same_bits_with_the_states_as_a_second_output_and_without(root: Path) -> None:
    path = root / "models" / "default" / "encoder.onnx"
    rng = np.random.default_rng(0)
    network, plain = open_network(path, threads=1), exact_session(str(path), 1)
    assert isinstance(network, OnnxNetwork)
    assert open_token_network(path, network) == network.states  # no second session
    for messages, tokens in ((2, 8), (7, 16), (32, 40)):
        real = (np.arange(tokens) < rng.integers(2, tokens + 1, (messages, 1))).astype(np.int64)
        arrays = {"ids": rng.integers(5, 20_000, (messages, tokens)) * real, "real": real}
        assert np.array_equal(network(arrays), np.asarray(plain.run(["vectors"], arrays)[0]))
