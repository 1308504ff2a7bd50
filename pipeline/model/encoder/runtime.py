"""Run an exported network: in ONNX Runtime, or in OpenVINO where that is asked for.

ONNX Runtime gives the same bytes on CPUs with VNNI and without, so that results of different machines are the same. Int8 products
are added up in 16 bits where a CPU lacks VNNI, and overflow: ONNX Runtime can be told not to, which costs time that a CPU with VNNI
need not spend. OpenVINO cannot, so it is refused there. With VNNI it is up to twice as fast, and differs in the last digits.
"""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from archspec.cpu.detect import detected_info
from numpy.typing import NDArray

from pipeline.errors import ConfigError, ModelFolderError
from pipeline.model.encoder.message_tokens import Arrays, Network, TokenNetwork
from pipeline.model.encoder.torch_runtime import open_torch

if TYPE_CHECKING:
    import onnxruntime

Device = Literal["cpu", "cuda"]
RuntimeName = Literal["onnxruntime", "openvino"]
DEFAULT_RUNTIME: RuntimeName = "onnxruntime"

_VNNI = ("avx512_vnni", "avx_vnni")
"""What archspec calls it, with 512 bits and with 256."""


_SHAPES_KEPT = 16
"""What OpenVINO keeps ready of shapes that it has met: with its own 5,000, 300,000 messages took 70 MiB more, no faster."""


def open_network(
    path: Path, *, runtime: RuntimeName = DEFAULT_RUNTIME, device: Device = "cpu", threads: int | None = None
) -> Network:
    """Load an ONNX file into a runtime.

    Raises
    ------
    ModelFolderError
        When the file is none that the runtime can run.
    """
    if device == "cuda":
        return open_torch(path.parent, device=device)
    count = _threads(threads)
    try:
        return _openvino(path, count) if runtime == "openvino" else OnnxNetwork(path, count)
    except RuntimeError as error:
        raise ModelFolderError(f"{runtime} cannot run the network", where=str(path), do="Get the model folder again") from error


def check_runtime(runtime: RuntimeName) -> None:
    """Refuse a runtime that is not installed, or not exact on this CPU.

    Raises
    ------
    ConfigError
        When it cannot be used.
    """
    if runtime != "openvino":
        return
    if find_spec("openvino") is None:
        raise ConfigError("--runtime openvino needs OpenVINO", do="Install it with: pip install 'safelight[openvino]'")
    if not has_vnni():
        raise ConfigError("--runtime openvino: this CPU has no VNNI, and int8 overflows there", do="Score without --runtime")


@cache
def has_vnni() -> bool:
    """Return whether the CPU says that it adds int8 products up in 32 bits.

    It is asked itself: archspec may take it for an older model that can do less.
    """
    return not detected_info().features.isdisjoint(_VNNI)


def _openvino(path: Path, threads: int) -> Network:
    import openvino

    core = openvino.Core()
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
        "ENABLE_CPU_PINNING": False,  # what reads ahead, and other processes, want a core too
        "INFERENCE_PRECISION_HINT": "f32",
        "CPU_RUNTIME_CACHE_CAPACITY": _SHAPES_KEPT,
    }
    compiled = core.compile_model(str(path), "CPU", settings)

    def run(arrays: Arrays) -> NDArray[np.float32]:
        return np.array(compiled(arrays)[0])

    return run


def exact_session(network: str | bytes, threads: int) -> onnxruntime.InferenceSession:
    """Return an ONNX file, or its content, ready to run in ONNX Runtime without overflow in 16 bits, whatever the CPU."""
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.x64quantprecision", "0" if has_vnni() else "1")
    return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])


def open_token_network(path: Path, network: Network, *, threads: int | None = None) -> TokenNetwork | None:
    """Return the network with the states of the tokens as its output: the session of ``network`` where that gives them.

    Another runtime gives none: then ONNX Runtime loads the file when the states are first asked for. ``None`` where the file has no
    such output inside it, by the name that the export gives it.
    """
    if isinstance(network, OnnxNetwork):
        return network.states if network.gives_states else None
    if _STATES_NODE not in path.read_bytes():
        return None
    loaded = cache(lambda: OnnxNetwork(path, _threads(threads)))
    return lambda arrays: loaded().states(arrays)


def _field(number: int, content: bytes) -> bytes:
    """Return a field of a protocol buffer: short content with its number."""
    return bytes([number << 3 | 2, len(content)]) + content


_STATES = "/Mul_output_0"
"""What the export calls the states of the tokens, padding at 0, of which `MessageNetwork` takes the mean."""

_STATES_NODE = _field(2, _STATES.encode())
"""``node { output: … }``: how that name stands in the file, where a longer name that ends with it does not."""

_STATES_OUTPUT = _field(7, _field(12, _field(1, _STATES.encode()) + _field(2, _field(1, b"\x08\x01"))))
"""``graph { output { name: … type { tensor_type { elem_type: FLOAT } } } }``: what is appended to a message is merged into it."""


def _threads(threads: int | None) -> int:
    return threads or int(os.environ.get("OMP_NUM_THREADS") or 0) or os.cpu_count() or 1


class OnnxNetwork:
    """A network in ONNX Runtime. One session gives the vectors of messages and, where they are asked for, the states of the tokens.

    A session more would take its time to load, and its memory. The vectors are the same bits with the second output and without.
    """

    def __init__(self, path: Path, threads: int) -> None:
        """Load the file.

        Raises
        ------
        RuntimeError
            When it is none that ONNX Runtime can run.
        """
        content = path.read_bytes()
        self.gives_states = _STATES_NODE in content
        try:
            self._session = exact_session(content + _STATES_OUTPUT if self.gives_states else content, threads)
        except Exception as error:  # its errors have no common name
            raise RuntimeError(type(error).__name__) from error

    def __call__(self, arrays: Arrays) -> NDArray[np.float32]:
        """Return the vectors of messages."""
        return self._run("vectors", arrays)

    def states(self, arrays: Arrays) -> NDArray[np.float32]:
        """Return the states of the tokens of messages."""
        return self._run(_STATES, arrays)

    def _run(self, output: str, arrays: Arrays) -> NDArray[np.float32]:
        count = len(arrays["ids"])
        if count == 1:  # a lone sequence takes another path there, with other last bits: it is run beside itself
            arrays = {name: np.repeat(array, 2, axis=0) for name, array in arrays.items()}
        try:
            (numbers,) = self._session.run([output], arrays)
        except Exception as error:
            raise RuntimeError(type(error).__name__) from error
        return np.asarray(numbers)[:count]
