"""Distil the model into a member of the prefilter: the student in torch (with the shapes of `Prefilter`) and its training."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as entropy

from pipeline.model.encoder.prefilter import BITS, HIGH, LITTLE, LOW, RECENT, flat, hashed
from pipeline.model.risk_head import rows_of
from pipeline.training.piece_vectors import PieceVectors

_BATCH = 32
_RATE = 3e-3
_NEURONS = 64

_LEFT_OUT = 0.7
"""Dropout of the hashed features: with 0.1 the few grooming conversations were memorised."""

_PIECES_LEFT_OUT = 0.4
"""Dropout of the pieces whose vectors are summed."""

_STAGES = 8.0
_RUNNING = 3.0
_SIGNS = 3.0
"""What the stages, and the risk after each message, count for beside the highest risk; a sign beside a message that is none."""

_SPAN = 32.0


@dataclass(frozen=True)
class Batch:
    """A conversation, or several as one batch, to train on.

    ``features`` and ``counts`` are those of `hashed`, ``pieces`` and ``lengths`` the word pieces and how many each message has.
    ``order`` of shape (messages,) puts one speaker's messages after another's, ``shares`` says how many each speaker has, ``flags``
    whether each is to be found. ``opens`` of shape (messages,) is 1 for the first message of a conversation; ``stages`` of
    (messages, stages) is what the model says of them, ``running`` of (messages,) the risk that it gives the speaker then, NaN where
    it was not asked.
    """

    features: Tensor
    counts: Tensor
    pieces: Tensor
    lengths: Tensor
    order: Tensor
    shares: Tensor
    flags: Tensor
    opens: Tensor
    stages: Tensor
    running: Tensor


def make_batch(
    messages: Sequence[Sequence[int]],
    speakers: Sequence[str],
    stages: NDArray[np.float32],
    running: NDArray[np.float32],
    flagged: frozenset[str],
) -> Batch:
    """Return a batch of one conversation from its word pieces, the opening tokens first; ``found`` are the speakers to flag."""
    features, counts = hashed(messages)
    pieces, lengths, _ = flat(messages)
    rows = rows_of(speakers)
    return Batch(
        features=torch.from_numpy(features),
        counts=torch.from_numpy(counts),
        pieces=torch.from_numpy(pieces),
        lengths=torch.from_numpy(lengths),
        order=torch.from_numpy(np.concatenate(rows)),
        shares=torch.tensor([len(member_rows) for member_rows in rows]),
        flags=torch.tensor([float(speakers[member_rows[0]] in flagged) for member_rows in rows]),
        opens=torch.tensor([1.0] + [0.0] * (len(messages) - 1)),
        stages=torch.from_numpy(np.ascontiguousarray(stages, np.float32)),
        running=torch.from_numpy(np.ascontiguousarray(running, np.float32)),
    )


def concatenate(examples: Sequence[Batch]) -> Batch:
    """Return several batches as one."""
    starts = np.cumsum([0, *(len(example.order) for example in examples[:-1])]).tolist()
    parts = {name: torch.cat([getattr(example, name) for example in examples]) for name in Batch.__annotations__ if name != "order"}
    return Batch(order=torch.cat([example.order + start for example, start in zip(examples, starts, strict=True)]), **parts)


class Student(nn.Module):
    """The network of a member of the prefilter."""

    def __init__(self, stages: int, vectors: PieceVectors) -> None:
        super().__init__()
        self.weights = nn.EmbeddingBag(1 << BITS, stages, mode="sum")
        nn.init.zeros_(self.weights.weight)
        self.intercepts = nn.Parameter(torch.full((stages,), -4.0))
        table = torch.from_numpy(vectors.whole.astype(np.float32) * vectors.unit)
        self.vectors = nn.EmbeddingBag.from_pretrained(table, freeze=True, mode="sum")
        self.inner = nn.Linear(3 * table.shape[1], _NEURONS)
        self.outer = nn.Linear(_NEURONS, stages)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)
        self.head = nn.Linear(2 * (stages + 1), 1)

    def evidence(self, batch: Batch) -> Tensor:
        """Return the log-odds of each stage for each message, of shape (messages, stages)."""
        sums, _ = self._bag(self.weights, batch.features, batch.counts, _LEFT_OUT)
        linear = sums / batch.counts.clamp(min=1).sqrt().unsqueeze(1) + self.intercepts
        sums, kept = self._bag(self.vectors, batch.pieces, batch.lengths, _PIECES_LEFT_OUT)
        message_features = sums / kept.clamp(min=1).sqrt().unsqueeze(1)
        before = message_features.roll(1, dims=0) * (1 - batch.opens).unsqueeze(1)
        seen = torch.cat([message_features, self._recent(message_features, batch), before], dim=1)
        return linear + self.outer(torch.relu(self.inner(seen)))

    def risks(self, odds: Tensor, batch: Batch) -> Tensor:
        """Return the running logit after each message, the speakers' one after another, of shape (messages,)."""
        evidence = torch.cat([odds, odds.max(dim=1, keepdim=True).values], dim=1).clamp(LOW, HIGH)[batch.order]
        speakers, begins = _speakers(batch)
        lift = (speakers * _SPAN).unsqueeze(1)
        highest = evidence.gather(0, (evidence.detach() + lift).cummax(dim=0).indices)
        gathered = _since(evidence.double().sigmoid().cumsum(dim=0), begins).float()
        return self.head(torch.cat([highest, torch.log(LITTLE + gathered)], dim=1))[:, 0]

    def _bag(self, bag: nn.EmbeddingBag, rows: Tensor, counts: Tensor, left_out: float) -> tuple[Tensor, Tensor]:
        if self.training:
            owners = torch.repeat_interleave(torch.arange(len(counts)), counts)
            stay = torch.rand(len(owners)) >= left_out
            rows, counts = rows[stay], torch.bincount(owners[stay], minlength=len(counts))
        return bag(rows, counts.cumsum(0) - counts), counts

    def _recent(self, message_features: Tensor, batch: Batch) -> Tensor:
        _, begins = _speakers(batch)
        rows = torch.arange(len(message_features))
        since = torch.maximum(rows - RECENT + 1, begins)
        sums = _since(message_features[batch.order].double().cumsum(dim=0), since).float()
        recent = torch.empty_like(message_features)
        recent[batch.order] = sums / (rows - since + 1).sqrt().unsqueeze(1)
        return recent


def _speakers(batch: Batch) -> tuple[Tensor, Tensor]:
    """Return the number of the speaker of each message in their order, and where that speaker begins."""
    numbers = torch.repeat_interleave(torch.arange(len(batch.shares)), batch.shares)
    return numbers, (batch.shares.cumsum(0) - batch.shares)[numbers]


def _since(sums: Tensor, begins: Tensor) -> Tensor:
    before = torch.cat([torch.zeros_like(sums[:1]), sums])
    return sums - before[begins]


def _highest(risks: Tensor, batch: Batch) -> Tensor:
    """Return the highest running logit of each speaker, of shape (speakers,): what decides."""
    speakers, _ = _speakers(batch)
    return torch.full((len(batch.shares),), -torch.inf).scatter_reduce(0, speakers, risks, "amax")


def train_student(examples: Sequence[Batch], vectors: PieceVectors, *, stages: int, epochs: int, seed: int) -> Student:
    """Return a member trained on the model's outputs: the stages and the risk of each message, and which speakers to flag."""
    torch.manual_seed(seed)
    chance = random.Random(seed)  # noqa: S311 - an order, no secret
    student = Student(stages, vectors)
    optimizer = torch.optim.Adam([weight for weight in student.parameters() if weight.requires_grad], lr=_RATE)
    pace = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, _RATE, total_steps=epochs * -(-len(examples) // _BATCH) + 1, pct_start=0.1
    )
    flags = torch.cat([example.flags for example in examples])
    rarity = ((1 - flags).sum() / flags.sum().clamp(min=1)).clamp(min=1)
    signs = torch.full((stages,), _SIGNS)
    order = list(examples)
    for _ in range(epochs):
        chance.shuffle(order)
        for start in range(0, len(order), _BATCH):
            held = order[start : start + _BATCH]
            batch = concatenate(held)
            odds = student.evidence(batch)
            risks = student.risks(odds, batch)
            uncertainty = entropy(odds, batch.stages, pos_weight=signs, reduction="none").mean(dim=1)
            asked = ~batch.running[batch.order].isnan()
            followed = entropy(risks, batch.running[batch.order].nan_to_num(), reduction="none") * asked
            # A conversation counts as much as another for what is said of messages, a speaker for whether to be found.
            share = torch.cat([torch.full((len(example.order),), 1 / len(example.order)) for example in held])
            messages = ((_STAGES * uncertainty + _RUNNING * followed) * share).sum() / len(held)
            optimizer.zero_grad()
            (messages + entropy(_highest(risks, batch), batch.flags, pos_weight=rarity)).backward()
            optimizer.step()
            pace.step()
    return student.eval()
