"""What the model card compares the model with: its network in single precision, and the baseline trained on the same splits.

Each is evaluated on the same test split; differences have intervals by paired bootstrap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from evaluation.functional.run import Outcome
from evaluation.intervals import wilson
from evaluation.metrics import Judged, or_null
from evaluation.summary import compare
from pipeline.config import Taxonomy
from pipeline.corpora.labelled import LabelledConversation
from pipeline.model.base import Model
from pipeline.model.encoder.encoder import EncoderModel
from pipeline.model.encoder.runtime import open_network
from pipeline.model.predict import predict_labelled
from pipeline.recipes import BaselineRecipe
from pipeline.thresholds import Thresholds
from pipeline.training.choose_thresholds import choose_thresholds
from pipeline.training.dataset import DatasetSplits
from pipeline.training.fit_baseline import fit_baseline

WEAK = 0.7
"""A functionality that passes less often is named in the card."""


@dataclass(frozen=True)
class Rival:
    """Another model, and its thresholds."""

    model: Model
    thresholds: Thresholds


def train_rival(dataset: DatasetSplits, recipe: BaselineRecipe, taxonomy: Taxonomy) -> Rival:
    """Train the baseline on the same parts, and choose its thresholds by the rule of the model."""
    model = fit_baseline(dataset, recipe, taxonomy)
    return Rival(model, choose_thresholds(predict_labelled(dataset.validation, model), taxonomy.keys, **recipe.rates))


def in_single_precision(model: EncoderModel, network: Path) -> EncoderModel:
    """Return the model with the network that it was quantised from."""
    return replace(model, network=open_network(network))


def differences(first: Sequence[Judged], first_at: Thresholds, second: Sequence[Judged], second_at: Thresholds) -> dict[str, Any]:
    """Return each figure of the table for the first, and the interval of the second minus the first."""
    compared = compare(first, first_at, second, second_at)
    return {
        difference.name: {
            "value": or_null(difference.first),
            "difference": or_null(difference.second - difference.first),
            "interval": [*map(or_null, difference.interval)],
        }
        for difference in compared
    }


def suite_figures(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return how many cases of the functional suite hold, and which functionalities are weak."""
    passed, cases = sum(outcome.passed for outcome in outcomes), sum(outcome.cases for outcome in outcomes)
    return {
        "passed": passed,
        "cases": cases,
        "interval": [round(end, 4) for end in wilson(passed, cases)],
        "functionalities": {outcome.functionality.id: [outcome.passed, outcome.cases] for outcome in outcomes},
        "weak": [outcome.functionality.id for outcome in outcomes if outcome.passed < WEAK * outcome.cases],
    }


def by_phrasing(
    judged: Sequence[Judged], test: Sequence[LabelledConversation], train: Sequence[LabelledConversation], thresholds: Thresholds
) -> list[dict[str, Any]]:
    """Return how many messages that carry a stage are found, by how alike the nearest message of that stage in training is.

    Likeness is the cosine of character n-grams (3 to 5): the lower it is, the newer the phrasing. The messages are taken in three
    parts of equal size; a corpus that labels no stages has none.
    """
    keys = tuple(thresholds.stages)
    texts = {key: [text for conversation in train for text, stages in _spoken(conversation) if key in stages] for key in keys}
    if not any(texts.values()):
        return []
    vectoriser = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)
    vectoriser.fit([text for phrasings in texts.values() for text in phrasings])
    likeness: list[float] = []
    hits: list[bool] = []
    words = {conversation.id: [text for text, _ in _spoken(conversation)] for conversation in test}
    for column, key in enumerate(keys):
        rows = [(conversation.id, row) for conversation in judged for row in np.flatnonzero(conversation.labels[:, column] == 1)]
        if not rows or not texts[key]:
            continue
        scores = {conversation.id: conversation.stages[:, column] for conversation in judged}
        phrasings = vectoriser.transform([words[name][row] for name, row in rows])
        likeness += (phrasings @ vectoriser.transform(texts[key]).T).max(axis=1).toarray().ravel().tolist()
        hits += [bool(scores[name][row] >= thresholds.stages[key]) for name, row in rows]
    order = np.argsort(likeness, kind="stable")
    return [
        {
            "likeness": [round(float(likeness[part[0]]), 2), round(float(likeness[part[-1]]), 2)],
            "messages": len(part),
            "found": int(sum(hits[row] for row in part)),
            "interval": [round(end, 4) for end in wilson(int(sum(hits[row] for row in part)), len(part))],
        }
        for part in np.array_split(order, 3)
        if len(part)
    ]


def _spoken(conversation: LabelledConversation) -> list[tuple[str, Mapping[str, Any] | frozenset[str]]]:
    from pipeline.model.scorable import utterances

    return [(text, conversation.stages[position] or frozenset()) for position, (_, text) in utterances(conversation.messages)]
