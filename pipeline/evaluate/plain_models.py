"""Readers that know no words: how long a conversation is, and how it looks. A benchmark on which they do well measures little."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.config import Taxonomy
from pipeline.corpora.labelled import LabelledConversation
from pipeline.model.reading import Reading, Spoken
from pipeline.model.spoken import spoken

_HALF = 60
"""Messages at which the length-only risk is one half; the order of conversations does not depend on it."""

_EMOJI = re.compile(r"[^\w\s.,?!'\"()-]")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True)
class LengthModel:
    """The risk grows with the number of messages, whatever they say."""

    taxonomy: Taxonomy

    def read(self, conversations: Sequence[Sequence[Spoken]]) -> list[Reading]:
        """Return a reading of each conversation."""
        return [self._reading(len(one)) for one in conversations]

    def _reading(self, count: int) -> Reading:
        numbers = np.arange(1, count + 1)
        risk = (numbers / (numbers + _HALF)).astype(np.float32)
        return Reading(np.zeros((count, len(self.taxonomy.keys)), np.float32), risk, risk)


@dataclass(frozen=True)
class SurfaceModel:
    """A logistic regression over `surface_features` of the whole conversation: its risk stands at the last message."""

    taxonomy: Taxonomy
    regression: Any

    def read(self, conversations: Sequence[Sequence[Spoken]]) -> list[Reading]:
        """Return a reading of each conversation."""
        readings = []
        for one in conversations:
            risk = np.zeros(len(one), np.float32)
            if one:
                risk[-1] = self.regression.predict_proba(surface_features(one)[None])[0, 1]
            readings.append(Reading(np.zeros((len(one), len(self.taxonomy.keys)), np.float32), risk, risk))
        return readings


def fit_surface(conversations: Sequence[LabelledConversation], taxonomy: Taxonomy) -> SurfaceModel:
    """Fit the surface model on labelled conversations."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    known = [(lines, one.is_grooming) for one in conversations if one.is_grooming is not None and (lines := _lines(one))]
    rows = np.stack([surface_features(lines) for lines, _ in known])
    regression = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced"))
    return SurfaceModel(taxonomy, regression.fit(rows, np.asarray([bool(grooming) for _, grooming in known])))


def _lines(one: LabelledConversation) -> list[Spoken]:
    return [line for _, line in spoken(one.messages)]


def surface_features(conversation: Sequence[Spoken]) -> NDArray[np.float64]:
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
