"""Run the network in torch, on a GPU, in bf16. Needs the extra `train`, and a model that was trained with ``export.torch = true``.

::

    network.safetensors   the weights of the encoder, bf16
    encoder.json          the encoder's configuration
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ConfigError, ModelFolderError, SafelightError
from pipeline.model.encoder.message_tokens import Arrays, Network

WEIGHTS = "network.safetensors"
ENCODER = "encoder.json"

CHUNK_TOKENS = 65_536
"""Tokens that go through a GPU at once."""


def open_torch(folder: Path, *, device: str) -> Network:
    """Load the network of a model folder onto a device.

    Raises
    ------
    ConfigError
        When there is no such device.
    ModelFolderError
        When the folder holds no weights for torch, or they do not fit.
    SafelightError
        When torch is not installed.
    """
    try:
        import torch
        from safetensors.torch import load_file
        from transformers import AutoConfig, AutoModel
    except ModuleNotFoundError as error:
        raise SafelightError(
            f"--device {device} needs {error.name}", do="Install it with: pip install 'safelight[train]'"
        ) from error
    from pipeline.model.encoder.network import MessageNetwork

    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            "--device cuda: torch sees no GPU", do="Score with --device cpu, or check the driver and the build of torch"
        )
    if not (folder / WEIGHTS).is_file() or not (folder / ENCODER).is_file():
        raise ModelFolderError(
            "the model holds no weights for torch",
            where=str(folder),
            do="Train with --set export.torch=true, or use --device cpu",
        )
    weights = load_file(folder / WEIGHTS)
    content = json.loads((folder / ENCODER).read_text("utf-8"))
    encoder = AutoModel.from_config(AutoConfig.for_model(**content), attn_implementation="sdpa")
    network = MessageNetwork(encoder)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ModelFolderError("the weights do not fit the encoder", where=str(folder), do="Get the model folder again") from error
    network = network.to(device).eval()

    def run(arrays: Arrays) -> NDArray[np.float32]:
        ids, real = (torch.from_numpy(arrays[name]).to(device, non_blocking=True) for name in ("ids", "real"))
        with torch.inference_mode(), torch.autocast(torch.device(device).type, dtype=torch.bfloat16):
            return network(ids, real).float().cpu().numpy()

    return run
