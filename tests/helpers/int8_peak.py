"""What share of the processor's int8 peak the network reaches, and which instruction sets the processor has."""

from __future__ import annotations

import argparse
import math
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
LENGTH = 60


def tokens_of(texts: Sequence[str], options: argparse.Namespace) -> float:
    """Return the tokens of a message, on average, each message as often as it is said."""
    from pipeline.model.encoder.encoder import EncoderModel
    from pipeline.model.load import load_model

    _, model = load_model(options.model)
    if not isinstance(model, EncoderModel):
        return float("nan")
    pieces = model.tokenizer.pieces([[("A", text) for text in texts]])[0]
    return statistics.fmean(len(message) + 1 for message in pieces)


def network_share(options: argparse.Namespace) -> dict[str, float]:
    """Measure the network alone on a full chunk beside the highest rate of int8 matrix products of the same runtime."""
    import numpy as np

    from pipeline.model.encoder.encoder import CHUNK_TOKENS, EncoderModel
    from pipeline.model.load import load_model

    peaks = {
        "OpenVINO": max(map(_int8_openvino, (512, 1024, 2048))),
        "ONNX Runtime": max(map(_int8_onnxruntime, (512, 1024, 2048))),
    }
    best = max(peaks.values())
    single = np.random.default_rng(0).random((2048, 2048), np.float32)
    found = {f"int8 peak in {name}, GOP/s": rate / 1e9 for name, rate in peaks.items()}
    found["single precision peak, GOP/s"] = 2 * 2048**3 / min(_timed(lambda: single @ single) for _ in range(5)) / 1e9
    _, model = load_model(options.model)
    if not isinstance(model, EncoderModel):
        return found
    network = model.network
    length = 16  # most messages are of fewer tokens, and are padded to it or to half
    messages = CHUNK_TOKENS // length
    rng = np.random.default_rng(0)
    arrays = {"ids": rng.integers(1000, 20_000, (messages, length)), "real": np.ones((messages, length), np.int64)}
    network(arrays)
    seconds = min(_timed(lambda: network(arrays)) for _ in range(5))
    rate = messages * length / seconds
    operations = _operations(options.model / "encoder.onnx", length)
    return {
        **found,
        "network, tokens/s": rate,
        "operations a token, million": operations / 1e6,
        "share of the int8 peak": rate * operations / best,
    }


def _int8_onnxruntime(size: int) -> float:
    """Return operations a second of a quantised matrix product in ONNX Runtime, exact as scoring asks for it."""
    import numpy as np
    from onnx import TensorProto, checker, helper, numpy_helper

    from pipeline.model.encoder.runtime import exact_session

    weights = np.random.default_rng(0).integers(-127, 127, (size, size)).astype(np.int8)
    constants = {"step": np.float32(0.01), "none": np.uint8(0), "middle": np.int8(0), "weights": weights}
    nodes = [
        helper.make_node("QuantizeLinear", ["rows", "step", "none"], ["counted"]),
        helper.make_node("DequantizeLinear", ["counted", "step", "none"], ["left"]),
        helper.make_node("DequantizeLinear", ["weights", "step", "middle"], ["right"]),
        helper.make_node("MatMul", ["left", "right"], ["product"]),
    ]
    rows, product = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [size, size]) for name in ("rows", "product"))
    initial = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "peak", [rows], [product], initial)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(model)
    session = exact_session(model.SerializeToString(), os.cpu_count() or 1)
    given = {"rows": np.random.default_rng(1).random((size, size), np.float32)}
    session.run(None, given)
    return 2 * size**3 / min(_timed(lambda: session.run(None, given)) for _ in range(10))


def _int8_openvino(size: int) -> float:
    """Return operations a second of a quantised matrix product in OpenVINO."""
    import numpy as np
    import openvino
    from openvino import opset13 as ops

    rows = ops.parameter([size, size], np.float32)
    weights = ops.constant(np.random.default_rng(0).integers(-127, 127, (size, size)).astype(np.int8))
    low, high = (ops.constant(np.float32(edge)) for edge in (0.0, 255.0))
    quantised = ops.fake_quantize(rows, low, high, low, high, 256)
    product = ops.matmul(quantised, ops.multiply(ops.convert(weights, np.float32), ops.constant(np.float32(0.01))), False, True)
    core = openvino.Core()
    model = openvino.Model([product], [rows], "peak")  # pyright: ignore[reportGeneralTypeIssues]
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    given = np.random.default_rng(1).integers(0, 255, (size, size)).astype(np.float32)
    request = compiled.create_infer_request()
    request.infer([given])
    return 2 * size**3 / min(_timed(lambda: request.infer([given])) for _ in range(10))


def _operations(path: Path, length: int) -> float:
    """Return what a token of a message costs in matrix products: two operations a weight, and the attention over the message."""
    import onnx

    graph = onnx.load(str(path)).graph
    sizes = {one.name: tuple(one.dims) for one in graph.initializer}
    embeddings = max(math.prod(dims) for dims in sizes.values() if len(dims) == 2)
    width = next(dims[1] for dims in sizes.values() if len(dims) == 2 and math.prod(dims) == embeddings)
    weights = sum(
        math.prod(dims) for dims in sizes.values() if len(dims) == 2 and math.prod(dims) != embeddings and min(dims) >= width
    )
    layers = weights / (12 * width * width)
    return 2.0 * weights + 4.0 * length * width * layers


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def instruction_sets() -> str:
    """Return what the CPU offers of the instruction sets that matter to the network."""
    from archspec.cpu.detect import detected_info

    names = ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "asimd", "asimddp", "i8mm")
    return ", ".join(name for name in names if name in detected_info().features) or "none of those that matter"


def peak() -> float:
    """Return the peak of this process in MiB."""
    return int(Path("/proc/self/status").read_text("utf-8").partition("VmHWM:")[2].split()[0]) / 1024
