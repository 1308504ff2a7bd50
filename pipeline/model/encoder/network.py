"""The network in torch: an encoder that makes a vector of each message, and the context head on its vectors.

A message is encoded alone, as the mean of its tokens, which sentence encoders are trained for; what was said before reaches its
stages through the context head (`context_head`), which is small: on frozen vectors it carried over to conversations
of other writers better than attention over the messages before.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.model.encoder.context_head import NEAR, PARTS, ContextHead

SCALE = 8.0
"""The length of a vector: about one a number in 64, so that heads learn at a usual rate."""


class MessageNetwork(nn.Module):
    """What is exported for scoring: from tokens to vectors."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, ids: Tensor, real: Tensor) -> Tensor:
        """Return the vectors of messages, of shape (messages, width), from tokens and a mask of shape (messages, tokens)."""
        hidden = self.encoder(input_ids=ids, attention_mask=real).last_hidden_state
        weights = real.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * weights).sum(dim=1) / weights.sum(dim=1)
        return functional.normalize(mean.float(), dim=-1) * SCALE


class ContextNetwork(nn.Module):
    """The context head while it learns; see `pipeline.model.encoder.context_head`."""

    def __init__(self, *, width: int, outputs: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(PARTS * width, outputs)
        self.inner = nn.Linear(PARTS * width, hidden)
        self.outer = nn.Linear(hidden, outputs)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def reset(self, *, seed: int) -> None:
        """Begin anew."""
        torch.manual_seed(seed)
        for layer in (self.linear, self.inner, self.outer):
            layer.reset_parameters()
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def expect(self, shares: list[float]) -> None:
        """Let the outputs begin as rare as they are: else the first part of training only learns that most messages carry none."""
        with torch.no_grad():
            self.linear.bias.copy_(torch.logit(torch.tensor(shares, dtype=torch.float32), eps=1e-4))

    def forward(self, seen: Tensor) -> Tensor:
        """Return logits of shape (messages, outputs) from messages in context, of shape (messages, PARTS * width)."""
        seen = self.dropout(seen)
        hidden = functional.gelu(self.inner(seen), approximate="tanh")
        return self.linear(seen) + self.outer(self.dropout(hidden))

    def load(self, head: ContextHead) -> None:
        """Take the weights of a head that was trained before, of the same shape."""
        with torch.no_grad():
            for name in ("linear", "inner", "outer"):
                layer = getattr(self, name)
                layer.weight.copy_(torch.from_numpy(getattr(head, name).copy()))
                layer.bias.copy_(torch.from_numpy(getattr(head, f"{name}_offsets").copy()))

    def as_numpy(self) -> ContextHead:
        """Return the head as it is used for scoring."""
        layers = {"linear": self.linear, "inner": self.inner, "outer": self.outer}
        arrays: dict[str, np.ndarray] = {}
        for name, layer in layers.items():
            arrays[name] = layer.weight.detach().cpu().float().numpy()
            arrays[f"{name}_offsets"] = layer.bias.detach().cpu().float().numpy()
        return ContextHead(**arrays)


def in_context(vectors: Tensor, near: Tensor) -> Tensor:
    """Return what messages are seen as: `context_head.in_context` in torch; ``near`` is what `neighbours` gives."""
    known = torch.cat([vectors, vectors.new_zeros(1, vectors.shape[1])])
    parts = [vectors]
    for rows in (near[:, :NEAR], near[:, NEAR:]):
        parts.append(known[rows].sum(dim=1) / (rows >= 0).sum(dim=1, keepdim=True).clamp(min=1))
    parts.append(known[near[:, NEAR]])
    return torch.cat(parts, dim=1)
