"""Teach the heads first, on the encoder as it comes: linear probing before fine-tuning.

Heads that begin from chance pull the encoder about while they learn, and what it knew of language is lost where the training
corpus does not hold it; with heads that fit it, fine-tuning generalises better to what is not in the corpus (Kumar et al. 2022).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from pipeline.model.training.examples import Example
from pipeline.model.training.learning import Learner

_BATCH = 16
_RATE = 5e-3
_DECAY = 0.01


def fit_heads(learner: Learner, examples: Sequence[Example], *, epochs: int, seed: int) -> None:
    """Train the heads alone; each conversation goes through the encoder once."""
    learner.eval()
    with torch.no_grad():
        vectors = [own for start in range(0, len(examples), _BATCH) for own in learner.vectors(examples[start : start + _BATCH])]
    learner.train()
    heads = [parameter for name, parameter in learner.named_parameters() if ".encoder." not in name]
    optimiser = torch.optim.AdamW(heads, lr=_RATE, weight_decay=_DECAY)
    steps = epochs * -(-len(examples) // _BATCH)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, start_factor=1.0, end_factor=0.0, total_iters=steps)
    order = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        shuffled = torch.randperm(len(examples), generator=order).tolist()
        for start in range(0, len(shuffled), _BATCH):
            batch = shuffled[start : start + _BATCH]
            optimiser.zero_grad()
            read = [learner.network.heads(vectors[number].float()) for number in batch]
            learner.losses([examples[number] for number in batch], read)["loss"].backward()
            optimiser.step()
            schedule.step()
