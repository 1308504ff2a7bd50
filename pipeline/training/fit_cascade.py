"""Fit the prefilter of a cascade by distillation: it learns which conversations the trained model would flag.

The evidence of a message learns from the model's own stage probabilities, the estimate of a speaker's risk, where it is highest,
from whether the model flags the speaker or the corpus names the speaker as a groomer, both at once: on the training part, and on
further ordinary chat (`cascade.ordinary`), which the model scores as it is and split into sentences (`synthetic_chats`). It needs
much more ordinary chat than the network, because ordinary chat is what it must recognise. Some grooming conversations follow
synthetic chats of the same two speakers: ordinary chat before must not hide them. The cut is chosen on validation: low enough that
no conversation is lost there that the model finds, lower by a margin, since a few hundred conversations cannot show a loss of half
a point. What it loses is then measured on the test part.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics import Judged
from evaluation.summary import ORDINARY_CHAT
from pipeline.corpora.augment.synthetic_chats import synthetic_chats
from pipeline.corpora.labelled import LabelledConversation
from pipeline.model.encoder.encoder import EncoderModel
from pipeline.model.encoder.prefilter import ALLOWED_LOSS, Prefilter, fine
from pipeline.model.predict import predict_labelled
from pipeline.model.scorable import utterances
from pipeline.recipes import CascadeSettings
from pipeline.thresholds import Thresholds
from pipeline.training.dataset import DatasetSplits
from pipeline.training.distillation import Batch, Student, make_batch, train_student
from pipeline.training.piece_vectors import PieceVectors

MARGIN = 0.5
"""How far below the lowest found validation conversation the cut lies, in log-odds."""

_CHATS_PER_SYNTHETIC_CHAT = 4
"""Ordinary chats for each synthetic chat that is trained on."""

_GROOMING_AFTER, _SYNTHETIC_AFTER = 0.5, 0.1
"""The share of grooming conversations, and of synthetic chats, that are trained on again with synthetic chats before them."""

_CHATS_BEFORE = (1, 1, 2, 3)

_WHOLE = 127


@dataclass(frozen=True)
class _Read:
    """A conversation as the prefilter and the model read it; ``groomers`` none where the corpus does not say who."""

    messages: list[list[int]]
    speakers: tuple[str, ...]
    stages: NDArray[np.float32]
    speaker_risk: NDArray[np.float32]
    peak: float
    grooming: bool | None
    groomers: frozenset[str]
    chat: bool

    def found(self, threshold: float) -> frozenset[str]:
        """Return the speakers whom the model flags, or the corpus names."""
        flagged = np.asarray(self.speaker_risk) >= threshold
        return self.groomers | {speaker for speaker, high in zip(self.speakers, flagged, strict=True) if high}


def fit_cascade(
    dataset: DatasetSplits,
    model: EncoderModel,
    thresholds: Thresholds,
    settings: CascadeSettings,
    *,
    vectors: PieceVectors,
    validation: Sequence[Judged],
    test: Sequence[Judged],
    seed: int = 0,
) -> Prefilter:
    """Return a prefilter of ``model`` with its measured figures, to be saved into the model folder.

    ``validation`` and ``test`` are what the model said of those parts, in their order.

    ``figures`` holds ``recall_loss``, ``found`` (how many conversations with grooming the model finds in the test part),
    ``passed_on`` (the share of its ordinary conversations that go to the network), ``passed_chat`` (that of its ordinary chat
    alone), and ``threshold``.
    """
    learned_from = [*dataset.train, *dataset.composed, *dataset.more]
    read = list(_read(learned_from, predict_labelled(learned_from, model), model))
    chats = list(synthetic_chats(dataset.more, seed=seed, most=settings.ordinary // _CHATS_PER_SYNTHETIC_CHAT))
    synthetic = list(_read(chats, predict_labelled(chats, model), model))
    examples = list(_examples(read, synthetic, threshold=thresholds.risk, seed=seed))
    damped = vectors.damped(_counts([*read, *synthetic], len(vectors.whole)))
    members = [
        train_student(examples, damped, stages=len(model.taxonomy.keys), epochs=settings.epochs, seed=seed + number)
        for number in range(settings.members)
    ]
    first = as_prefilter(members, damped, figures={})
    return adjust_cascade(first, dataset, model, thresholds, validation=validation, test=test)


def adjust_cascade(
    prefilter: Prefilter,
    dataset: DatasetSplits,
    model: EncoderModel,
    thresholds: Thresholds,
    *,
    validation: Sequence[Judged],
    test: Sequence[Judged],
) -> Prefilter:
    """Return a prefilter of an earlier model with the cut and the figures that it has before ``model``; see `fit_cascade`."""
    first = replace(prefilter, figures={"threshold": thresholds.risk})
    first = replace(first, cut=_choose_cut(first, list(_read(dataset.validation, validation, model)), thresholds.risk))
    return replace(first, figures={**first.figures, **_measure(first, list(_read(dataset.test, test, model)), thresholds)})


def as_prefilter(members: Sequence[Student], vectors: PieceVectors, *, figures: dict[str, float]) -> Prefilter:
    """Return the members as they read at scoring time, with numbers of few places and nothing cut."""

    def stacked(name: str) -> NDArray[np.float64]:
        return np.stack([member.get_parameter(name).detach().double().numpy() for member in members])

    weights = stacked("weights.weight")
    scale = np.maximum(np.abs(weights).max(axis=(1, 2)), 1e-9) / _WHOLE
    return Prefilter(
        vectors=vectors.whole,
        weights=np.round(weights / scale[:, None, None]).astype(np.int8).swapaxes(0, 1),
        scale=scale,
        intercepts=stacked("intercepts") + stacked("outer.bias"),
        inner=fine(stacked("inner.weight") * vectors.unit),
        inner_offsets=fine(stacked("inner.bias")),
        outer=fine(stacked("outer.weight")),
        head=stacked("head.weight")[:, 0],
        offsets=stacked("head.bias")[:, 0],
        cut=0.0,
        figures=figures,
    )


def _examples(read: Sequence[_Read], synthetic: Sequence[_Read], *, threshold: float, seed: int) -> Iterator[Batch]:
    """Yield an example of each conversation and each synthetic chat, and of some of them after synthetic chats."""
    chance = random.Random(seed)  # noqa: S311 - variety, no secret
    quiet = [chat for chat in synthetic if not chat.found(threshold)]
    shares = [_GROOMING_AFTER if conversation.found(threshold) else 0.0 for conversation in read] + [_SYNTHETIC_AFTER] * len(
        synthetic
    )
    for conversation, share in zip([*read, *synthetic], shares, strict=True):
        flagged = conversation.found(threshold)
        yield make_batch(conversation.messages, conversation.speakers, conversation.stages, conversation.speaker_risk, flagged)
        if quiet and chance.random() < share:
            yield _after([chance.choice(quiet) for _ in range(chance.choice(_CHATS_BEFORE))], conversation, flagged, chance)


def _after(before: Sequence[_Read], conversation: _Read, flagged: frozenset[str], chance: random.Random) -> Batch:
    """Return a batch of a conversation that follows others; the speakers of those get the names of its own."""
    speaker_names = list(dict.fromkeys(conversation.speakers))
    speakers: list[str] = []
    for other in before:
        chance.shuffle(speaker_names)
        names = list(dict.fromkeys(other.speakers))
        cast = {
            name: speaker_names[number] if number < len(speaker_names) else f"{name} besides" for number, name in enumerate(names)
        }
        speakers += [cast[name] for name in other.speakers]
    messages = [message for other in before for message in other.messages]
    stages = np.concatenate([*(other.stages for other in before), conversation.stages])
    risk = np.full(len(stages), np.nan, np.float32)  # the model has not read them on end
    return make_batch([*messages, *conversation.messages], [*speakers, *conversation.speakers], stages, risk, flagged)


def _counts(read: Sequence[_Read], pieces: int) -> NDArray[np.int64]:
    """Return how often each word piece occurs in ordinary chat."""
    counts: Counter[int] = Counter()
    for conversation in read:
        if conversation.chat:
            counts.update(piece for message in conversation.messages for piece in message[1:])
    return np.asarray([counts[piece] for piece in range(pieces)], np.int64)


def _measure(first: Prefilter, read: Sequence[_Read], thresholds: Thresholds) -> dict[str, float | int | None]:
    """Return what the prefilter loses of what the model finds, and what share of ordinary conversations it passes on."""
    peaks = _peaks(first, read)
    passed = peaks >= first.cut
    grooming = np.asarray([conversation.grooming is True for conversation in read], bool)
    ordinary = np.asarray([conversation.grooming is False for conversation in read], bool)
    chat = ordinary & np.asarray([conversation.chat for conversation in read], bool)
    flagged = grooming & np.asarray([conversation.peak >= thresholds.risk for conversation in read], bool)
    return {
        "recall_loss": round(float((flagged & ~passed).sum() / grooming.sum()), 4) if grooming.any() else None,
        "found": int(flagged.sum()),
        "grooming": int(grooming.sum()),
        "passed_on": round(float(passed[ordinary].mean()), 4) if ordinary.any() else None,
        "passed_chat": round(float(passed[chat].mean()), 4) if chat.any() else None,
        "ordinary": int(ordinary.sum()),
        "allowed_loss": ALLOWED_LOSS,
    }


def _read(conversations: Sequence[LabelledConversation], judged: Sequence[Judged], model: EncoderModel) -> Iterator[_Read]:
    pieces = model.tokenizer.pieces([[line for _, line in utterances(conversation.messages)] for conversation in conversations])
    for messages, conversation in zip(pieces, judged, strict=True):
        if messages:
            groomers = conversation.groomers or frozenset()
            chat = conversation.attributes.get("situation") == ORDINARY_CHAT
            yield _Read(
                messages,
                conversation.speakers,
                conversation.stages,
                conversation.speaker_risk,
                conversation.peak,
                conversation.grooming,
                groomers,
                chat,
            )


def _peaks(first: Prefilter, read: Sequence[_Read]) -> NDArray[np.float64]:
    running = first.running([conversation.messages for conversation in read], [conversation.speakers for conversation in read])
    return np.asarray([float(risks.max()) for risks in running])


def _choose_cut(first: Prefilter, read: Sequence[_Read], threshold: float) -> float:
    """Return the cut: a margin below the lowest conversation with grooming that the model finds, never above its threshold."""
    peaks = _peaks(first, read)
    flagged = np.asarray([conversation.grooming is True and conversation.peak >= threshold for conversation in read], bool)
    if not flagged.any():
        return 0.0
    lowest = float(np.clip(peaks[flagged].min(), 1e-6, 1 - 1e-6))
    cut = 1.0 / (1.0 + np.exp(-(np.log(lowest / (1.0 - lowest)) - MARGIN)))
    return float(min(cut, threshold))
