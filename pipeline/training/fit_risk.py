"""Fit the risk head: few weights, none negative, on conversations that the network did not learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logit
from sklearn.linear_model import LogisticRegression

from pipeline.model.risk_head import LITTLE, RiskHead, evidence, running_ages, running_evidence

FLOOR = 3.0
"""Evidence counts as gathered from this many times a stage's mean on: what every message has tells nothing."""

_PRIOR = 0.02
"""How strongly weights are held to where they begin: noisy-or of maxima, which transfers well, with ages beside it."""

_FEWEST = 20
"""Conversations of each kind without which the risk is not set against those that could be taken for grooming."""

_AGES = frozenset({"grown", "young"})

_BEGIN = {"gather": 0.1, "slope": 1.5, "grown": 0.5, "young": 0.5}


@dataclass(frozen=True)
class Scored:
    """A conversation for the fit: ``stages`` of shape (n, stages) and ``child`` of (n,) are probabilities.

    ``child`` is ``None`` where the model estimates no ages; then they have no weight in the risk.
    """

    stages: NDArray[np.floating]
    child: NDArray[np.floating] | None
    speakers: tuple[str, ...]
    groomers: frozenset[str] | None
    grooming: bool | None


@dataclass(frozen=True)
class _Rows:
    """Where each speaker stands at the end: a row a speaker."""

    highest: NDArray[np.float64]
    gathered: NDArray[np.float64]
    grown: NDArray[np.float64]
    young: NDArray[np.float64]
    labels: NDArray[np.float64]
    weights: NDArray[np.float64]


def fit_risk(scored: Sequence[Scored]) -> RiskHead:
    """Return the head with the lowest cross-entropy over speakers at the end of their conversations, at even odds.

    A risk never falls, so the end is where it is highest. Where a corpus says only whether a conversation grooms, its speaker with
    the most evidence stands for it.
    """
    stages = scored[0].stages.shape[1]
    means = np.mean(np.concatenate([evidence(conversation.stages) for conversation in scored]), axis=0)
    floors = FLOOR * means
    rows = _rows(scored, floors)
    known_ages = scored[0].child is not None
    first = {name: value if known_ages or name not in _AGES else 0.0 for name, value in _BEGIN.items()}
    begin = np.asarray([*np.ones(stages), *first.values(), 0.0])
    scale = np.maximum(np.abs(begin), 0.5)

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights, (gather, slope, grown, young, offset) = values[:stages], values[stages:]
        kinds = rows.highest + gather * rows.gathered
        signs = kinds @ weights + LITTLE
        logits = slope * np.log(signs) + grown * rows.grown + young * rows.young + offset
        wrong = rows.weights * (1.0 / (1.0 + np.exp(-logits)) - rows.labels)
        inner = wrong * slope / signs
        gradient = [
            *(inner @ kinds),
            float(inner @ (rows.gathered @ weights)),
            float(wrong @ np.log(signs)),
            float(wrong @ rows.grown),
            float(wrong @ rows.young),
            float(wrong.sum()),
        ]
        apart = (values - begin) / scale
        apart[-1] = 0.0
        cost = float(rows.weights @ (np.logaddexp(0.0, logits) - rows.labels * logits))
        return cost + _PRIOR * float(apart @ apart), np.asarray(gradient) + 2 * _PRIOR * apart / scale

    most = [None if known_ages or name not in _AGES else 0.0 for name in _BEGIN]
    bounds = [(0.0, None)] * stages + [(0.0, highest) for highest in most] + [(None, None)]
    known = len(np.unique(rows.labels)) == 2
    fitted = minimize(loss, begin, jac=True, method="L-BFGS-B", bounds=bounds).x if known else begin
    gather, slope, grown, young, offset = (float(value) for value in fitted[stages:])
    return RiskHead(np.asarray(fitted[:stages]), floors, gather, slope, grown, young, offset)


def against_look_alikes(head: RiskHead, scored: Sequence[Scored], look_alikes: Sequence[bool]) -> RiskHead:
    """Return the head with its log-odds scaled and shifted so that 0.5 means even odds against what could be taken for grooming.

    ``look_alikes`` says which ordinary conversations could be. The order of conversations stays as it is.

    Ordinary chat would set 0.5 where nobody doubts: then most conversations that could be taken for grooming have 0.9 and more.
    """
    kept = [conversation for conversation, alike in zip(scored, look_alikes, strict=True) if conversation.grooming or alike]
    labels = np.asarray([bool(conversation.grooming) for conversation in kept], np.bool_)
    if min(labels.sum(), (~labels).sum()) < _FEWEST:
        return head
    peaks = [head.risks(conversation.stages, conversation.child, conversation.speakers)[1].max() for conversation in kept]
    fitted = LogisticRegression(C=100.0, class_weight="balanced").fit(logit(np.asarray(peaks, np.float64))[:, None], labels)
    scale, shift = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    if scale <= 0:
        return head
    scaled = {name: getattr(head, name) * scale for name in ("slope", "grown", "young")}
    return replace(head, **scaled, offset=head.offset * scale + shift)


def _rows(scored: Sequence[Scored], floors: NDArray[np.float64]) -> _Rows:
    parts: list[tuple[NDArray[np.float64], NDArray[np.float64], float, float, float]] = []
    for conversation in scored:
        if conversation.grooming is None or not len(conversation.speakers):
            continue
        highest, gathered = running_evidence(evidence(conversation.stages), floors, conversation.speakers)
        grown, young = running_ages(conversation.child, conversation.speakers)
        last = {speaker: row for row, speaker in enumerate(conversation.speakers)}
        groomers = conversation.groomers
        if groomers is None:
            most = max(last, key=lambda speaker: highest[last[speaker]].sum())
            last, groomers = {most: last[most]}, frozenset({most} if conversation.grooming else ())
        for speaker, row in last.items():
            parts.append((highest[row], np.log1p(gathered[row]), grown[row], young[row], float(speaker in groomers)))
    labels = np.asarray([part[4] for part in parts])
    even = np.where(labels == 1, 0.5 / max(labels.sum(), 1), 0.5 / max((labels == 0).sum(), 1))
    return _Rows(
        highest=np.asarray([part[0] for part in parts]),
        gathered=np.asarray([part[1] for part in parts]),
        grown=np.asarray([part[2] for part in parts]),
        young=np.asarray([part[3] for part in parts]),
        labels=labels,
        weights=even,
    )
