"""Export the network to ONNX, and quantise it to int8 with static ranges.

Dynamic quantisation takes its ranges from what goes through together, so that a message's score would depend on its neighbours
in the batch and on messages after it. Static ranges, with SmoothQuant before them (Xiao et al. 2023; NNCF's transformer
preset), do not.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from safetensors.torch import save_file

from pipeline.model.encoder.message_tokens import Arrays
from pipeline.model.encoder.network import MessageNetwork
from pipeline.model.encoder.torch_runtime import ENCODER, WEIGHTS

_OPSET = 17


def export_network(network: MessageNetwork, path: Path, *, example: Arrays) -> None:
    """Write the network as ONNX in single precision; ``example`` is what goes in."""
    network = network.to("cpu").eval()
    axes = {0: "messages", 1: "tokens"}
    with warnings.catch_warnings():
        # The older exporter by intent: NNCF knows the patterns that it writes. Its warnings are about that, and about shapes that
        # are the encoder's own.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.from_numpy(example["ids"]), torch.from_numpy(example["real"])),
            str(path),
            input_names=["ids", "real"],
            output_names=["vectors"],
            dynamic_axes={"ids": axes, "real": axes, "vectors": {0: "messages"}},
            opset_version=_OPSET,
            dynamo=False,
        )


def export_torch(network: MessageNetwork, folder: Path) -> None:
    """Write the network for torch, in bf16: see `pipeline.model.encoder.torch_runtime`."""
    weights = {name: tensor.detach().cpu().to(torch.bfloat16).contiguous() for name, tensor in network.state_dict().items()}
    save_file(weights, folder / WEIGHTS)
    (folder / ENCODER).write_text(network.encoder.config.to_json_string(use_diff=False), "utf-8")  # type: ignore[union-attr, operator]


def quantise(source: Path, target: Path, *, batches: Sequence[Arrays]) -> None:
    """Write an int8 copy; ``batches`` are what its ranges are taken from."""
    import nncf
    from nncf.quantization.advanced_parameters import OverflowFix

    logging.getLogger("nncf").setLevel(logging.WARNING)
    quantised = nncf.quantize(
        onnx.load(str(source)),
        nncf.Dataset(list(batches)),
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(batches),
        # By default NNCF halves the range of some weights, for CPUs on which int8 products overflow; see `model.encoder.runtime`.
        advanced_parameters=nncf.AdvancedQuantizationParameters(overflow_fix=OverflowFix.DISABLE),
    )
    _unsign(quantised.graph)
    onnx.save(quantised, str(target))


def _unsign(graph: onnx.GraphProto) -> None:
    """Count what flows through the network from 0 to 255 instead of −128 to 127: the same steps, which CPUs multiply faster so."""
    constants = {constant.name: constant for constant in graph.initializer}
    flowing = [node for node in graph.node if node.op_type == "QuantizeLinear" and node.input[0] not in constants]
    for name in {node.input[2] for node in flowing}:
        zero = numpy_helper.to_array(constants[name])
        if zero.dtype == np.int8:
            constants[name].CopyFrom(numpy_helper.from_array((zero.astype(np.int16) + 128).astype(np.uint8), name))
    typed = {output for node in flowing for output in node.output}
    for value in [value for value in graph.value_info if value.name in typed]:
        graph.value_info.remove(value)
