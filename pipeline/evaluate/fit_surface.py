"""Fit the surface model of the benchmark of transfer. Needs scikit-learn, which the extra `train` brings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression

from pipeline.config import Taxonomy
from pipeline.corpora.labelled import LabelledConversation
from pipeline.evaluate.plain_models import SurfaceModel, surface_features
from pipeline.model.scorable import utterances


def fit_surface(conversations: Sequence[LabelledConversation], taxonomy: Taxonomy) -> SurfaceModel:
    """Return the surface model that labelled conversations teach; those that nobody labelled are left out."""
    lines = [([line for _, line in utterances(conversation.messages)], conversation.is_grooming) for conversation in conversations]
    known = [(turns, grooming) for turns, grooming in lines if turns and grooming is not None]
    rows = np.stack([surface_features(turns) for turns, _ in known])
    mean, scale = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-9)
    fitted = LogisticRegression(class_weight="balanced").fit((rows - mean) / scale, [bool(grooming) for _, grooming in known])
    weights = fitted.coef_[0] / scale
    return SurfaceModel(taxonomy, weights, float(fitted.intercept_[0] - weights @ mean))
