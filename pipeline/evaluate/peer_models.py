"""Simpler methods that a model is compared with, behind the same interface: majority, a keyword list, nearest neighbours."""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.config import Taxonomy
from pipeline.model.base import Prediction, Utterance
from pipeline.text.cues import cue_matcher

Embed = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts in, vectors of length one out, of shape (texts, width)."""

NEIGHBOURS = 5
LEAST_SCORES = 10
TOP = 3


class Running(Protocol):
    """What a speaker's messages so far come to."""

    def after(self, score: float) -> float:
        """Take in one more message's score and return the risk after it."""
        ...


@dataclass
class Skewness:
    """(mean - median) / deviation of a speaker's scores so far, 0 under ten of them, as Roblox Sentinel aggregates."""

    ordered: list[float] = field(default_factory=list)
    total: float = 0.0
    squares: float = 0.0

    def after(self, score: float) -> float:
        """Take in one more score."""
        insort(self.ordered, score)
        self.total += score
        self.squares += score * score
        count = len(self.ordered)
        mean = self.total / count
        deviation = math.sqrt(max(self.squares / count - mean * mean, 0.0))
        if count < LEAST_SCORES or deviation < 1e-9:
            return 0.0
        median = (self.ordered[(count - 1) // 2] + self.ordered[count // 2]) / 2
        return max(0.0, min(1.0, (mean - median) / deviation))


@dataclass
class TopMean:
    """The mean of a speaker's highest few scores so far, brought between 0 and 1."""

    ordered: list[float] = field(default_factory=list)

    def after(self, score: float) -> float:
        """Take in one more score."""
        insort(self.ordered, score)
        del self.ordered[:-TOP]
        return 1.0 - math.exp(-sum(self.ordered) / TOP)


@dataclass
class CuedStages:
    """The share of the stages whose cues a speaker has used so far, and a little for every cue more."""

    stages: int
    seen: set[int] = field(default_factory=set)
    cues: int = 0

    def add(self, columns: Sequence[int]) -> float:
        """Take in the stages that one more message holds cues of."""
        self.seen.update(columns)
        self.cues += len(columns)
        return (len(self.seen) + 1 - 0.5**self.cues) / (self.stages + 1)


@dataclass(frozen=True)
class MajorityModel:
    """Says of everything what most of it is: nothing."""

    taxonomy: Taxonomy

    def predict(self, conversations: Sequence[Sequence[Utterance]]) -> list[Prediction]:
        """Return a prediction for each conversation."""
        stages = len(self.taxonomy.keys)
        return [
            Prediction(
                np.zeros((len(conversation), stages), np.float32),
                np.zeros(len(conversation), np.float32),
                np.zeros(len(conversation), np.float32),
            )
            for conversation in conversations
        ]


@dataclass(frozen=True)
class KeywordModel:
    """A stage is found where a phrase of its indicators stands; the risk is how many stages a speaker's phrases are of."""

    taxonomy: Taxonomy

    def predict(self, conversations: Sequence[Sequence[Utterance]]) -> list[Prediction]:
        """Return a prediction for each conversation."""
        columns = {key: column for column, key in enumerate(self.taxonomy.keys)}
        cues = iter(
            cue_matcher(self.taxonomy.model_dump_json()).find([text for conversation in conversations for _, text in conversation])
        )
        predictions = []
        for conversation in conversations:
            stages = np.zeros((len(conversation), len(columns)), np.float32)
            speakers: dict[str, CuedStages] = {}
            risks = []
            for row, (speaker, _) in enumerate(conversation):
                cued = sorted({columns[cue.stage] for cue in next(cues)})
                stages[row, cued] = 1.0
                risks.append(speakers.setdefault(speaker, CuedStages(len(columns))).add(cued))
            predictions.append(_prediction(stages, [speaker for speaker, _ in conversation], risks))
        return predictions


@dataclass(frozen=True)
class ContrastiveModel:
    """Nearest neighbours in a frozen encoder, in the manner of Roblox Sentinel: rare examples against ordinary ones.

    A message's score is the logarithm of how much nearer its nearest rare examples are than its nearest ordinary ones, 0 where they
    are not; ``aggregate`` makes a speaker's risk of them. A stage's probability is its share among the nearest of all examples.
    ``rare`` is of shape (examples, width), ``stages`` (examples, stages), ``ordinary`` (others, width).
    """

    taxonomy: Taxonomy
    embed: Embed
    rare: NDArray[np.float32]
    stages: NDArray[np.float32]
    ordinary: NDArray[np.float32]
    aggregate: Callable[[], Running]

    def predict(self, conversations: Sequence[Sequence[Utterance]]) -> list[Prediction]:
        """Return a prediction for each conversation."""
        texts = [text for conversation in conversations for _, text in conversation]
        scores, stages = self._scores(texts)
        predictions = []
        start = 0
        for conversation in conversations:
            positions = range(start, start + len(conversation))
            start += len(conversation)
            speakers: dict[str, Running] = {}
            risks = [
                speakers.setdefault(speaker, self.aggregate()).after(float(scores[row]))
                for row, (speaker, _) in zip(positions, conversation, strict=True)
            ]
            predictions.append(
                _prediction(stages[positions.start : positions.stop], [speaker for speaker, _ in conversation], risks)
            )
        return predictions

    def _scores(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        width = len(self.taxonomy.keys)
        if not texts:
            return np.zeros(0, np.float32), np.zeros((0, width), np.float32)
        vectors = self.embed(texts)
        to_rare, to_ordinary = vectors @ self.rare.T, vectors @ self.ordinary.T
        rare_rows, near_rare = _highest(to_rare)
        _, near_ordinary = _highest(to_ordinary)
        scores = np.log(np.exp(near_rare).mean(axis=1) / np.exp(near_ordinary).mean(axis=1))
        # Of the nearest of both kinds together, those that are rare carry their stages.
        cut = np.sort(np.concatenate([near_rare, near_ordinary], axis=1), axis=1)[:, -NEIGHBOURS, None]
        among = (near_rare >= cut)[:, :, None]
        stages = (self.stages[rare_rows] * among).sum(axis=1) / NEIGHBOURS
        return np.maximum(scores, 0.0).astype(np.float32), stages.astype(np.float32)


def _highest(likeness: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    count = min(NEIGHBOURS, likeness.shape[1])
    rows = np.argpartition(-likeness, count - 1, axis=1)[:, :count]
    return rows, np.take_along_axis(likeness, rows, axis=1)


def _prediction(stages: NDArray[np.float32], speakers: Sequence[str], speaker_risk: Sequence[float]) -> Prediction:
    """Return a reading whose conversation's risk is the highest of its speakers' as they stand."""
    current: dict[str, float] = {}
    whole = []
    for speaker, risk in zip(speakers, speaker_risk, strict=True):
        current[speaker] = risk
        whole.append(max(current.values()))
    return Prediction(stages, np.asarray(speaker_risk, np.float32), np.asarray(whole, np.float32))
