"""The loss of training: each term uses the labels that a corpus has, and ignores what it does not label.

- A message's stages: cross-entropy where the corpus labels the stage; a missing label has no loss. Positive messages of a rare
  stage are weighted by the square root of its rarity (capped), because most messages carry no stage.
- A flagged message without a stage: at least one stage must be present (the noisy-or of all stages; multiple-instance learning).
- Who wrote it: somebody under 18 or an adult, where the corpus labels it.
- A speaker: the noisy-or of each stage's highest probability, which the risk is made of, should be high for a groomer with
  a sign in the example, and low for everybody else. Where only the conversation is labelled: that of its riskiest speaker.
- Where larger networks were trained first (`pipeline.training.teacher`): their probabilities, in a share of the loss.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.model.encoder.context_head import neighbours
from pipeline.model.encoder.message_tokens import chunks, padded
from pipeline.model.encoder.network import ContextNetwork, MessageNetwork, in_context
from pipeline.model.risk_head import rows_of
from pipeline.recipes import LossSettings
from pipeline.training.examples import Example

_QUIET = 0.25
"""The weight of a speaker without a sign, relative to one with a sign: there are many more of them."""

_LEAST, _MOST = 1e-7, 12.0
"""A groomer's evidence is kept between: beyond, its logarithm is not finite, or it is certain anyway."""


@dataclass(frozen=True)
class Masking:
    """Word pieces hidden in training: a ``share`` of those that are not ``special``."""

    share: float
    mask_id: int
    special: frozenset[int]

    def hide(self, ids: Tensor) -> Tensor:
        """Return the ids with other ones hidden each time."""
        kept = torch.isin(ids, torch.tensor(sorted(self.special), device=ids.device))
        hidden = (torch.rand(ids.shape, device=ids.device) < self.share) & ~kept
        return torch.where(hidden, self.mask_id, ids)


class TrainingModule(nn.Module):
    """Network, context head and loss in one module for the trainer: a batch in, a loss out."""

    def __init__(
        self,
        network: MessageNetwork,
        head: ContextNetwork,
        *,
        settings: LossSettings,
        positive: Sequence[float],
        chunk_tokens: int,
        closing: int,
        masking: Masking | None = None,
        one_speaker: float = 0.0,
        teacher_weight: float = 0.0,
    ) -> None:
        super().__init__()
        self.network = network
        self.head = head
        self.settings = settings
        self.chunk_tokens = chunk_tokens
        self.closing = closing
        self.masking = masking
        self.one_speaker = one_speaker
        self.teacher_weight = teacher_weight
        self.positive: Tensor
        self.register_buffer("positive", torch.tensor(positive, dtype=torch.float32))

    def predict_logits(self, examples: Sequence[Example]) -> list[Tensor]:
        """Return the logits of each example, of shape (n, stages + 1); the last is that of somebody under 18."""
        return [
            self.logits(example, example_vectors) for example, example_vectors in zip(examples, self.vectors(examples), strict=True)
        ]

    def logits(self, example: Example, vectors: Tensor) -> Tensor:
        """Return the logits of one example from its vectors; in training, sometimes with the speakers hidden."""
        unknown = self.training and float(torch.rand(())) < self.one_speaker
        near = torch.from_numpy(neighbours([""] * len(example.speakers)) if unknown else example.near)
        return self.head(in_context(vectors, near.to(vectors.device))).float()

    def vectors(self, examples: Sequence[Example]) -> list[Tensor]:
        """Return the vectors of the messages of each example, of shape (n, width)."""
        numbers: dict[tuple[int, ...], int] = {}
        rows = [[numbers.setdefault(message, len(numbers)) for message in example.pieces] for example in examples]
        messages = list(numbers)
        order: list[int] = []
        parts = []
        for chunk in chunks([len(message) + 1 for message in messages], tokens=self.chunk_tokens):
            arrays = padded([messages[number] for number in chunk], closing=self.closing)
            ids, real = (torch.from_numpy(arrays[name]).to(self.positive.device) for name in ("ids", "real"))
            if self.training and self.masking is not None:
                ids = self.masking.hide(ids)
            parts.append(self.network(ids, real))
            order += chunk
        table = torch.cat(parts)[torch.from_numpy(np.argsort(order)).to(self.positive.device)]
        return [table[indices] for indices in rows]

    def forward(self, examples: Sequence[Example]) -> dict[str, Tensor]:
        """Return the loss of a batch."""
        return self.losses(examples, self.predict_logits(examples))

    def losses(self, examples: Sequence[Example], read: Sequence[Tensor]) -> dict[str, Tensor]:
        """Return the loss of a batch from its logits, one tensor an example."""
        logits = torch.cat([example_logits[example.before :] for example, example_logits in zip(examples, read, strict=True)])
        stages = self._stage_loss(examples, logits[:, :-1])
        ages = self._age_loss(examples, logits[:, -1])
        speakers = [
            loss
            for example, example_logits in zip(examples, read, strict=True)
            for loss in _speaker_losses(example, example_logits[:, :-1])
        ]
        risk = torch.stack(speakers).mean() if speakers else logits.sum() * 0.0
        loss = self.settings.stages * stages + self.settings.ages * ages + self.settings.risk * risk
        if self.training and all(example.teacher is not None for example in examples):
            loss = (1 - self.teacher_weight) * loss + self.teacher_weight * self._teacher_loss(examples, logits)
        return {"loss": loss, "stages": stages.detach(), "ages": ages.detach(), "risk": risk.detach()}

    def _stage_loss(self, examples: Sequence[Example], logits: Tensor) -> Tensor:
        labels = _joined(examples, "stages").to(logits.device)
        known = ~labels.isnan()
        loss = functional.binary_cross_entropy_with_logits(logits, labels.nan_to_num(), pos_weight=self.positive, reduction="none")
        total, count = (loss * known).sum(), known.any(dim=1).sum()
        flags = _joined(examples, "flagged").to(logits.device)
        lines = ~flags.isnan() & ~known.any(dim=1)
        if bool(lines.any()):
            none = functional.logsigmoid(-logits[lines]).sum(dim=1).clamp(max=-1e-6)
            some = torch.log1p(-none.exp())
            total = total - (flags[lines] * some + (1 - flags[lines]) * none).sum()
            count = count + lines.sum()
        return total / count.clamp(min=1)

    def _age_loss(self, examples: Sequence[Example], logits: Tensor) -> Tensor:
        labels = _joined(examples, "young").to(logits.device)
        known = ~labels.isnan()
        loss = functional.binary_cross_entropy_with_logits(logits, labels.nan_to_num(), reduction="none")
        return (loss * known).sum() / known.sum().clamp(min=1)

    def _teacher_loss(self, examples: Sequence[Example], logits: Tensor) -> Tensor:
        given = _joined(examples, "teacher").to(logits.device).sigmoid()
        cross_entropy = functional.binary_cross_entropy_with_logits
        stages = cross_entropy(logits[:, :-1], given[:, :-1], pos_weight=self.positive, reduction="none").sum(dim=1).mean()
        return self.settings.stages * stages + self.settings.ages * cross_entropy(logits[:, -1], given[:, -1])


def _joined(examples: Sequence[Example], name: str) -> Tensor:
    return torch.from_numpy(np.concatenate([getattr(example, name)[example.before :] for example in examples]))


def _speaker_losses(example: Example, logits: Tensor) -> list[Tensor]:
    """Return the losses of an example's speakers; see the beginning of the module."""
    if example.grooming is None:
        return []
    evidence = functional.softplus(logits[example.before :])
    speakers = example.speakers[example.before :]
    signals = example.signals
    losses: list[tuple[Tensor, bool]] = []
    for rows in rows_of(speakers):
        total = evidence[torch.from_numpy(rows).to(evidence.device)].amax(dim=0).sum()
        grooms = example.groomers is not None and speakers[rows[0]] in example.groomers
        signs = signals is None or bool(signals[example.before :][rows].any())
        losses.append((total, grooms and signs))
    if example.groomers is None:
        riskiest = torch.stack([total for total, _ in losses]).max()
        losses = [(riskiest, example.grooming and (signals is None or bool(signals[example.before :].any())))]
    return [-torch.log(-torch.expm1(-total.clamp(_LEAST, _MOST))) if grooms else _QUIET * total for total, grooms in losses]


def stage_shares(examples: Sequence[Example]) -> list[float]:
    """Return, for each stage, the share of positive messages among those with a label."""
    labels = np.concatenate([example.stages[example.before :] for example in examples])
    labelled = np.sum(~np.isnan(labels), axis=0)
    return [float(share) for share in np.nansum(labels, axis=0) / np.maximum(labelled, 1)]


def positive_weights(shares: Sequence[float], *, cap: float) -> list[float]:
    """Return the weight of a positive message of each stage: the square root of negatives to positives, from 1 to ``cap``."""
    return [min(max(math.sqrt((1 - share) / share), 1.0), cap) if share else cap for share in shares]


def collate(examples: list[Example]) -> dict[str, Any]:
    """Return a batch in the form that the trainer passes to the module."""
    return {"examples": examples}
