"""The runtimes of the encoder: exact on every CPU, and clear about what is missing."""

from __future__ import annotations

from pathlib import Path

import archspec.cpu
import numpy as np
import onnxruntime
import pytest

pytest.importorskip("torch", reason="training needs the train extra")
from pipeline.errors import ConfigError, ModelFolderError
from pipeline.model.encoder.encoder import EncoderModel, load_encoder
from pipeline.model.encoder.message_tokens import padded
from pipeline.model.encoder.network import SCALE
from pipeline.model.encoder.runtime import has_vnni, open_network
from pipeline.model.folder import open_model_folder
from pipeline.model.load import load_model

ROOT = Path(__file__).parent.parent

WORDS = ["how old are you anyway", "this stays our secret ok", "good game", "dinner is ready", "the dog", "no bye", "x1 ? zz", "🙂"]


@pytest.fixture(scope="module")
def model(tiny_encoder_model: Path) -> EncoderModel:
    return load_encoder(open_model_folder(tiny_encoder_model))


def test_what_is_shipped_is_computed_exactly_whatever_the_cpu() -> None:
    """Int8 products overflow in 16 bits on a CPU without VNNI, unless the runtime is told not to let them."""
    path = ROOT / "models" / "default" / "encoder.onnx"
    rng = np.random.default_rng(0)
    arrays = {"ids": rng.integers(1000, 20_000, (16, 24)), "real": np.ones((16, 24), np.int64)}
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL  # in single precision, with int8's steps
    (vectors,) = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"]).run(None, arrays)
    found = open_network(path, runtime="onnxruntime")(arrays)
    assert np.linalg.norm(found - np.asarray(vectors), axis=1).max() <= 0.05 * SCALE


@pytest.mark.parametrize("vnni", [True, False])
def test_the_default_runtime_overflows_on_no_cpu(
    vnni: bool, tiny_encoder_model: Path, model: EncoderModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The setting for the other kind of CPU gives the same bytes here, where this CPU has VNNI; without it, it is never used."""
    if vnni and not has_vnni():
        pytest.skip("a CPU without VNNI overflows with this setting, and never gets it")
    (pieces,) = model.tokenizer.pieces([[("K", text) for text in WORDS * 3]])
    arrays = padded(pieces, closing=model.tokenizer.closing)
    here = model.network(arrays)
    monkeypatch.setattr("pipeline.model.encoder.runtime.has_vnni", lambda: vnni)
    assert open_network(tiny_encoder_model / "encoder.onnx")(arrays).tobytes() == here.tobytes()


@pytest.mark.parametrize(("name", "vnni"), [("zen3", False), ("zen4", True), ("haswell", False), ("m1", False)])
def test_vnni_is_told_of_a_cpu(name: str, vnni: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.model.encoder.runtime.detected_info", lambda: archspec.cpu.TARGETS[name])
    assert has_vnni.__wrapped__() is vnni


def test_a_cpu_that_no_list_names_is_asked_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A virtual machine often hides one feature: archspec then takes the CPU for a plain x86-64-v4, which has no VNNI."""
    bare = archspec.cpu.detect.partial_uarch(vendor="AuthenticAMD", features={"avx2", "avx512f", "avx512_vnni"})
    monkeypatch.setattr("pipeline.model.encoder.runtime.detected_info", lambda: bare)
    assert has_vnni.__wrapped__()


def test_openvino_is_used_only_where_it_is_asked_for(tiny_encoder_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.model.encoder.runtime.has_vnni", lambda: True)
    _, default = load_model(tiny_encoder_model)
    _, asked = load_model(tiny_encoder_model, runtime="openvino")
    assert [default.runtime, asked.runtime] == ["onnxruntime", "openvino"]


def test_openvino_is_refused_where_it_is_not_installed_or_not_exact(
    tiny_encoder_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.model.encoder.runtime.has_vnni", lambda: False)
    with pytest.raises(ConfigError, match="VNNI"):
        load_model(tiny_encoder_model, runtime="openvino")
    monkeypatch.setattr("pipeline.model.encoder.runtime.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"safelight\[openvino\]"):
        load_model(tiny_encoder_model, runtime="openvino")


def test_a_damaged_network_is_named(tmp_path: Path) -> None:
    (tmp_path / "encoder.onnx").write_bytes(b"no network")
    for runtime in ("onnxruntime", "openvino"):
        with pytest.raises(ModelFolderError, match=r"encoder\.onnx"):
            open_network(tmp_path / "encoder.onnx", runtime=runtime)
