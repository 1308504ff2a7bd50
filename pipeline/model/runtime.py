"""Run an exported network: in ONNX Runtime, or in OpenVINO where it is installed and the CPU has VNNI.

Int8 products are added up in 16 bits where a CPU lacks VNNI, and overflow: OpenVINO lets them, and is slower there than ONNX
Runtime, which can be told not to. With VNNI both are exact, and OpenVINO is faster.
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

from pipeline.errors import ModelFolderError
from pipeline.model.message_tokens import Arrays, Network
from pipeline.model.torch_runtime import open_torch

if TYPE_CHECKING:
    import onnxruntime

Device = Literal["cpu", "cuda"]
RuntimeName = Literal["openvino", "onnxruntime"]

_VNNI = ("avx512_vnni", "avx_vnni")
"""What archspec calls it, with 512 bits and with 256."""


_SHAPES_KEPT = 16
"""What OpenVINO keeps ready of shapes that it has met: with its own 5,000, 300,000 messages took 70 MiB more, no faster."""


def open_network(path: Path, *, runtime: RuntimeName | None = None, device: Device = "cpu", threads: int | None = None) -> Network:
    """Load an ONNX file; ``runtime`` chooses, else `runtime_here` does.

    Raises
    ------
    ModelFolderError
        When the file is none that the runtime can run.
    """
    if device == "cuda":
        return open_torch(path.parent, device=device)
    chosen = runtime or runtime_here()
    count = threads or int(os.environ.get("OMP_NUM_THREADS") or 0) or os.cpu_count() or 1
    try:
        return _openvino(path, count) if chosen == "openvino" else _onnxruntime(path, count)
    except RuntimeError as error:
        raise ModelFolderError(f"{chosen} cannot run the network", where=str(path), do="Get the model folder again") from error


@cache
def runtime_here() -> RuntimeName:
    """Return the fastest runtime that is installed and exact on this CPU.

    The CPU is asked itself what it can do: archspec may take it for an older model that can do less.
    """
    if find_spec("openvino") is None or detected_info().features.isdisjoint(_VNNI):
        return "onnxruntime"
    return "openvino"


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
    """Return an ONNX file, or its content, ready to run in ONNX Runtime without overflow in 16 bits."""
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.x64quantprecision", "1")
    return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])


def _onnxruntime(path: Path, threads: int) -> Network:
    try:
        session = exact_session(str(path), threads)
    except Exception as error:  # its errors have no common name
        raise RuntimeError(type(error).__name__) from error

    def run(arrays: Arrays) -> NDArray[np.float32]:
        try:
            (vectors,) = session.run(None, arrays)
        except Exception as error:
            raise RuntimeError(type(error).__name__) from error
        return np.asarray(vectors)

    return run
