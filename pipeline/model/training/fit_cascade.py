"""Fit the first pass of a cascade to a trained model: what would that model flag, as far as a linear reading can tell?

The evidence of a message learns from the model's own stage probabilities, the estimate of a speaker's risk from whether the model
flags the speaker or the corpus names the speaker as a groomer, both at once: on the training part, and on ordinary chat besides
(`cascade.ordinary`), which the model reads for it, as it stands and typed in sentences (`evenings`). Of ordinary chat it needs much
more than the network, since that is what it is there to know. The cut is chosen on the validation part: low enough that no
conversation is lost there that the model finds, and lower by a margin, since a few hundred conversations cannot show a loss of half
a point. What it loses is then measured on the test part.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from evaluation.metrics import Judged
from evaluation.summary import ORDINARY_CHAT
from pipeline.config import CascadeSettings
from pipeline.corpora.evenings import evenings
from pipeline.corpora.labelled import LabelledConversation
from pipeline.model.encoder import EncoderModel
from pipeline.model.evidence import rows_of
from pipeline.model.first_pass import ALLOWED_LOSS, BITS, HIGH, LITTLE, LOW, FirstPass, hashed
from pipeline.model.spoken import spoken
from pipeline.model.thresholds import Thresholds
from pipeline.model.training.dealt import Dealt
from pipeline.model.training.judging import judge

MARGIN = 0.5
"""How far below the lowest found validation conversation the cut lies, in log-odds."""

_BATCH = 32
_RATE = 3e-3
_LEFT_OUT = 0.7
"""Of the features, others each time, so that none is relied on alone: with 0.1 the few conversations with grooming were learned by
heart, and two thirds of evenings of ordinary chat, not two fifths, had to be passed on to lose none of them in validation."""

_STAGES = 8.0
_SIGNS = 3.0
"""What the stages count for beside the risk, and a sign beside a message that is none."""

_CHATS_PER_EVENING = 4
"""One evening is learned from for so many chats."""

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
    chat: bool


@dataclass(frozen=True)
class _Lesson:
    """A conversation to learn from: hashed features and how many each message has, rows and flags of its speakers, stages."""

    features: Tensor
    counts: Tensor
    rows: list[Tensor]
    flags: Tensor
    stages: Tensor


class _Student(nn.Module):
    """The first pass in torch, with the shape of `FirstPass`."""

    def __init__(self, stages: int) -> None:
        super().__init__()
        self.weights = nn.EmbeddingBag(1 << BITS, stages, mode="sum")
        nn.init.zeros_(self.weights.weight)
        self.intercepts = nn.Parameter(torch.full((stages,), -4.0))
        self.head = nn.Linear(2 * (stages + 1), 1)

    def evidence(self, lesson: _Lesson) -> Tensor:
        """Return the log-odds of each stage for each message, of shape (messages, stages)."""
        owners = torch.repeat_interleave(torch.arange(len(lesson.counts)), lesson.counts)
        kept = torch.rand(len(owners)) >= _LEFT_OUT
        counts = torch.bincount(owners[kept], minlength=len(lesson.counts))
        sums = self.weights(lesson.features[kept], counts.cumsum(0) - counts)
        return sums / lesson.counts.clamp(min=1).sqrt().unsqueeze(1) + self.intercepts

    def risks(self, odds: Tensor, rows: Sequence[Tensor]) -> Tensor:
        """Return the logit of each speaker at the end, of shape (speakers,)."""
        bounded = torch.cat([odds, odds.max(dim=1, keepdim=True).values], dim=1).clamp(LOW, HIGH)
        shares = bounded.sigmoid()
        seen = [torch.cat([bounded[own].max(dim=0).values, torch.log(LITTLE + shares[own].sum(dim=0))]) for own in rows]
        return self.head(torch.stack(seen))[:, 0]


def fit_cascade(
    dealt: Dealt,
    model: EncoderModel,
    thresholds: Thresholds,
    settings: CascadeSettings,
    *,
    validation: Sequence[Judged],
    test: Sequence[Judged],
    seed: int = 0,
) -> FirstPass:
    """Return a first pass of ``model`` with its measured figures, to be saved into the model folder.

    ``validation`` and ``test`` are what the model said of those parts, in their order.

    ``figures`` holds ``recall_loss``, ``found`` (how many conversations with grooming the model finds in the test part),
    ``passed_on`` (the share of its ordinary conversations that go to the network), ``passed_chat`` (that of its ordinary chat
    alone), and ``threshold``.
    """
    typed = evenings(dealt.more, seed=seed, most=settings.ordinary // _CHATS_PER_EVENING)
    learned_from = [*dealt.train, *dealt.composed, *dealt.more, *typed]
    lessons = [_lesson(one, thresholds.risk) for one in _read(learned_from, judge(learned_from, model), model)]
    student = _teach(lessons, stages=len(model.taxonomy.keys), epochs=settings.epochs, seed=seed)
    weights = student.weights.weight.detach().double().numpy()
    scale = float(np.abs(weights).max() / _WHOLE) or 1.0
    first = FirstPass(
        weights=np.round(weights / scale).astype(np.int16),
        scale=scale,
        intercepts=student.intercepts.detach().double().numpy(),
        head=student.head.weight.detach().double().numpy()[0],
        offset=float(student.head.bias.detach()[0]),
        cut=0.0,
        figures={"threshold": thresholds.risk},
    )
    first = replace(first, cut=_choose_cut(first, list(_read(dealt.validation, validation, model)), thresholds.risk))
    return replace(first, figures={**first.figures, **_measure(first, list(_read(dealt.test, test, model)), thresholds)})


def _teach(lessons: Sequence[_Lesson], *, stages: int, epochs: int, seed: int) -> _Student:
    torch.manual_seed(seed)
    chance = random.Random(seed)  # noqa: S311 - an order, no secret
    student = _Student(stages)
    optimizer = torch.optim.Adam(student.parameters(), lr=_RATE)
    steps = epochs * -(-len(lessons) // _BATCH)
    pace = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=steps + 1, pct_start=0.1)
    flags = torch.cat([lesson.flags for lesson in lessons])
    rarity = ((1 - flags).sum() / flags.sum().clamp(min=1)).sqrt().clamp(min=1)
    signs = torch.full((stages,), _SIGNS)
    order = list(lessons)
    for _ in range(epochs):
        chance.shuffle(order)
        for start in range(0, len(order), _BATCH):
            batch = order[start : start + _BATCH]
            told, risks = [], []
            for lesson in batch:
                odds = student.evidence(lesson)
                told.append(functional.binary_cross_entropy_with_logits(odds, lesson.stages, pos_weight=signs))
                risks.append(student.risks(odds, lesson.rows))
            # A speaker counts as much as another: where many talk, most of what is ordinary is said.
            flagged = torch.cat([lesson.flags for lesson in batch])
            judged = functional.binary_cross_entropy_with_logits(torch.cat(risks), flagged, pos_weight=rarity)
            optimizer.zero_grad()
            (_STAGES * torch.stack(told).mean() + judged).backward()
            optimizer.step()
            pace.step()
    return student


def _lesson(one: _Read, threshold: float) -> _Lesson:
    features, counts = hashed(one.messages)
    rows = rows_of(one.speakers)
    flags = [one.speakers[own[0]] in one.groomers or bool((one.speaker_risk[own] >= threshold).any()) for own in rows]
    return _Lesson(
        features=torch.from_numpy(features),
        counts=torch.from_numpy(counts),
        rows=[torch.from_numpy(own) for own in rows],
        flags=torch.tensor(flags, dtype=torch.float32),
        stages=torch.from_numpy(np.ascontiguousarray(one.stages, np.float32)),
    )


def _measure(first: FirstPass, read: Sequence[_Read], thresholds: Thresholds) -> dict[str, float | int | None]:
    """Return what the first pass loses of what the model finds, and what share of ordinary conversations it passes on."""
    peaks = _peaks(first, read)
    passed = peaks >= first.cut
    grooming = np.asarray([one.grooming is True for one in read], bool)
    ordinary = np.asarray([one.grooming is False for one in read], bool)
    chat = ordinary & np.asarray([one.chat for one in read], bool)
    found = grooming & np.asarray([one.peak >= thresholds.risk for one in read], bool)
    return {
        "recall_loss": round(float((found & ~passed).sum() / grooming.sum()), 4) if grooming.any() else None,
        "found": int(found.sum()),
        "grooming": int(grooming.sum()),
        "passed_on": round(float(passed[ordinary].mean()), 4) if ordinary.any() else None,
        "passed_chat": round(float(passed[chat].mean()), 4) if chat.any() else None,
        "ordinary": int(ordinary.sum()),
        "allowed_loss": ALLOWED_LOSS,
    }


def _read(conversations: Sequence[LabelledConversation], judged: Sequence[Judged], model: EncoderModel) -> Iterator[_Read]:
    pieces = model.encoding.pieces([[line for _, line in spoken(one.messages)] for one in conversations])
    for messages, one in zip(pieces, judged, strict=True):
        if messages:
            groomers = one.groomers or frozenset()
            chat = one.attributes.get("situation") == ORDINARY_CHAT
            yield _Read(messages, one.speakers, one.stages, one.speaker_risk, one.peak, one.grooming, groomers, chat)


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
