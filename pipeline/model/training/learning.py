"""What the network learns by: batches of whole conversations, and losses that take what each corpus says and no more.

- A message's stages: cross-entropy where the corpus tells the stage. A stage that it cannot tell costs nothing. Messages of a rare
  stage weigh the square root of its rarity (capped), so that the many messages without one do not drown it.
- A flagged message without a stage: some stage must be there, whichever (the noisy-or of them all; multiple-instance learning).
- A speaker's risk: high after a groomer's signals, the surer the more of them there were; low after everybody else's
  messages. Where no messages are labelled, the risk at the end (the running maximum makes it a multiple-instance loss).
- A conversation's risk, where only that is labelled: that of its riskiest speaker.
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

from pipeline.config import LossSettings
from pipeline.model.training.examples import Example
from pipeline.model.training.network import MessageNetwork, RiskHead
from pipeline.model.windows import chunks, padded

SURE_AFTER = 2
"""Signals of a groomer after which the risk should be high without reserve."""


@dataclass(frozen=True)
class Masking:
    """Word pieces hidden in training: a ``share`` of those below ``first_mark``, the lowest id of a speaker's mark."""

    share: float
    mask_id: int
    first_mark: int

    def hide(self, ids: Tensor) -> Tensor:
        """Return the ids with other ones hidden each time."""
        hidden = (torch.rand(ids.shape, device=ids.device) < self.share) & (ids < self.first_mark)
        return torch.where(hidden, self.mask_id, ids)


class Learner(nn.Module):
    """Network, risk head and losses, as the trainer sees them: a batch in, a loss out."""

    def __init__(
        self,
        network: MessageNetwork,
        risk: RiskHead,
        *,
        settings: LossSettings,
        positive: Sequence[float],
        chunk_tokens: int,
        masking: Masking | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.risk = risk
        self.settings = settings
        self.chunk_tokens = chunk_tokens
        self.masking = masking
        self.positive: Tensor
        self.register_buffer("positive", torch.tensor(positive, dtype=torch.float32))

    def read(self, examples: Sequence[Example]) -> list[tuple[Tensor, Tensor]]:
        """Return stage logits (n, stages) and evidence (n, evidence) of each conversation."""
        vectors = self.vectors(examples)
        stages, evidence = self.network.heads(torch.cat(vectors))
        counts = [len(own) for own in vectors]
        return list(zip(stages.float().split(counts), evidence.float().split(counts), strict=True))

    def vectors(self, examples: Sequence[Example]) -> list[Tensor]:
        """Return the vectors of the messages of each conversation, of shape (n, width)."""
        device = self.positive.device
        windows = [window for example in examples for window in example.windows]
        read: dict[int, Tensor] = {}
        for numbers in chunks(windows, tokens=self.chunk_tokens):
            arrays = padded([windows[number] for number in numbers])
            ids, blocks, marks = (torch.from_numpy(arrays[name]).to(device) for name in ("ids", "blocks", "marks"))
            if self.training and self.masking is not None:
                ids = self.masking.hide(ids)
            vectors = self.network.vectors(ids, blocks, marks)
            for row, number in enumerate(numbers):
                read[number] = vectors[row, : len(windows[number].marks)]
        found = []
        start = 0
        for example in examples:
            found.append(torch.cat([read[number] for number in range(start, start + len(example.windows))]))
            start += len(example.windows)
        return found

    def forward(self, examples: Sequence[Example]) -> dict[str, Tensor]:
        """Return the loss of a batch."""
        return self.losses(examples, self.read(examples))

    def losses(self, examples: Sequence[Example], read: Sequence[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
        """Return the loss of a batch from what was read of it."""
        stage_losses, risk_losses = [], []
        for example, (logits, evidence) in zip(examples, read, strict=True):
            stage_losses.append(self._stage_loss(example, logits))
            risk_losses.append(self._risk_loss(example, evidence))
        stages, risk = torch.stack(stage_losses).mean(), torch.stack(risk_losses).mean()
        return {"loss": self.settings.stages * stages + self.settings.risk * risk, "stages": stages.detach(), "risk": risk.detach()}

    def _stage_loss(self, example: Example, logits: Tensor) -> Tensor:
        labels = torch.from_numpy(example.stages).to(logits.device)
        known = ~labels.isnan()
        loss = functional.binary_cross_entropy_with_logits(logits, labels.nan_to_num(), pos_weight=self.positive, reduction="none")
        total, count = (loss * known).sum(), known.sum()
        flags = torch.from_numpy(example.flagged).to(logits.device)
        lines = ~flags.isnan() & ~known.any(dim=1)
        if bool(lines.any()):
            none = functional.logsigmoid(-logits[lines]).sum(dim=1).clamp(max=-1e-6)
            some = torch.log1p(-none.exp())
            total = total - (flags[lines] * some + (1 - flags[lines]) * none).sum()
            count = count + lines.sum()
        return total / count.clamp(min=1)

    def _risk_loss(self, example: Example, evidence: Tensor) -> Tensor:
        last: list[Tensor] = []
        losses: list[Tensor] = []
        signals = example.signals
        names = np.asarray(example.speakers, dtype=object)
        for name in dict.fromkeys(example.speakers):
            rows = np.flatnonzero(names == name)
            logits = self.risk(evidence[torch.from_numpy(rows).to(evidence.device)])
            last.append(logits[-1])
            if example.groomers is None:
                continue
            if name not in example.groomers:
                losses.append(functional.softplus(logits).mean())
            elif signals is None:
                losses.append(functional.softplus(-logits[-1]))
            else:
                count = np.cumsum(signals[rows])
                weights = torch.from_numpy(np.minimum(count / SURE_AFTER, 1.0).astype(np.float32)).to(logits.device)
                losses.append((functional.softplus(-logits) * weights).sum() / weights.sum().clamp(min=1.0))
        if losses:
            return torch.stack(losses).mean()
        if example.grooming is None:
            return evidence.sum() * 0.0
        highest = torch.stack(last).max()
        return functional.softplus(-highest if example.grooming else highest)


def stage_shares(examples: Sequence[Example]) -> list[float]:
    """Return the share of messages that carry each stage, of those where it is told."""
    labels = np.concatenate([example.stages for example in examples])
    told = np.sum(~np.isnan(labels), axis=0)
    return [float(share) for share in np.nansum(labels, axis=0) / np.maximum(told, 1)]


def positive_weights(shares: Sequence[float], *, cap: float) -> list[float]:
    """Return the weight of a positive message of each stage: the square root of negatives to positives, from 1 to ``cap``."""
    return [min(max(math.sqrt((1 - share) / share), 1.0), cap) if share else cap for share in shares]


def collate(examples: list[Example]) -> dict[str, Any]:
    """Return a batch as the trainer hands it on."""
    return {"examples": examples}
