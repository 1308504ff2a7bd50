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

import onnx
import torch
from safetensors.torch import save_file

from pipeline.model.torch_runtime import ENCODER, WEIGHTS
from pipeline.model.training.network import MessageNetwork
from pipeline.model.windows import Window, padded

_OPSET = 17

_EXACT = r"^/(MatMul|Div|ReduceSum|stages|evidence).*"
"""What stays in single precision: the mean over a message's tokens and the heads, which cost next to nothing."""


def export_network(network: MessageNetwork, path: Path, *, windows: Sequence[Window]) -> None:
    """Write the network as ONNX in single precision; ``windows`` is an example of what goes in."""
    network = network.to("cpu").eval()
    arrays = {name: torch.from_numpy(array) for name, array in padded(windows).items()}
    axes = {0: "windows", 1: "tokens"}
    with warnings.catch_warnings():
        # The older exporter by intent: NNCF knows the patterns that it writes. Its warnings are about that, and about shapes that
        # are the encoder's own.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (arrays["ids"], arrays["blocks"], arrays["marks"]),
            str(path),
            input_names=["ids", "blocks", "marks"],
            output_names=["stages", "evidence"],
            dynamic_axes={
                "ids": axes,
                "blocks": axes,
                "marks": {0: "windows", 1: "messages"},
                "stages": {0: "windows", 1: "messages"},
                "evidence": {0: "windows", 1: "messages"},
            },
            opset_version=_OPSET,
            dynamo=False,
        )


def export_torch(network: MessageNetwork, folder: Path) -> None:
    """Write the network for torch, in bf16: see `pipeline.model.torch_runtime`."""
    weights = {name: tensor.detach().cpu().to(torch.bfloat16).contiguous() for name, tensor in network.state_dict().items()}
    save_file(weights, folder / WEIGHTS)
    (folder / ENCODER).write_text(network.encoder.config.to_json_string(use_diff=False), "utf-8")  # type: ignore[union-attr, operator]


def quantise(source: Path, target: Path, *, windows: Sequence[Sequence[Window]]) -> None:
    """Write an int8 copy; ``windows`` are the batches that its ranges are taken from."""
    import nncf

    logging.getLogger("nncf").setLevel(logging.WARNING)
    batches = [padded(batch) for batch in windows]
    quantised = nncf.quantize(
        onnx.load(str(source)),
        nncf.Dataset(batches),
        model_type=nncf.ModelType.TRANSFORMER,
        ignored_scope=nncf.IgnoredScope(patterns=[_EXACT]),
        subset_size=len(batches),
    )
    onnx.save(quantised, str(target))
