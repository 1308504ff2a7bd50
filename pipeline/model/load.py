"""Load whatever model a folder holds."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import ModelFolderError
from pipeline.model.base import Model
from pipeline.model.encoder import encoder
from pipeline.model.encoder.runtime import DEFAULT_RUNTIME, Device, RuntimeName
from pipeline.model.folder import ModelFolder, open_model_folder
from pipeline.model.ngram import baseline


def load_model(path: Path, *, device: Device = "cpu", runtime: RuntimeName = DEFAULT_RUNTIME) -> tuple[ModelFolder, Model]:
    """Check a model folder and load its model; the network of an encoder runs on ``device``, on a CPU in ``runtime``.

    Raises
    ------
    ConfigError
        When the runtime is not installed, or not exact on this CPU.
    ModelFolderError
        When the folder is incomplete or changed, or of a kind that this version does not know.
    """
    folder = open_model_folder(path)
    if folder.kind == encoder.KIND:
        return folder, encoder.load_encoder(folder, device=device, runtime=runtime)
    if folder.kind == baseline.KIND:
        return folder, baseline.load_baseline(folder)
    raise ModelFolderError(f"models of the kind {folder.kind} are not known here", where=str(path), do="Update Safelight")
