"""The model folder: plain files, each with its hash in ``manifest.json``; nothing in it is ever unpickled.

::

    manifest.json      what kind of model, its name, and the SHA-256 of every other file
    config.toml        the resolved recipe that trained it
    labels.json        the taxonomy
    model.safetensors  the weights
    vocabulary.json    of the baseline: the n-grams, in the order of the weights
    encoder.onnx       of an encoder: the network, int8
    tokenizer.json     of an encoder: its word pieces
    network.safetensors, encoder.json   of an encoder, where it was exported for a GPU
    cascade.safetensors, cascade.json   of an encoder, where it has a prefilter
    calibration.json   from log-odds to probabilities
    thresholds.json    where an alert begins, and how that was chosen
    metrics.json       what was measured when it was trained
    splits.json        who it learned from, of what it was given; where parts were held out
    learned.safetensors  hashes of what it learned from, so that nobody tests it on that
    risk.json          of an encoder: the weights of the risk head
    transfer.json      of an encoder, where it was measured: what carries over to other writers and sources
    reference.json     what its scores looked like where it was calibrated, so that drift can be told
    MODEL_CARD.md      the same for people
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import ModelFolderError
from pipeline.output import sha256_of, write_json

FORMAT = "safelight-model/1"
MANIFEST = "manifest.json"
REQUIRED = (
    "MODEL_CARD.md",
    "calibration.json",
    "config.toml",
    "labels.json",
    "metrics.json",
    "model.safetensors",
    "thresholds.json",
)
"""What every folder has; each kind has files of its own beside these."""

OF_KIND = {"ngram-linear": ("vocabulary.json",), "encoder": ("encoder.onnx", "risk.json", "tokenizer.json")}


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A folder whose files were all there and unchanged when it was opened; ``id`` is the hash of the manifest."""

    path: Path
    kind: str
    name: str
    id: str
    hashes: Mapping[str, str]

    def json(self, name: str) -> Any:
        """Return the content of a JSON file of the folder."""
        return json.loads((self.path / name).read_text("utf-8"))


def open_model_folder(path: Path) -> ModelFolder:
    """Check a model folder against its manifest and return it.

    Raises
    ------
    ModelFolderError
        When it is no model folder, a file is missing, or a file's hash is not the manifest's.
    """
    manifest = _read_manifest(path)
    hashes = manifest["files"]
    needed = (*REQUIRED, *OF_KIND.get(manifest.get("kind", ""), ()))
    missing = [name for name in needed if name not in hashes or not (path / name).is_file()]
    if missing:
        raise ModelFolderError(f"the model folder lacks {', '.join(missing)}", where=str(path), do="Get the whole folder again")
    for name, expected in hashes.items():
        if sha256_of(path / name) != expected:
            raise ModelFolderError(
                "the file is not the one that the manifest names: its hash differs",
                where=str(path / name),
                do="Get the model folder again from where you trust it",
            )
    identity = hashlib.sha256((path / MANIFEST).read_bytes()).hexdigest()[:12]
    return ModelFolder(path, manifest["kind"], manifest["name"], identity, hashes)


def _read_manifest(path: Path) -> dict[str, Any]:
    file = path / MANIFEST
    if not file.is_file():
        raise ModelFolderError("there is no model folder here", where=str(path), do=f"Give a folder that holds {MANIFEST}")
    try:
        manifest = json.loads(file.read_text("utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ModelFolderError("the manifest is damaged", where=str(file), do="Get the model folder again") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT or not isinstance(manifest.get("files"), dict):
        raise ModelFolderError(f"the manifest is not of the format {FORMAT}", where=str(file), do="Use a matching Safelight")
    outside = [name for name in manifest["files"] if Path(name).name != name]
    if outside:
        raise ModelFolderError("the manifest names files outside the folder", where=str(file), do="Do not trust this folder")
    return manifest


def seal_model_folder(path: Path, *, kind: str, name: str) -> ModelFolder:
    """Write the manifest over the files that lie in the folder, and open it."""
    files = sorted(file.name for file in path.iterdir() if file.name != MANIFEST)
    manifest = {"format": FORMAT, "kind": kind, "name": name, "files": {file: _sha256_of(path / file) for file in files}}
    write_json(path / MANIFEST, manifest)
    return open_model_folder(path)


def _sha256_of(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as error:
        raise ModelFolderError(f"cannot be read ({error.strerror})", where=str(path), do="Get the model folder again") from error
