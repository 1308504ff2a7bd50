"""Train the baseline: cross-fitted by conversation, so that calibration, risk and figures never see a message they learned from."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from pipeline.config import BaselineRecipe, Taxonomy
from pipeline.corpora.labelled import LabelledConversation
from pipeline.errors import CorpusError
from pipeline.model.calibration import Platt
from pipeline.model.ngram.baseline import BaselineModel
from pipeline.model.ngram.ngrams import LinearStages, NgramBlock, char_analyser, word_analyser
from pipeline.model.ngram.risk import RiskHead, SpeakerEvidence
from pipeline.model.scorable import utterances

logger = logging.getLogger(__name__)

MISSING = -1
"""The label of a stage that a corpus cannot tell: no loss is taken on it."""


@dataclass(frozen=True)
class TrainingMessages:
    """The messages of a corpus in columns, all of length ``messages``.

    ``labels`` has shape (messages, stages), 1, 0 or ``MISSING``. ``conversations`` numbers the conversation of each message.
    """

    texts: list[str]
    speakers: list[str]
    conversations: NDArray[np.int64]
    labels: NDArray[np.int8]


@dataclass(frozen=True)
class CrossFitted:
    """What the folds say of messages that they did not learn from: log-odds and risk, for figures and thresholds."""

    messages: TrainingMessages
    probabilities: NDArray[np.float64]
    speaker_risk: NDArray[np.float64]


@dataclass(frozen=True)
class FittedBaseline:
    """The model trained on everything, and the cross-fitted view of the same corpus."""

    model: BaselineModel
    cross_fitted: CrossFitted


def fit_baseline(corpus: Sequence[LabelledConversation], recipe: BaselineRecipe, taxonomy: Taxonomy) -> FittedBaseline:
    """Train on labelled conversations.

    Raises
    ------
    CorpusError
        When a stage has fewer labelled messages than there are folds, or one class of conversations is missing.
    """
    messages = training_messages(corpus, taxonomy)
    _check(corpus, messages, recipe, taxonomy)
    folds = _folds(corpus, recipe)
    decisions = np.zeros(messages.labels.shape)
    for number, held_out in enumerate(folds, 1):
        inside = np.isin(messages.conversations, held_out)
        stages = _fit_stages(messages, ~inside, recipe)
        decisions[inside] = stages.decision([text for text, here in zip(messages.texts, inside, strict=True) if here])
        logger.info("fold %d of %d: %d messages held out", number, len(folds), inside.sum())
    calibration = _fit_calibration(decisions, messages.labels)
    probabilities = calibration.probability(decisions)
    evidence = _evidence(messages, probabilities, recipe.risk.top)
    speaker_risk = np.zeros(len(messages.texts))
    for held_out in folds:
        inside = np.isin(messages.conversations, held_out)
        head = _fit_risk(corpus, messages, evidence, ~inside, recipe)
        speaker_risk[inside] = _sigmoid(evidence[inside] @ head.weights + head.intercept)
    slope, offset = _calibrate_risk(corpus, messages, speaker_risk)
    speaker_risk = _sigmoid(slope * _logit(speaker_risk) + offset)
    everything = np.ones(len(messages.texts), bool)
    head = _fit_risk(corpus, messages, evidence, everything, recipe)
    model = BaselineModel(
        taxonomy=taxonomy,
        stages=_fit_stages(messages, everything, recipe),
        calibration=calibration,
        risk_head=RiskHead((slope * head.weights).astype(np.float32), slope * head.intercept + offset, head.top),
    )
    return FittedBaseline(model, CrossFitted(messages, probabilities, speaker_risk))


def training_messages(corpus: Sequence[LabelledConversation], taxonomy: Taxonomy) -> TrainingMessages:
    """Put the messages that have words and a speaker into columns."""
    texts: list[str] = []
    speakers: list[str] = []
    conversations: list[int] = []
    labels: list[list[int]] = []
    for number, conversation in enumerate(corpus):
        for position, (speaker, text) in utterances(conversation.messages):
            texts.append(text)
            speakers.append(speaker)
            conversations.append(number)
            labels.append([_known(conversation.label(position, stage)) for stage in taxonomy.keys])
    return TrainingMessages(texts, speakers, np.asarray(conversations, np.int64), np.asarray(labels, np.int8))


def _known(label: bool | None) -> int:
    return MISSING if label is None else int(label)


def _check(corpus: Sequence[LabelledConversation], messages: TrainingMessages, recipe: BaselineRecipe, taxonomy: Taxonomy) -> None:
    for column, stage in enumerate(taxonomy.keys):
        found = len(np.unique(messages.conversations[messages.labels[:, column] == 1])) if len(messages.texts) else 0
        if found < recipe.folds:
            raise CorpusError(
                f"stage {stage} stands in {found} conversation(s); {recipe.folds} folds need as many",
                do="Give more labelled conversations, or fewer folds",
            )
    if len({conversation.is_grooming for conversation in corpus} - {None}) < 2:
        raise CorpusError("the corpus holds no ordinary conversation", do="Give some with --ordinary")


def _folds(corpus: Sequence[LabelledConversation], recipe: BaselineRecipe) -> list[NDArray[np.int64]]:
    kinds = [str(conversation.is_grooming) for conversation in corpus]
    groups = [conversation.group for conversation in corpus]
    splitter = StratifiedGroupKFold(n_splits=recipe.folds, shuffle=True, random_state=recipe.seed)
    return [held_out for _, held_out in splitter.split(kinds, kinds, groups)]


def _fit_stages(messages: TrainingMessages, chosen: NDArray[np.bool_], recipe: BaselineRecipe) -> LinearStages:
    texts = [text for text, here in zip(messages.texts, chosen, strict=True) if here]
    features = recipe.features
    blocks, matrices = [], []
    for analyser, limit in (
        (word_analyser(features.word_ngrams), features.max_word_features),
        (char_analyser(features.char_ngrams), features.max_char_features),
    ):
        vectorizer = TfidfVectorizer(analyzer=analyser, min_df=features.min_messages, max_features=limit, sublinear_tf=True)  # pyright: ignore[reportArgumentType]
        matrices.append(vectorizer.fit_transform(texts))
        blocks.append(NgramBlock(analyser, tuple(vectorizer.get_feature_names_out()), vectorizer.idf_.astype(np.float32)))
    matrix = csr_matrix(hstack(matrices))
    labels = messages.labels[chosen]
    weights, intercepts = [], []
    for stage in range(labels.shape[1]):
        known = labels[:, stage] != MISSING
        regression = _regression(recipe.stages.inverse_regularisation, recipe.stages.class_weight, recipe.seed)
        regression.fit(matrix[known], labels[known, stage])
        weights.append(np.ravel(regression.coef_))
        intercepts.append(np.ravel(regression.intercept_)[0])
    return LinearStages(blocks, np.stack(weights, axis=1).astype(np.float32), np.asarray(intercepts, np.float32))


def _regression(inverse_regularisation: float, class_weight: str, seed: int) -> LogisticRegression:
    return LogisticRegression(
        C=inverse_regularisation,
        class_weight=None if class_weight == "none" else class_weight,
        solver="liblinear",
        random_state=seed,
        max_iter=1000,
    )


def _fit_calibration(decisions: NDArray[np.float64], labels: NDArray[np.int8]) -> Platt:
    slopes, offsets = [], []
    for stage in range(labels.shape[1]):
        known = labels[:, stage] != MISSING
        regression = LogisticRegression(C=1e6).fit(decisions[known, stage : stage + 1], labels[known, stage])
        slopes.append(np.ravel(regression.coef_)[0])
        offsets.append(np.ravel(regression.intercept_)[0])
    return Platt(np.asarray(slopes), np.asarray(offsets))


def _evidence(messages: TrainingMessages, probabilities: NDArray[np.float64], top: int) -> NDArray[np.float64]:
    """Return the risk features after each message, for its speaker: shape (messages, 2 · stages + 1)."""
    rows = []
    for _, group in groupby(range(len(messages.texts)), key=lambda row: messages.conversations[row]):
        speakers: dict[str, SpeakerEvidence] = {}
        for row in group:
            evidence = speakers.setdefault(messages.speakers[row], SpeakerEvidence(probabilities.shape[1], top))
            evidence.add(probabilities[row].tolist())
            rows.append(evidence.features())
    return np.asarray(rows)


def _fit_risk(
    corpus: Sequence[LabelledConversation],
    messages: TrainingMessages,
    evidence: NDArray[np.float64],
    chosen: NDArray[np.bool_],
    recipe: BaselineRecipe,
) -> RiskHead:
    """Fit the risk that a speaker grooms on prefixes, which end after some of the speaker's messages.

    Every speaker of a conversation weighs the same, however long; both classes weigh the same, so that 0.5 means even odds
    *if grooming were as common as not*. A speaker whose conversation is not labelled that far takes no part.
    """
    rows, targets, weights = [], [], []
    chosen_rows = np.flatnonzero(chosen)
    speakers: dict[tuple[int, str], list[int]] = {}
    for row in chosen_rows:
        speakers.setdefault((int(messages.conversations[row]), messages.speakers[row]), []).append(int(row))
    for (conversation, speaker), own in speakers.items():
        groomers = corpus[conversation].groomers
        if groomers is None:
            continue
        picked = sorted({own[int(position)] for position in np.linspace(0, len(own) - 1, recipe.risk.prefixes)})
        rows.extend(picked)
        targets.extend([int(speaker in groomers)] * len(picked))
        weights.extend([1.0 / len(picked)] * len(picked))
    regression = _regression(recipe.risk.inverse_regularisation, "balanced", recipe.seed)
    regression.fit(evidence[rows], targets, sample_weight=weights)
    return RiskHead(np.ravel(regression.coef_).astype(np.float32), float(np.ravel(regression.intercept_)[0]), recipe.risk.top)


def _calibrate_risk(
    corpus: Sequence[LabelledConversation], messages: TrainingMessages, speaker_risk: NDArray[np.float64]
) -> tuple[float, float]:
    """Fit a slope and an offset at even odds on the cross-fitted risk after each speaker's last message.

    On many conversations the head is far too sure, so that its highest risks could not be told apart as numbers.
    """
    last: dict[tuple[int, str], int] = {}
    for row, key in enumerate(zip(messages.conversations.tolist(), messages.speakers, strict=True)):
        last[key] = row
    known = [(row, speaker, corpus[number].groomers) for (number, speaker), row in last.items()]
    rows = [row for row, _, groomers in known if groomers is not None]
    targets = [int(speaker in groomers) for _, speaker, groomers in known if groomers is not None]
    fitted = LogisticRegression(C=1e6, class_weight="balanced").fit(_logit(speaker_risk[rows])[:, None], targets)
    slope, offset = float(np.ravel(fitted.coef_)[0]), float(np.ravel(fitted.intercept_)[0])
    return (slope, offset) if slope > 0 else (1.0, 0.0)


def _logit(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    clipped = np.clip(probability, 1e-13, 1 - 1e-13)
    return np.log(clipped / (1 - clipped))


def _sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1.0 / (1.0 + np.exp(-np.clip(logits, -30.0, 30.0)))
