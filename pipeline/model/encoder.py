"""The encoder model at scoring time: windows in, stages and evidence out, the running risk from them. Needs no torch.

::

    encoder.onnx       the network, int8
    tokenizer.json     its word pieces, with the speakers' marks
    model.safetensors  the risk head
    cascade.*          the first pass, where there is one
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save
from tokenizers import Tokenizer

from pipeline.config import EncoderRecipe, Taxonomy, load_settings, validate_settings
from pipeline.errors import ModelFolderError
from pipeline.model.calibration import Platt
from pipeline.model.evidence import EvidenceRisk
from pipeline.model.first_pass import FirstPass, load_first_pass
from pipeline.model.folder import ModelFolder
from pipeline.model.reading import Finish, Reading, Spoken
from pipeline.model.runtime import Device, Run, RuntimeName, open_network, runtime_here
from pipeline.model.torch_runtime import CHUNK_TOKENS as GPU_TOKENS
from pipeline.model.windows import Encoding, Packing, Window, chunks, padded
from pipeline.output import write_json

KIND = "encoder"
NETWORK = "encoder.onnx"

CHUNK_TOKENS = 2048
"""Tokens that go through the network at once, padding included: more is slower, since less of it stays in the CPU's cache."""

_STEP = 32
"""Windows are padded to multiples of it, so that one looks the same to the network whatever goes through with it."""

_DECIMALS = 5
"""Scores are kept to so many places."""


@dataclass(frozen=True)
class EncoderModel:
    """A trained encoder with its heads."""

    taxonomy: Taxonomy
    encoding: Encoding
    network: Run
    calibration: Platt
    risk: EvidenceRisk
    first_pass: FirstPass | None = None
    chunk_tokens: int = CHUNK_TOKENS
    runtime: str | None = None

    def read(self, conversations: Sequence[Sequence[Spoken]]) -> list[Reading]:
        """Return a reading of each conversation."""
        return self.prepare(conversations)()

    def prepare(self, conversations: Sequence[Sequence[Spoken]], *, cascade: bool = False) -> Finish:
        """Tokenise, let the first pass read if there is a cascade, and pack what it does not skip; the rest is the network."""
        pieces = self.encoding.pieces(conversations)
        names = [[speaker for speaker, _ in conversation] for conversation in conversations]
        skipped: list[Reading | None] = [None] * len(conversations)
        if cascade and self.first_pass is not None:
            skipped = self.first_pass.skipped(pieces, names, stages=len(self.taxonomy.keys))
        windows = [self.encoding.pack(own) if skip is None else [] for own, skip in zip(pieces, skipped, strict=True)]
        return lambda: self._read(names, windows, skipped)

    def _read(
        self, names: Sequence[Sequence[str]], windows: Sequence[Sequence[Window]], skipped: Sequence[Reading | None]
    ) -> list[Reading]:
        outputs = self._run([window for own in windows for window in own])
        readings = []
        start = 0
        for speakers, own, skip in zip(names, windows, skipped, strict=True):
            if skip is not None:
                readings.append(skip)
                continue
            parts = outputs[start : start + len(own)]
            start += len(own)
            logits = np.concatenate([part[0] for part in parts]) if parts else np.zeros((0, len(self.taxonomy.keys)), np.float32)
            evidence = np.concatenate([part[1] for part in parts]) if parts else np.zeros((0, 1), np.float32)
            speaker_risk, risk = self.risk.risks(evidence, speakers)
            stages = self.calibration.probability(logits).astype(np.float32)
            stages, speaker_risk, risk = (np.round(array, _DECIMALS) for array in (stages, speaker_risk, risk))
            readings.append(Reading(stages, speaker_risk, risk))
        return readings

    def _run(self, windows: Sequence[Window]) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Return stage logits and evidence of the messages of each window."""
        found: dict[int, tuple[NDArray[np.float32], NDArray[np.float32]]] = {}
        for numbers in chunks(windows, tokens=self.chunk_tokens, step=_STEP):
            stages, evidence = self.network(padded([windows[number] for number in numbers], step=_STEP))
            for row, number in enumerate(numbers):
                count = len(windows[number].marks)
                found[number] = stages[row, :count], evidence[row, :count]
        return [found[number] for number in range(len(windows))]


def save_heads(folder: Path, *, risk: EvidenceRisk, calibration: Platt, taxonomy: Taxonomy, tokenizer: Tokenizer) -> None:
    """Write what the folder holds beside the network."""
    weights = {
        "risk.first.weight": risk.first_weight,
        "risk.first.bias": risk.first_bias,
        "risk.second.weight": risk.second_weight,
        "risk.second.bias": risk.second_bias,
    }
    (folder / "model.safetensors").write_bytes(save({name: np.ascontiguousarray(array) for name, array in weights.items()}))
    write_json(folder / "labels.json", taxonomy.model_dump(mode="json"))
    stages = zip(taxonomy.keys, calibration.slope, calibration.offset, strict=True)
    write_json(
        folder / "calibration.json",
        {
            "stages": {stage: {"slope": float(slope), "offset": float(offset)} for stage, slope, offset in stages},
            "risk": {"slope": risk.slope, "offset": risk.offset},
        },
    )
    tokenizer.save(str(folder / "tokenizer.json"))


def load_encoder(folder: ModelFolder, *, runtime: RuntimeName | None = None, device: Device = "cpu") -> EncoderModel:
    """Load the model from a checked folder.

    Raises
    ------
    ModelFolderError
        When the files do not fit one another.
    """
    recipe = load_settings(folder.path / "config.toml", EncoderRecipe)
    runtime = runtime or runtime_here()
    taxonomy = validate_settings(folder.json("labels.json"), Taxonomy, where=str(folder.path / "labels.json"))
    calibration = folder.json("calibration.json")
    tokenizer = Tokenizer.from_file(str(folder.path / "tokenizer.json"))
    packing = Packing(recipe.windows.tokens, recipe.windows.carried, recipe.windows.message_tokens, recipe.windows.slots)
    try:
        weights = load_file(folder.path / "model.safetensors")
        encoding = Encoding(tokenizer, packing)
        return EncoderModel(
            taxonomy=taxonomy,
            encoding=encoding,
            network=open_network(folder.path / NETWORK, runtime=runtime, device=device),
            calibration=Platt(
                slope=np.asarray([calibration["stages"][stage]["slope"] for stage in taxonomy.keys]),
                offset=np.asarray([calibration["stages"][stage]["offset"] for stage in taxonomy.keys]),
            ),
            risk=EvidenceRisk(
                first_weight=weights["risk.first.weight"],
                first_bias=weights["risk.first.bias"],
                second_weight=weights["risk.second.weight"],
                second_bias=weights["risk.second.bias"],
                slope=float(calibration["risk"]["slope"]),
                offset=float(calibration["risk"]["offset"]),
            ),
            first_pass=load_first_pass(folder),
            chunk_tokens=GPU_TOKENS if device == "cuda" else CHUNK_TOKENS,
            runtime="torch" if device == "cuda" else runtime,
        )
    except SafetensorError as error:
        raise ModelFolderError("the weights are damaged", where=str(folder.path), do="Get the model folder again") from error
    except (KeyError, ValueError) as error:
        raise ModelFolderError(f"the files of the model do not fit: {error}", where=str(folder.path)) from error
