"""Train the context head first, on the frozen encoder: linear probing before fine-tuning.

The gradients of a randomly initialised head distort the features of the encoder. With a head that already fits, fine-tuning
generalises better to conversations unlike the training corpus (Kumar et al. 2022).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from pipeline.training.examples import Example
from pipeline.training.loss import TrainingModule, stage_shares
from pipeline.training.precision import in_bf16

_AT_ONCE = 64
_RATE = 2e-3
_DECAY = 0.02


def embed(module: TrainingModule, examples: Sequence[Example]) -> list[Tensor]:
    """Return the vectors of each example's messages, of shape (n, width), without gradients."""
    training = module.training
    module.eval()
    with torch.no_grad(), in_bf16(module.positive.device):
        message_vectors = [
            vectors.float()
            for start in range(0, len(examples), _AT_ONCE)
            for vectors in module.vectors(examples[start : start + _AT_ONCE])
        ]
    module.train(training)
    return message_vectors


def refit_head(module: TrainingModule, examples: Sequence[Example], *, epochs: int, batch: int, seed: int) -> None:
    """Train the context head again from scratch on the frozen encoder: minutes, where the encoder takes an hour."""
    vectors = embed(module, examples)
    module.head.reset(seed=seed)
    module.head.expect([*stage_shares(examples), 0.5])
    fit_head(module, examples, vectors, epochs=epochs, batch=batch, seed=seed)
    module.eval()


def fit_head(
    module: TrainingModule,
    examples: Sequence[Example],
    vectors: Sequence[Tensor],
    *,
    epochs: int,
    batch: int,
    seed: int,
    rate: float = _RATE,
) -> None:
    """Train the context head alone on vectors of `embed`."""
    module.train()
    optimiser = torch.optim.AdamW(module.head.parameters(), lr=rate, weight_decay=_DECAY)
    steps = max(1, epochs * -(-len(examples) // batch))
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, start_factor=1.0, end_factor=0.0, total_iters=steps)
    order = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        shuffled = torch.randperm(len(examples), generator=order).tolist()
        for start in range(0, len(shuffled), batch):
            numbers = shuffled[start : start + batch]
            optimiser.zero_grad()
            read = [module.logits(examples[number], vectors[number].float()) for number in numbers]
            module.losses([examples[number] for number in numbers], read)["loss"].backward()
            optimiser.step()
            schedule.step()
