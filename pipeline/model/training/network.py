"""The network: an encoder under a block-causal mask, a vector a message, the heads. Needs torch.

Tokens see their own message whole and the messages before it, never one after it; so does a message's vector, the mean of its
tokens: sentence encoders are trained for that mean, while a vector at the mark would have to be learned from nothing. From it
come the stages, and the evidence that the running risk is made of (`pipeline.model.evidence`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

FORBIDDEN = -1e4
"""Added to attention scores that must not be: far below any, and small enough for half precision."""


def block_causal_mask(blocks: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return the additive mask, of shape (windows, 1, tokens, tokens), from message numbers of shape (windows, tokens); 0 pads."""
    seen = (blocks[:, None, :] <= blocks[:, :, None]) & (blocks[:, None, :] > 0)
    seen = seen | (blocks[:, :, None] == 0)  # what pads may look anywhere: nobody reads it, and a row needs something to see
    return (~seen).to(dtype).unsqueeze(1) * FORBIDDEN


def message_vectors(hidden: Tensor, blocks: Tensor, marks: Tensor) -> Tensor:
    """Return the mean of each message's tokens: (windows, tokens, width) to (windows, messages, width)."""
    own = torch.gather(blocks, 1, marks)
    member = (blocks[:, None, :] == own[:, :, None]).to(hidden.dtype)
    return (member @ hidden) / member.sum(dim=-1, keepdim=True)


class MessageNetwork(nn.Module):
    """Encoder and message heads: what is exported for scoring."""

    def __init__(self, encoder: nn.Module, *, width: int, stages: int, evidence: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.stages = nn.Linear(width, stages)
        self.evidence = nn.Linear(width, evidence)

    def expect(self, shares: Sequence[float]) -> None:
        """Let the stages begin as rare as they are: else the first part of training only learns that most messages carry none."""
        odds = torch.logit(torch.tensor(shares, dtype=torch.float32), eps=1e-4)
        with torch.no_grad():
            self.stages.bias.copy_(odds)

    def forward(self, ids: Tensor, blocks: Tensor, marks: Tensor) -> tuple[Tensor, Tensor]:
        """Read windows.

        Parameters
        ----------
        ids, blocks
            Of shape (windows, tokens); block 0 pads.
        marks
            Of shape (windows, messages): where each message begins in the window; what pads is any position.

        Returns
        -------
        Stage logits of shape (windows, messages, stages), evidence of shape (windows, messages, evidence).
        """
        return self.heads(self.vectors(ids, blocks, marks))

    def vectors(self, ids: Tensor, blocks: Tensor, marks: Tensor) -> Tensor:
        """Return the vector of each message, of shape (windows, messages, width)."""
        hidden = self.encoder(input_ids=ids, attention_mask=block_causal_mask(blocks)).last_hidden_state
        return message_vectors(hidden, blocks, marks)

    def heads(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Return stage logits and evidence from the vectors of messages."""
        vectors = self.dropout(vectors)
        return self.stages(vectors), torch.tanh(self.evidence(vectors))


class RiskHead(nn.Module):
    """The running risk of a speaker, from the evidence of that speaker's messages so far; see `pipeline.model.evidence`."""

    def __init__(self, *, evidence: int, hidden: int) -> None:
        super().__init__()
        self.first = nn.Linear(2 * evidence, hidden)
        self.second = nn.Linear(hidden, 1)

    def forward(self, evidence: Tensor) -> Tensor:
        """Return risk logits of shape (messages,) after each message of one speaker; ``evidence`` is (messages, evidence)."""
        highest = torch.cummax(evidence, dim=0).values
        gathered = torch.log1p(torch.cumsum(torch.relu(evidence), dim=0))
        return self.second(torch.relu(self.first(torch.cat([highest, gathered], dim=-1)))).squeeze(-1)
