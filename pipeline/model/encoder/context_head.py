"""From the vectors of messages to their stages and ages, each read with the few messages before it. Needs numpy alone.

A message is seen as four vectors: its own, the mean of its speaker's last three, the mean of the others' last three, and the last
one of the others, all among the `CONTEXT` messages before it. So a score depends on nothing later, and on nothing long before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.model.blas import on_one_core

CONTEXT = 8
"""Messages before it that a message is read with."""

NEAR = 3
"""Of them, those of the same speaker, and those of others, that count."""

PARTS = 4
"""Vectors that a message is seen as."""

BLOCK = 16
"""Messages that go through the head at once, the last ones beside zeros.

A matrix product of another shape may add in another order. With one shape, a message's logits are the same bits in a batch of any
size and in a live run.
"""

_SURE = 6.0


@dataclass(frozen=True)
class ContextHead:
    """A linear layer and a small hidden one beside it, over the ``PARTS * width`` numbers of a message.

    ``linear`` of shape (outputs, numbers), ``inner`` of (neurons, numbers), ``outer`` of (outputs, neurons), each with its offsets.
    The outputs are the stages' logits, and last that of somebody under 18.
    """

    linear: NDArray[np.float32]
    linear_offsets: NDArray[np.float32]
    inner: NDArray[np.float32]
    inner_offsets: NDArray[np.float32]
    outer: NDArray[np.float32]
    outer_offsets: NDArray[np.float32]

    def logits(self, vectors: NDArray[np.float32], speakers: Sequence[str]) -> NDArray[np.float32]:
        """Return the logits of the messages of one conversation, of shape (messages, outputs)."""
        return self.logits_in_context(in_context(vectors, speakers))

    def logits_in_context(self, seen: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the logits, of shape (messages, outputs), of messages as `in_context` returns them; each alone, to the bit."""
        count = len(seen)
        rows = np.zeros((-(-count // BLOCK) * BLOCK, seen.shape[1]), np.float32)
        rows[:count] = seen
        logits = np.empty((len(rows), len(self.linear)), np.float32)
        with on_one_core():
            for start in range(0, len(rows), BLOCK):
                block = rows[start : start + BLOCK]
                hidden = _gelu(block @ self.inner.T + self.inner_offsets)
                logits[start : start + BLOCK] = (
                    block @ self.linear.T + self.linear_offsets + hidden @ self.outer.T + self.outer_offsets
                )
        return logits[:count]


def _gelu(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the Gaussian error linear unit in its tanh form (Hendrycks and Gimpel 2016)."""
    bounded = np.clip(values, -_SURE, _SURE)  # beyond, it is 0 or the value itself
    return np.asarray(values * (0.5 * (1.0 + np.tanh(0.7978845608 * (bounded + 0.044715 * bounded**3)))), np.float32)


def neighbours(speakers: Sequence[str]) -> NDArray[np.intp]:
    """Return the rows before each message that it is read with, of shape (messages, 2 * NEAR), -1 where there is none.

    The first ``NEAR`` are the speaker's own, the latest first, the others those of other speakers.
    """
    places = np.full((len(speakers), 2 * NEAR), -1, np.intp)
    for row, speaker in enumerate(speakers):
        same_speaker, others = 0, NEAR
        for before in range(row - 1, max(-1, row - 1 - CONTEXT), -1):
            if speakers[before] == speaker:
                if same_speaker < NEAR:
                    places[row, same_speaker] = before
                    same_speaker += 1
            elif others < 2 * NEAR:
                places[row, others] = before
                others += 1
    return places


def in_context(vectors: NDArray[np.float32], speakers: Sequence[str]) -> NDArray[np.float32]:
    """Return what each message is seen as, of shape (messages, PARTS * width); ``vectors`` is (messages, width)."""
    near = neighbours(speakers)
    count, width = vectors.shape
    known = np.concatenate([vectors, np.zeros((1, width), vectors.dtype)])  # row -1
    seen = np.empty((count, PARTS * width), np.float32)
    seen[:, :width] = vectors
    for part, rows in enumerate((near[:, :NEAR], near[:, NEAR:]), 1):
        total = known[rows].sum(axis=1)
        seen[:, part * width : (part + 1) * width] = total / np.maximum((rows >= 0).sum(axis=1), 1)[:, None]
    seen[:, 3 * width :] = known[near[:, NEAR]]
    return seen
