"""Fit the first pass of a cascade to a trained model: what would that model flag, as far as a linear reading can tell?

The evidence of a message learns from the model's own stage probabilities on the training part, the estimate of a speaker's risk
from whether the model flags the speaker, or the corpus names the speaker as a groomer; both cross-fitted by conversation. The cut
is chosen on the validation part: low enough that no conversation is lost there that the model finds, and lower by a margin,
since a few hundred conversations cannot show a loss of half a point. The training part cannot help: the model finds
conversations there that it knows by heart, and a cut for those passes nearly everything on. What it loses is then measured on the
test part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from sklearn.linear_model import LogisticRegression

from evaluation.metrics import Judged
from pipeline.corpora.labelled import LabelledConversation
from pipeline.model.encoder import EncoderModel
from pipeline.model.evidence import rows_of
from pipeline.model.first_pass import ALLOWED_LOSS, BITS, FirstPass, features, hashed, kinds
from pipeline.model.spoken import spoken
from pipeline.model.thresholds import Thresholds
from pipeline.model.training.dealt import Dealt
from pipeline.model.training.judging import judge

MARGIN = 0.5
"""How far below the lowest found validation conversation the cut lies, in log-odds."""

_FOLDS = 3
_REGULARISATION = 4.0
_MOST_MESSAGES = 120_000
_WHOLE = 32_000


@dataclass(frozen=True)
class _Read:
    """A conversation as the first pass and the model read it; ``groomers`` none where the corpus does not say who."""

    messages: list[list[int]]
    speakers: tuple[str, ...]
    stages: NDArray[np.float32]
    speaker_risk: NDArray[np.float32]
    peak: float
    grooming: bool | None
    groomers: frozenset[str]


def fit_cascade(
    dealt: Dealt,
    model: EncoderModel,
    thresholds: Thresholds,
    *,
    validation: Sequence[Judged],
    test: Sequence[Judged],
    seed: int = 0,
) -> FirstPass:
    """Return a first pass of ``model`` with its measured figures, to be saved into the model folder.

    ``validation`` and ``test`` are what the model said of those parts, in their order.

    ``figures`` holds ``recall_loss``, ``found`` (how many conversations with grooming the model finds in the test part), and
    ``passed_on`` (the share of its ordinary conversations that go to the network), and ``threshold``.
    """
    learned_from = [*dealt.train, *dealt.composed]
    train = list(_read(learned_from, judge(learned_from, model), model))
    rng = np.random.default_rng(seed)
    folds = rng.integers(0, _FOLDS, len(train))
    known: list[NDArray[np.float64]] = []
    flags: list[NDArray[np.float64]] = []
    for fold in range(_FOLDS):
        held_out = [one for one, own in zip(train, folds, strict=True) if own == fold]
        weights, intercepts = _fit_evidence([one for one, own in zip(train, folds, strict=True) if own != fold], rng)
        for one in held_out:
            rows, own = _speaker_features(one, weights, intercepts, thresholds.risk)
            known.append(rows)
            flags.append(own)
    flagged = np.concatenate(flags)
    stages = len(thresholds.stages) if not train else train[0].stages.shape[1]
    head, offset = np.zeros(2 * (stages + 1)), 0.0
    if len(np.unique(flagged)) == 2:
        fitted = LogisticRegression(C=1.0, class_weight="balanced", max_iter=1000).fit(np.concatenate(known), flagged)
        head, offset = fitted.coef_[0].astype(np.float64), float(fitted.intercept_[0])
    weights, intercepts = _fit_evidence(train, rng)
    scale = float(np.abs(weights).max() / _WHOLE) or 1.0
    first = FirstPass(
        weights=np.round(weights / scale).astype(np.int16),
        scale=scale,
        intercepts=intercepts,
        head=head,
        offset=offset,
        cut=0.0,
        figures={"threshold": thresholds.risk},
    )
    first = replace(first, cut=_choose_cut(first, list(_read(dealt.validation, validation, model)), thresholds.risk))
    return replace(first, figures={**first.figures, **_measure(first, list(_read(dealt.test, test, model)), thresholds)})


def _measure(first: FirstPass, read: Sequence[_Read], thresholds: Thresholds) -> dict[str, float | int | None]:
    """Return what the first pass loses of what the model finds, and what share of ordinary conversations it passes on."""
    peaks = _peaks(first, read)
    passed = peaks >= first.cut
    grooming = np.asarray([one.grooming is True for one in read], bool)
    ordinary = np.asarray([one.grooming is False for one in read], bool)
    found = grooming & np.asarray([one.peak >= thresholds.risk for one in read], bool)
    return {
        "recall_loss": round(float((found & ~passed).sum() / grooming.sum()), 4) if grooming.any() else None,
        "found": int(found.sum()),
        "grooming": int(grooming.sum()),
        "passed_on": round(float(passed[ordinary].mean()), 4) if ordinary.any() else None,
        "ordinary": int(ordinary.sum()),
        "allowed_loss": ALLOWED_LOSS,
    }


def _read(conversations: Sequence[LabelledConversation], judged: Sequence[Judged], model: EncoderModel) -> Iterator[_Read]:
    pieces = model.encoding.pieces([[line for _, line in spoken(one.messages)] for one in conversations])
    for messages, one in zip(pieces, judged, strict=True):
        if messages:
            groomers = one.groomers or frozenset()
            yield _Read(messages, one.speakers, one.stages, one.speaker_risk, one.peak, one.grooming, groomers)


def _matrix(messages: Sequence[Sequence[int]]) -> csr_matrix:
    """Return the bags of features, each weighing one over the root of how many a message has."""
    features, counts = hashed(messages)
    values = np.repeat(1.0 / np.sqrt(np.maximum(counts, 1)), counts)
    return csr_matrix((values, features, np.concatenate([[0], np.cumsum(counts)])), shape=(len(counts), 1 << BITS))


def _fit_evidence(read: Sequence[_Read], rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit a logistic regression a stage to the model's probabilities: each message counts as a sign and as none, by its share."""
    messages = [message for one in read for message in one.messages]
    told = np.concatenate([one.stages for one in read])
    if len(messages) > _MOST_MESSAGES:
        chosen = np.sort(rng.choice(len(messages), _MOST_MESSAGES, replace=False))
        messages, told = [messages[number] for number in chosen], told[chosen]
    rows = _matrix(messages)
    weights = np.zeros((1 << BITS, told.shape[1]))
    intercepts = np.full(told.shape[1], -6.0)
    for stage in range(told.shape[1]):
        share = told[:, stage].astype(float)
        signs = np.flatnonzero(share > 0.02)
        if not len(signs):
            continue
        both = vstack([rows, rows[signs]])
        labels = np.concatenate([np.zeros(len(share)), np.ones(len(signs))])
        weight = np.concatenate([1.0 - share, share[signs]])
        fitted = LogisticRegression(C=_REGULARISATION, max_iter=100, tol=1e-3).fit(both, labels, sample_weight=weight)
        weights[:, stage], intercepts[stage] = fitted.coef_[0], fitted.intercept_[0]
    return weights, intercepts


def _speaker_features(
    one: _Read, weights: NDArray[np.float64], intercepts: NDArray[np.float64], threshold: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what the head learns from, for each speaker at the end, and the flag."""
    odds = kinds(np.asarray(_matrix(one.messages) @ weights + intercepts))
    shares = 1.0 / (1.0 + np.exp(-odds))
    rows, flags = [], []
    for own in rows_of(one.speakers):
        rows.append(np.asarray(features(odds[own].max(axis=0), shares[own].sum(axis=0))))
        named = one.speakers[own[0]] in one.groomers
        flags.append(float(named or bool((one.speaker_risk[own] >= threshold).any())))
    return np.asarray(rows), np.asarray(flags)


def _peaks(first: FirstPass, read: Sequence[_Read]) -> NDArray[np.float64]:
    running = first.running([one.messages for one in read], [one.speakers for one in read])
    return np.asarray([float(own.max()) for own in running])


def _choose_cut(first: FirstPass, read: Sequence[_Read], threshold: float) -> float:
    """Return the cut: a margin below the lowest conversation with grooming that the model finds, never above its threshold."""
    peaks = _peaks(first, read)
    found = np.asarray([one.grooming is True and one.peak >= threshold for one in read], bool)
    if not found.any():
        return 0.0
    lowest = float(np.clip(peaks[found].min(), 1e-6, 1 - 1e-6))
    cut = 1.0 / (1.0 + np.exp(-(np.log(lowest / (1.0 - lowest)) - MARGIN)))
    return float(min(cut, threshold))
