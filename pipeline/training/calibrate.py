"""Calibrate stages, ages and the risk on conversations that a model did not learn from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from pipeline.corpora.labelled import LabelledConversation
from pipeline.model.calibration import Platt
from pipeline.model.risk_head import RiskHead
from pipeline.training.fit_risk import Scored, against_look_alikes, fit_risk


class Labels(Protocol):
    """What is known of a conversation with *n* messages; see `pipeline.training.examples.Example`."""

    @property
    def id(self) -> str:
        """The id of the conversation."""
        ...

    @property
    def speakers(self) -> tuple[str, ...]:
        """Who wrote each message."""
        ...

    @property
    def stages(self) -> NDArray[np.float32]:
        """The labels, of shape (n, stages): 1, 0, or NaN where the corpus does not say."""
        ...

    @property
    def young(self) -> NDArray[np.float32]:
        """Whether somebody under 18 wrote each message, of shape (n,): 1, 0, or NaN."""
        ...

    @property
    def groomers(self) -> frozenset[str] | None:
        """Who grooms; ``None`` where the corpus does not say."""
        ...

    @property
    def grooming(self) -> bool | None:
        """Whether somebody grooms; ``None`` where the corpus does not say."""
        ...


@dataclass(frozen=True)
class Calibrated:
    """What is fitted on conversations that the model did not learn from; ``ages`` is empty where it estimates none."""

    stages: Platt
    ages: Platt
    risk: RiskHead


def calibrate(
    given: Iterable[NDArray[np.floating]],
    labels: Sequence[Labels],
    *,
    look_alikes: frozenset[str] = frozenset(),
) -> Calibrated:
    """Fit a slope and an offset for each stage and for the ages, and then the risk head, to the logits of conversations.

    ``given`` are logits of shape (n, stages), or (n, stages + 1) of a model that estimates ages in the last column. Stages and ages
    are calibrated as often as they occur there. The risk is calibrated at even odds and where people meet it, at the highest that
    a conversation reaches; against the ordinary conversations with the ids ``look_alikes``.
    """
    logits = list(given)
    scores, known = np.concatenate(logits), np.concatenate([conversation.stages for conversation in labels])
    count = known.shape[1]
    stages = _platts(scores[:, :count], known)
    young = np.concatenate([conversation.young for conversation in labels])
    ages = _platts(scores[:, count:], young[:, None])
    scored = [
        Scored(
            stages.probability(part[:, :count]),
            ages.probability(part[:, count:])[:, 0] if len(ages.slope) else None,
            conversation.speakers,
            conversation.groomers,
            conversation.grooming,
        )
        for part, conversation in zip(logits, labels, strict=True)
    ]
    risk = against_look_alikes(fit_risk(scored), scored, [conversation.id in look_alikes for conversation in labels])
    return Calibrated(stages, ages, risk)


def look_alikes_of(conversations: Sequence[LabelledConversation]) -> frozenset[str]:
    """Return the ids of the ordinary conversations that could be taken for grooming."""
    return frozenset(
        conversation.id
        for conversation in conversations
        if conversation.is_grooming is False and conversation.attributes.get("hard") == "true"
    )


def _platts(scores: NDArray[np.floating], labels: NDArray[np.floating]) -> Platt:
    pairs = [_platt(scores[:, column], labels[:, column]) for column in range(scores.shape[1])]
    return Platt(np.asarray([slope for slope, _ in pairs]), np.asarray([offset for _, offset in pairs]))


def _platt(scores: NDArray[np.floating], labels: NDArray[np.floating]) -> tuple[float, float]:
    known = ~np.isnan(labels)
    if len(np.unique(labels[known])) < 2:
        return 1.0, 0.0
    fitted = LogisticRegression(C=10.0).fit(scores[known, None], labels[known])
    slope, offset = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    return (slope, offset) if slope > 0 and math.isfinite(slope) else (1.0, 0.0)
