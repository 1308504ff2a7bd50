"""The encoder model at scoring time: message vectors, stages and ages in context, the running risk. Needs no torch.

::

    encoder.onnx       the network, int8: from a message's tokens to its vector
    tokenizer.json     its word pieces
    model.safetensors  the context head
    risk.json          the risk head
    cascade.*          the prefilter, where there is one
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save
from tokenizers import Tokenizer

from pipeline.config import Taxonomy, load_settings, validate_settings
from pipeline.errors import ConfigError, ModelFolderError
from pipeline.model.base import DeferredPrediction, Prediction, Utterance
from pipeline.model.calibration import Platt
from pipeline.model.encoder.context_head import ContextHead
from pipeline.model.encoder.message_tokens import MessageTokenizer, Network, TokenNetwork, chunks, padded
from pipeline.model.encoder.prefilter import Prefilter, load_prefilter
from pipeline.model.encoder.runtime import DEFAULT_RUNTIME, Device, RuntimeName, check_runtime, open_network, open_token_network
from pipeline.model.encoder.torch_runtime import CHUNK_TOKENS as GPU_TOKENS
from pipeline.model.folder import ModelFolder
from pipeline.model.risk_head import RISK, RiskHead, read_risk_head
from pipeline.output import write_json
from pipeline.recipes import EncoderRecipe

KIND = "encoder"
NETWORK = "encoder.onnx"

CHUNK_TOKENS = 2048
"""Tokens that go through the network at once, padding included: more is slower, since less of it stays in the CPU's cache."""

_STEP = 8
"""Messages are padded to multiples of it, so that one looks the same to the network whatever goes through with it."""

DECIMALS = 5
"""Scores are kept to so many places."""

_HEAD = tuple(field.name for field in fields(ContextHead))


@dataclass(frozen=True)
class EncoderModel:
    """A trained encoder with its heads."""

    taxonomy: Taxonomy
    tokenizer: MessageTokenizer
    network: Network
    head: ContextHead
    calibration: Platt
    ages: Platt
    risk: RiskHead
    prefilter: Prefilter | None = None
    chunk_tokens: int = CHUNK_TOKENS
    runtime: str | None = None
    states: TokenNetwork | None = None

    def predict(self, conversations: Sequence[Sequence[Utterance]]) -> list[Prediction]:
        """Return a prediction for each conversation."""
        return self.prepare(conversations)()

    def prepare(
        self, conversations: Sequence[Sequence[Utterance]], *, cascade: bool = False, keep_vectors: bool = False
    ) -> DeferredPrediction:
        """Tokenise, and let the prefilter read if there is a cascade; the network reads what it does not skip."""
        pieces = self.tokenizer.pieces(conversations)
        names = [[speaker for speaker, _ in conversation] for conversation in conversations]
        skipped: list[Prediction | None] = [None] * len(conversations)
        if cascade and self.prefilter is not None:
            skipped = self.prefilter.skipped(pieces, names, stages=len(self.taxonomy.keys))
        return lambda: self._predict(names, pieces, skipped, keep_vectors=keep_vectors)

    def _predict(
        self,
        names: Sequence[Sequence[str]],
        pieces: Sequence[Sequence[Sequence[int]]],
        skipped: Sequence[Prediction | None],
        *,
        keep_vectors: bool,
    ) -> list[Prediction]:
        kept = [kept_pieces for kept_pieces, skip in zip(pieces, skipped, strict=True) if skip is None]
        vectors = iter(self.vectors(kept))
        predictions = [
            self._prediction(next(vectors), speakers) if skip is None else skip
            for speakers, skip in zip(names, skipped, strict=True)
        ]
        return predictions if keep_vectors else [replace(prediction, vectors=None) for prediction in predictions]

    def _prediction(self, vectors: NDArray[np.float32], speakers: Sequence[str]) -> Prediction:
        if not speakers:
            nothing = np.zeros(0, np.float32)
            return Prediction(np.zeros((0, len(self.taxonomy.keys)), np.float32), nothing, nothing)
        stages, child = self.probabilities(self.head.logits(vectors, speakers))
        speaker_risk, risk = self.risk.risks(stages, child, speakers)
        return Prediction(stages, np.round(speaker_risk, DECIMALS), np.round(risk, DECIMALS), vectors=vectors)

    def risk_after(self, stages: NDArray[np.float32], child: NDArray[np.float32], speakers: Sequence[str]) -> float:
        """Return the risk of a conversation after its last message, from what `probabilities` returns."""
        return float(np.round(np.float32(self.risk.risk_at_end(stages, child, speakers)), DECIMALS))

    def probabilities(self, logits: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return those of the stages, (messages, stages), and of somebody under 18, (messages,), from the head's logits."""
        stages = np.round(self.calibration.probability(logits[:, :-1]).astype(np.float32), DECIMALS)
        return stages, np.round(self.ages.probability(logits[:, -1:]).astype(np.float32)[:, 0], DECIMALS)

    def vectors(self, conversations: Sequence[Sequence[Sequence[int]]]) -> list[NDArray[np.float32]]:
        """Return the vectors of the messages of each conversation, of shape (messages, width), from their tokens."""
        return message_vectors(self.network, conversations, closing=self.tokenizer.closing, chunk_tokens=self.chunk_tokens)


def message_vectors(
    network: Network, conversations: Sequence[Sequence[Sequence[int]]], *, closing: int, chunk_tokens: int = CHUNK_TOKENS
) -> list[NDArray[np.float32]]:
    """Return the vectors of the messages of each conversation, of shape (messages, width), from their tokens.

    What is said twice goes through the network once.
    """
    numbers: dict[tuple[int, ...], int] = {}
    rows = [[numbers.setdefault(tuple(message), len(numbers)) for message in conversation] for conversation in conversations]
    messages = list(numbers)
    table = np.zeros((0, 0), np.float32)
    for chunk in chunks([len(message) + 1 for message in messages], tokens=chunk_tokens, step=_STEP):
        part = network(padded([messages[number] for number in chunk], closing=closing, step=_STEP))
        if not len(table):
            table = np.zeros((len(messages), part.shape[1]), np.float32)
        table[chunk] = part
    return [table[conversation] if conversation else table[:0] for conversation in rows]


def token_states(network: TokenNetwork, messages: Sequence[Sequence[int]], *, closing: int) -> list[NDArray[np.float32]]:
    """Return the last states of the tokens of each message, of shape (tokens, width), the opening and the closing one with them."""
    states_by_message: list[NDArray[np.float32]] = [np.zeros((0, 0), np.float32)] * len(messages)
    for chunk in chunks([len(message) + 1 for message in messages], tokens=CHUNK_TOKENS, step=_STEP):
        states = network(padded([messages[number] for number in chunk], closing=closing, step=_STEP))
        for number, rows in zip(chunk, states, strict=True):
            states_by_message[number] = rows[: len(messages[number]) + 1]
    return states_by_message


def save_heads(
    folder: Path, *, head: ContextHead, risk: RiskHead, calibration: Platt, ages: Platt, taxonomy: Taxonomy, tokenizer: Tokenizer
) -> None:
    """Write what the folder holds beside the network."""
    (folder / "model.safetensors").write_bytes(save({name: np.ascontiguousarray(getattr(head, name)) for name in _HEAD}))
    write_json(folder / RISK, risk.as_json())
    write_json(folder / "labels.json", taxonomy.model_dump(mode="json"))
    stages = zip(taxonomy.keys, calibration.slope, calibration.offset, strict=True)
    write_json(
        folder / "calibration.json",
        {
            "stages": {stage: {"slope": float(slope), "offset": float(offset)} for stage, slope, offset in stages},
            "under_18": {"slope": float(ages.slope[0]), "offset": float(ages.offset[0])},
        },
    )
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)


def load_encoder(folder: ModelFolder, *, runtime: RuntimeName = DEFAULT_RUNTIME, device: Device = "cpu") -> EncoderModel:
    """Load the model from a checked folder.

    Raises
    ------
    ConfigError
        When the runtime is not installed, or not exact on this CPU.
    ModelFolderError
        When the files do not fit one another.
    """
    try:
        recipe = load_settings(folder.path / "config.toml", EncoderRecipe)
    except ConfigError as error:
        raise ModelFolderError(
            f"this version cannot read the model's recipe: {error.what}", where=str(folder.path), do="Train the model anew"
        ) from error
    if device == "cpu":
        check_runtime(runtime)
    taxonomy = validate_settings(folder.json("labels.json"), Taxonomy, where=str(folder.path / "labels.json"))
    calibration = folder.json("calibration.json")
    tokenizer = Tokenizer.from_file(str(folder.path / "tokenizer.json"))
    network = open_network(folder.path / NETWORK, runtime=runtime, device=device)
    try:
        weights = load_file(folder.path / "model.safetensors")
        return EncoderModel(
            taxonomy=taxonomy,
            tokenizer=MessageTokenizer(tokenizer, recipe.message_tokens),
            network=network,
            head=ContextHead(**{name: weights[name] for name in _HEAD}),
            calibration=_platt([calibration["stages"][stage] for stage in taxonomy.keys]),
            ages=_platt([calibration["under_18"]]),
            risk=read_risk_head(folder.json(RISK)),
            prefilter=load_prefilter(folder),
            chunk_tokens=GPU_TOKENS if device == "cuda" else CHUNK_TOKENS,
            runtime="torch" if device == "cuda" else runtime,
            states=open_token_network(folder.path / NETWORK, network),
        )
    except SafetensorError as error:
        raise ModelFolderError("the weights are damaged", where=str(folder.path), do="Get the model folder again") from error
    except (KeyError, ValueError) as error:
        raise ModelFolderError(f"the files of the model do not fit: {error}", where=str(folder.path)) from error


def _platt(values: Sequence[dict[str, float]]) -> Platt:
    return Platt(slope=np.asarray([value["slope"] for value in values]), offset=np.asarray([value["offset"] for value in values]))
