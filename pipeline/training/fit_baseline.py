"""Train the baseline: TF-IDF n-grams and a logistic regression a stage on the training part, calibrated on the validation part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from pipeline.config import Taxonomy
from pipeline.errors import CorpusError
from pipeline.model.ngram.baseline import BaselineModel
from pipeline.model.ngram.ngrams import LinearStages, NgramBlock, char_analyser, word_analyser
from pipeline.recipes import BaselineRecipe
from pipeline.training.calibrate import calibrate, look_alikes_of
from pipeline.training.dataset import DatasetSplits
from pipeline.training.examples import labelled_utterances


def fit_baseline(dataset: DatasetSplits, recipe: BaselineRecipe, taxonomy: Taxonomy) -> BaselineModel:
    """Train on the training part and calibrate on the validation part.

    Raises
    ------
    CorpusError
        When no message of the training part carries a stage, or none is known to carry none.
    """
    train = list(labelled_utterances(dataset.train, stages=taxonomy.keys))
    validation = list(labelled_utterances(dataset.validation, stages=taxonomy.keys))
    texts = [text for conversation in train for text in conversation.texts]
    stages = fit_stages(texts, np.concatenate([conversation.stages for conversation in train]), recipe, taxonomy.keys)
    calibrated = calibrate(
        [stages.decision(conversation.texts) for conversation in validation],
        validation,
        look_alikes=look_alikes_of(dataset.validation),
    )
    return BaselineModel(taxonomy=taxonomy, stages=stages, calibration=calibrated.stages, risk_head=calibrated.risk)


def fit_stages(texts: Sequence[str], labels: NDArray[np.float32], recipe: BaselineRecipe, stages: Sequence[str]) -> LinearStages:
    """Train a logistic regression a stage on messages. ``labels`` of shape (texts, stages): 1, 0, or NaN where nobody knows.

    Raises
    ------
    CorpusError
        When no message carries a stage, or none is known to carry none.
    """
    for column, key in enumerate(stages):
        if len(np.unique(labels[~np.isnan(labels[:, column]), column])) < 2:
            raise CorpusError(
                f"the training part does not hold messages with and without the stage {key}",
                do="Give more labelled conversations, or a taxonomy of the stages that they have",
            )
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
    weights, intercepts = [], []
    for column in range(labels.shape[1]):
        known = ~np.isnan(labels[:, column])
        regression = LogisticRegression(
            C=recipe.stages.inverse_regularisation,
            class_weight=None if recipe.stages.class_weight == "none" else recipe.stages.class_weight,
            solver="liblinear",
            random_state=recipe.seed,
            max_iter=1000,
        )
        regression.fit(matrix[known], labels[known, column])
        weights.append(np.ravel(regression.coef_))
        intercepts.append(np.ravel(regression.intercept_)[0])
    return LinearStages(blocks, np.stack(weights, axis=1).astype(np.float32), np.asarray(intercepts, np.float32))
