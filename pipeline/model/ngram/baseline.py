"""The baseline model at scoring time: n-gram stages, calibration, the running risk of every model. Needs numpy alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from pipeline.config import Taxonomy, load_settings, validate_settings
from pipeline.errors import ModelFolderError
from pipeline.model.base import DeferredPrediction, Prediction, Utterance
from pipeline.model.calibration import Platt
from pipeline.model.folder import ModelFolder
from pipeline.model.ngram.ngrams import LinearStages, NgramBlock, char_analyser, word_analyser
from pipeline.model.risk_head import RISK, RiskHead, read_risk_head
from pipeline.output import write_json
from pipeline.recipes import BaselineRecipe

KIND = "ngram-linear"


@dataclass(frozen=True)
class BaselineModel:
    """A trained baseline."""

    taxonomy: Taxonomy
    stages: LinearStages
    calibration: Platt
    risk_head: RiskHead

    def stage_probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the calibrated probability of each stage for each text: shape (texts, stages). Each text is read alone."""
        return self.calibration.probability(self.stages.decision(texts))

    def predict(self, conversations: Sequence[Sequence[Utterance]]) -> list[Prediction]:
        """Return a prediction for each conversation."""
        return self.prepare(conversations)()

    @property
    def runtime(self) -> None:
        """It has no network."""
        return

    @property
    def prefilter(self) -> None:
        """None: the baseline is as fast as one."""
        return None

    def prepare(
        self, conversations: Sequence[Sequence[Utterance]], *, cascade: bool = False, keep_vectors: bool = False
    ) -> DeferredPrediction:
        """Return what reads the conversations: nothing of it can be done before."""
        del cascade, keep_vectors
        return lambda: self._predict(conversations)

    def _predict(self, conversations: Sequence[Sequence[Utterance]]) -> list[Prediction]:
        texts = [text for conversation in conversations for _, text in conversation]
        none = np.zeros((0, len(self.taxonomy.keys)))
        probabilities = (self.stage_probabilities(texts) if texts else none).astype(np.float32)
        ends = np.cumsum([len(conversation) for conversation in conversations], dtype=np.intp)
        return [
            Prediction(stages, *self.risk_head.risks(stages, None, [speaker for speaker, _ in conversation]))
            for conversation, stages in zip(conversations, np.split(probabilities, ends)[:-1], strict=True)
        ]

    def save(self, path: Path) -> None:
        """Write the weights, the vocabulary, the labels and the calibration into a folder."""
        words, chars = self.stages.blocks
        weights = save(
            {
                "word_idf": words.idf,
                "char_idf": chars.idf,
                "weights": np.ascontiguousarray(self.stages.weights),
                "intercepts": self.stages.intercepts,
            },
        )
        (path / "model.safetensors").write_bytes(weights)
        write_json(path / RISK, self.risk_head.as_json())
        write_json(path / "vocabulary.json", {"word": words.vocabulary, "char": chars.vocabulary})
        write_json(path / "labels.json", self.taxonomy.model_dump(mode="json"))
        calibration = zip(self.taxonomy.keys, self.calibration.slope, self.calibration.offset, strict=True)
        write_json(
            path / "calibration.json",
            {stage: {"slope": float(slope), "offset": float(offset)} for stage, slope, offset in calibration},
        )


def load_baseline(folder: ModelFolder) -> BaselineModel:
    """Load the baseline from a checked folder.

    Raises
    ------
    ModelFolderError
        When the files do not fit one another.
    """
    if not (folder.path / RISK).is_file():
        raise ModelFolderError(
            "the baseline was trained by an earlier version", where=str(folder.path), do="Train it again: `make baseline`"
        )
    recipe = load_settings(folder.path / "config.toml", BaselineRecipe)
    taxonomy = validate_settings(folder.json("labels.json"), Taxonomy, where=str(folder.path / "labels.json"))
    vocabulary = folder.json("vocabulary.json")
    calibration = folder.json("calibration.json")
    try:
        weights = load_file(folder.path / "model.safetensors")
    except SafetensorError as error:
        raise ModelFolderError("the weights are damaged", where=str(folder.path), do="Get the model folder again") from error
    try:
        return BaselineModel(
            taxonomy=taxonomy,
            stages=LinearStages(
                blocks=(
                    NgramBlock(word_analyser(recipe.features.word_ngrams), tuple(vocabulary["word"]), weights["word_idf"]),
                    NgramBlock(char_analyser(recipe.features.char_ngrams), tuple(vocabulary["char"]), weights["char_idf"]),
                ),
                weights=weights["weights"],
                intercepts=weights["intercepts"],
            ),
            calibration=Platt(
                slope=np.asarray([calibration[stage]["slope"] for stage in taxonomy.keys]),
                offset=np.asarray([calibration[stage]["offset"] for stage in taxonomy.keys]),
            ),
            risk_head=read_risk_head(folder.json(RISK)),
        )
    except (KeyError, ValueError) as error:
        raise ModelFolderError(f"the files of the model do not fit: {error}", where=str(folder.path)) from error
