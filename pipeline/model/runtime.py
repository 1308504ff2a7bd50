"""Run an exported network: OpenVINO where it is installed, else ONNX Runtime."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelFolderError
from pipeline.model.torch_runtime import open_torch
from pipeline.model.windows import Arrays

Device = Literal["cpu", "cuda"]
RuntimeName = Literal["openvino", "onnxruntime"]
Run = Callable[[Arrays], tuple[NDArray[np.float32], NDArray[np.float32]]]
"""From ``ids, blocks, marks`` to stage logits and evidence."""


def open_network(path: Path, *, runtime: RuntimeName | None = None, device: Device = "cpu", threads: int | None = None) -> Run:
    """Load an ONNX file; ``runtime`` chooses, else the one that is installed, the faster first.

    Raises
    ------
    ModelFolderError
        When no runtime is installed, or the file is none that it can run.
    """
    if device == "cuda":
        return open_torch(path.parent, device=device)
    chosen = runtime or next((name for name in ("openvino", "onnxruntime") if importlib.util.find_spec(name)), None)
    if chosen is None:
        raise ModelFolderError("no runtime for the network is installed", where=str(path), do="Install safelight again, whole")
    count = threads or int(os.environ.get("OMP_NUM_THREADS") or 0) or os.cpu_count() or 1
    try:
        return _openvino(path, count) if chosen == "openvino" else _onnxruntime(path, count)
    except RuntimeError as error:
        raise ModelFolderError(f"{chosen} cannot run the network", where=str(path), do="Get the model folder again") from error


def _openvino(path: Path, threads: int) -> Run:
    import openvino

    core = openvino.Core()
    settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(str(path), "CPU", settings)

    def run(arrays: Arrays) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        found = compiled(arrays)
        return np.array(found[0]), np.array(found[1])

    return run


def _onnxruntime(path: Path, threads: int) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(arrays: Arrays) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        stages, evidence = session.run(None, arrays)
        return np.asarray(stages), np.asarray(evidence)

    return run
