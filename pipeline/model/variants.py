"""What a model says of a conversation when one message is worded otherwise, or one is left out: what explanations ask.

A model that makes a vector of each message answers from vectors (`pipeline.model.encoder.variants`); any other predicts anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.model.base import Model, Prediction, Utterance

CONTEXT = 8
"""Messages before it that a message is read with: as many as an encoder's score depends on."""

Span = tuple[int, int]
"""A stretch of a message, from and to, in characters."""

Conversations = Sequence[tuple[Sequence[Utterance], Prediction]]
"""Conversations with their predictions."""

_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class Reworded:
    """A message of a conversation, both by number from 0, with another text; an empty one counts as none for the risk."""

    conversation: int
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A conversation up to the message ``number``, without an earlier one."""

    conversation: int
    number: int
    earlier: int


class VariantReader(Protocol):
    """Answers what the model says of variants of some conversations."""

    def stages(self, variants: Sequence[Reworded]) -> NDArray[np.float32]:
        """Return the probabilities of the reworded messages, of shape (variants, stages)."""
        ...

    def risks(self, variants: Sequence[Reworded | LeftOut]) -> list[float]:
        """Return the risk of each conversation after the message that the variant ends with."""
        ...

    def contributions(self, messages: Sequence[tuple[int, int, Sequence[Span]]]) -> list[NDArray[np.float64] | None]:
        """Return how much each span of a message adds to the log-odds of each stage, of shape (spans, stages), as an estimate.

        ``messages`` are given by conversation and number. ``None`` where the model has no estimate.
        """
        ...


@dataclass(frozen=True)
class PredictingReader:
    """Predicts each variant anew; a bounded number at once."""

    conversations: Conversations
    model: Model

    def stages(self, variants: Sequence[Reworded]) -> NDArray[np.float32]:
        """Return the probabilities, each message read with the few before it."""
        rows = [prediction.stages[-1] for prediction in self._predicted([self._message(variant) for variant in variants])]
        return np.asarray(rows, np.float32).reshape(len(variants), len(self.model.taxonomy.keys))

    def risks(self, variants: Sequence[Reworded | LeftOut]) -> list[float]:
        """Return the risks; a message without words is read as none."""
        kept = [[line for line in self._whole(variant) if line[1].strip()] for variant in variants]
        return [float(prediction.risk[-1]) if len(prediction.risk) else 0.0 for prediction in self._predicted(kept)]

    def contributions(self, messages: Sequence[tuple[int, int, Sequence[Span]]]) -> list[NDArray[np.float64] | None]:
        """Return that there is no estimate."""
        return [None for _ in messages]

    def _message(self, variant: Reworded) -> list[Utterance]:
        lines, number = self.conversations[variant.conversation][0], variant.number
        return [*lines[max(0, number - CONTEXT) : number], (lines[number][0], variant.text)]

    def _whole(self, variant: Reworded | LeftOut) -> list[Utterance]:
        lines, number = self.conversations[variant.conversation][0], variant.number
        if isinstance(variant, Reworded):
            return [*lines[:number], (lines[number][0], variant.text)]
        return [*lines[: variant.earlier], *lines[variant.earlier + 1 : number + 1]]

    def _predicted(self, conversations: Sequence[Sequence[Utterance]]) -> Iterator[Prediction]:
        for start in range(0, len(conversations), _AT_ONCE):
            yield from self.model.predict(conversations[start : start + _AT_ONCE])


def log_odds(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the log-odds of probabilities, of those near 0 and 1 within bounds."""
    clipped = np.clip(probabilities.astype(np.float64), 1e-6, 1 - 1e-6)
    return np.log(clipped / (1 - clipped))
