"""The model and plainer methods on one split in one run: quality beside messages a second."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from evaluation.metrics import Judged, or_null
from evaluation.summary import FIGURES, RIGHT_SPEAKER, compare
from pipeline.corpora.labelled import LabelledConversation
from pipeline.errors import ConfigError, SafelightError
from pipeline.evaluate.dataset_selection import SelectedDataset
from pipeline.evaluate.peer_models import ContrastiveModel, KeywordModel, MajorityModel, Skewness, TopMean
from pipeline.model.base import Model, Predictor
from pipeline.model.predict import predict_labelled
from pipeline.model.scorable import utterances
from pipeline.recipes import BaselineRecipe
from pipeline.thresholds import Thresholds

SHOWN = (
    "stage macro-F1",
    "stage macro average precision",
    "conversation AUC, all",
    "conversation AUC, labelled only",
    "recall at 1 % false positives",
    "recall at 0.1 % false positives",
    RIGHT_SPEAKER,
)
"""The figures by which methods are compared."""

_ORDINARY_PER_RARE = 8
_RATE = 0.01
_HARD_RATE = 0.1


def compare_with_peers(
    dataset: SelectedDataset, model: Model, thresholds: Thresholds, *, encoder: Path | None, rounds: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Judge the split with the model and with each peer; peers learn from the model's training part alone.

    A peer's thresholds are chosen on the validation part, as the model's were. Speeds are of one run: use their ratios.

    Raises
    ------
    ConfigError
        When there are no training and validation parts among the corpora.
    SafelightError
        When a library for training is not there.
    """
    train, validation = dataset.part("train"), dataset.part("validation")
    if not train or not validation:
        raise ConfigError(
            "other methods need the model's training and validation parts",
            do="Give the corpora and the splits that it was trained with",
        )
    model_judged, speed = _timed(dataset.tested, model)
    rows = [_row("the model", "", model_judged, thresholds, speed)]
    for name, what, make in _peers(train, validation, model, encoder):
        say(f"predicting with: {name}")
        try:
            peer = make()
        except ModuleNotFoundError as error:
            raise SafelightError(f"this needs {error.name}", do="Install it with: pip install 'safelight[train]'") from error
        peer_thresholds = _thresholds(validation, peer)
        judged, speed = _timed(dataset.tested, peer)
        row = _row(name, what, judged, peer_thresholds, speed)
        differences = compare(judged, peer_thresholds, model_judged, thresholds, rounds=rounds)
        row["model_minus_this"] = {
            difference.name: {
                "value": or_null(difference.second - difference.first),
                "interval": [or_null(end) for end in difference.interval],
            }
            for difference in differences
            if difference.name in SHOWN
        }
        rows.append(row)
    note = "" if encoder is not None else "nearest neighbours in a frozen encoder were left out: no --encoder was given"
    return {"figures": list(SHOWN), "rows": rows, "note": note}


def _peers(
    train: Sequence[LabelledConversation], validation: Sequence[LabelledConversation], model: Model, encoder: Path | None
) -> list[tuple[str, str, Callable[[], Predictor]]]:
    taxonomy = model.taxonomy
    peers: list[tuple[str, str, Callable[[], Predictor]]] = [
        ("majority", "finds nothing", lambda: MajorityModel(taxonomy)),
        ("keyword list", "the phrases of the taxonomy's indicators", lambda: KeywordModel(taxonomy)),
        (
            "TF-IDF",
            "words and characters, a logistic regression a stage, trained on the same parts",
            lambda: _tfidf(train, validation, model),
        ),
    ]
    if encoder is not None:
        examples: list[ContrastiveModel] = []

        def contrastive(aggregate: type[Skewness] | type[TopMean]) -> Predictor:
            if not examples:
                examples.append(_contrastive(train, model, encoder))
            nearest = examples[0]
            return ContrastiveModel(taxonomy, nearest.embed, nearest.rare, nearest.stages, nearest.ordinary, aggregate)

        peers += [
            (
                "nearest neighbours, skewness",
                f"frozen {encoder.name}, rare against ordinary examples",
                lambda: contrastive(Skewness),
            ),
            ("nearest neighbours, top 3", "the same, by a speaker's three highest scores", lambda: contrastive(TopMean)),
        ]
    return peers


def _tfidf(train: Sequence[LabelledConversation], validation: Sequence[LabelledConversation], model: Model) -> Predictor:
    from pipeline.training.dataset import DatasetSplits
    from pipeline.training.fit_baseline import fit_baseline

    dataset = DatasetSplits(tuple(train), tuple(validation), ())
    return fit_baseline(dataset, BaselineRecipe(name="tf-idf"), model.taxonomy)


def _contrastive(train: Sequence[LabelledConversation], model: Model, encoder: Path) -> ContrastiveModel:
    from pipeline.training.sentence_embedder import load_sentence_embedder

    keys = model.taxonomy.keys
    rare, stages, ordinary = [], [], []
    for conversation in train:
        for position, (_, text) in utterances(conversation.messages):
            labels = [conversation.label(position, key) for key in keys]
            if any(labels):
                rare.append(text)
                stages.append([float(bool(label)) for label in labels])
            elif conversation.is_grooming is False:
                ordinary.append(text)
    if not rare or not ordinary:
        raise ConfigError("nearest neighbours need labelled messages and ordinary ones", do="Leave out --encoder")
    ordinary = random.Random(0).sample(ordinary, min(len(ordinary), _ORDINARY_PER_RARE * len(rare)))  # noqa: S311 - no secret
    embed = load_sentence_embedder(encoder)
    return ContrastiveModel(model.taxonomy, embed, embed(rare), np.asarray(stages, np.float32), embed(ordinary), TopMean)


def _timed(conversations: Sequence[LabelledConversation], model: Predictor) -> tuple[list[Judged], float]:
    predict_labelled(conversations[:1], model)  # what is loaded at the first call is not of the speed
    start = perf_counter()
    judged = predict_labelled(conversations, model)
    return judged, sum(len(conversation.risk) for conversation in judged) / max(perf_counter() - start, 1e-9)


def _thresholds(validation: Sequence[LabelledConversation], model: Predictor) -> Thresholds:
    from pipeline.training.choose_thresholds import choose_thresholds

    return choose_thresholds(predict_labelled(validation, model), model.taxonomy.keys, rate=_RATE, hard_rate=_HARD_RATE)


def _row(name: str, what: str, judged: Sequence[Judged], thresholds: Thresholds, speed: float) -> dict[str, Any]:
    return {
        "name": name,
        "what": what,
        "messages_per_second": round(speed, 1),
        "figures": {figure: or_null(FIGURES[figure](judged, thresholds)) for figure in SHOWN},
    }
