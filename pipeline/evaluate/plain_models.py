"""Readers that know no words: how long a conversation is, and how it looks. A benchmark on which they do well measures little."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.config import Taxonomy
from pipeline.model.base import Prediction, Utterance

_HALF = 60
"""Messages at which the length-only risk is one half; the order of conversations does not depend on it."""

_EMOJI = re.compile(r"[^\w\s.,?!'\"()-]")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True)
class LengthModel:
    """The risk grows with the number of messages, whatever they say."""

    taxonomy: Taxonomy

    def predict(self, conversations: Sequence[Sequence[Utterance]]) -> list[Prediction]:
        """Return a prediction for each conversation."""
        return [self._prediction(len(conversation)) for conversation in conversations]

    def _prediction(self, count: int) -> Prediction:
        numbers = np.arange(1, count + 1)
        risk = (numbers / (numbers + _HALF)).astype(np.float32)
        return Prediction(np.zeros((count, len(self.taxonomy.keys)), np.float32), risk, risk)


@dataclass(frozen=True)
class SurfaceModel:
    """A logistic regression over `surface_features` of the whole conversation: its risk stands at the last message.

    ``weights`` of shape (features,).
    """

    taxonomy: Taxonomy
    weights: NDArray[np.float64]
    offset: float

    def predict(self, conversations: Sequence[Sequence[Utterance]]) -> list[Prediction]:
        """Return a prediction for each conversation."""
        predictions = []
        for conversation in conversations:
            risk = np.zeros(len(conversation), np.float32)
            if conversation:
                risk[-1] = 1.0 / (1.0 + np.exp(-float(surface_features(conversation) @ self.weights + self.offset)))
            predictions.append(Prediction(np.zeros((len(conversation), len(self.taxonomy.keys)), np.float32), risk, risk))
        return predictions


def surface_features(conversation: Sequence[Utterance]) -> NDArray[np.float64]:
    """Return length, words a message, speakers, and the shares of messages with a question, a shout, a sign, a capital, a digit."""
    texts = [text for _, text in conversation]
    marks = [
        [
            len(text.split()),
            "?" in text,
            "!" in text,
            _EMOJI.search(text) is not None,
            text[:1].isupper(),
            _DIGIT.search(text) is not None,
        ]
        for text in texts
    ]
    speakers = len({speaker for speaker, _ in conversation})
    return np.asarray([np.log(len(texts)), speakers, *np.mean(np.asarray(marks, np.float64), axis=0)])
