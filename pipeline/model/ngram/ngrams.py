"""TF-IDF n-grams without scikit-learn: the same features at scoring time as at training time.

Training hands ``word_ngrams`` and ``char_ngrams`` to scikit-learn's ``TfidfVectorizer`` as analysers, so both sides count the
same things; a test holds this module's weights against it. Weights as there: sublinear term frequency, smooth idf, and
rows of unit length, for words and for characters apart.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pipeline.text.normalise import normalise

MAX_CHARACTERS = 4_000
"""A longer message is read up to here: beyond, it is a paste, and n-grams of it say little."""

_TOKEN = re.compile(r"<\w+>|\[\w+\]|\w+(?:['’]\w+)*|[^\w\s]")


def word_ngrams(text: str, *, low: int, high: int) -> list[str]:
    """Return the word n-grams of a message, ``low`` to ``high`` words long; a punctuation mark or emoji is a word."""
    words = _TOKEN.findall(normalise(text[:MAX_CHARACTERS]))
    return [" ".join(words[start : start + size]) for size in range(low, high + 1) for start in range(len(words) - size + 1)]


def char_ngrams(text: str, *, low: int, high: int) -> list[str]:
    """Return the character n-grams of a message inside its words, each padded with one space on either side."""
    grams: list[str] = []
    for word in normalise(text[:MAX_CHARACTERS]).split():
        padded = f" {word} "
        for size in range(low, high + 1):
            grams.extend(padded[start : start + size] for start in range(max(1, len(padded) - size + 1)))
    return grams


@dataclass(frozen=True)
class NgramBlock:
    """One block of features: the analyser, the vocabulary, and the idf weight of each entry.

    ``idf`` has shape (features,) and follows the order of ``vocabulary``.
    """

    analyse: Callable[[str], list[str]]
    vocabulary: tuple[str, ...]
    idf: NDArray[np.float32]

    def __post_init__(self) -> None:
        object.__setattr__(self, "_index", {gram: position for position, gram in enumerate(self.vocabulary)})

    def rows(self, texts: Iterable[str]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """Return the TF-IDF matrix of the texts in coordinate form: row, feature and value, each of shape (entries,)."""
        index: dict[str, int] = self._index  # type: ignore[attr-defined]
        row_of: list[int] = []
        features: list[int] = []
        counts: list[int] = []
        for row, text in enumerate(texts):
            gram_counts = Counter(index[gram] for gram in self.analyse(text) if gram in index)
            features.extend(gram_counts.keys())
            counts.extend(gram_counts.values())
            row_of.extend([row] * len(gram_counts))
        rows = np.asarray(row_of, np.int64)
        columns = np.asarray(features, np.int64)
        values = (1.0 + np.log(np.asarray(counts, np.float32))) * self.idf[columns]
        length = np.sqrt(np.bincount(rows, values**2)) if len(rows) else np.zeros(0)
        return rows, columns, (values / length[rows]).astype(np.float32) if len(rows) else values.astype(np.float32)


@dataclass(frozen=True)
class LinearStages:
    """A logistic regression a stage over the n-gram blocks.

    ``weights`` has shape (features of all blocks, stages), ``intercepts`` (stages,).
    """

    blocks: Sequence[NgramBlock]
    weights: NDArray[np.float32]
    intercepts: NDArray[np.float32]

    def decision(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the log-odds of each stage for each text, before calibration: shape (texts, stages)."""
        scores = np.tile(self.intercepts, (len(texts), 1)).astype(np.float64)
        offset = 0
        for block in self.blocks:
            rows, columns, values = block.rows(texts)
            for stage in range(self.weights.shape[1]):
                scores[:, stage] += np.bincount(rows, values * self.weights[columns + offset, stage], minlength=len(texts))
            offset += len(block.vocabulary)
        return scores.astype(np.float32)


def word_analyser(size: tuple[int, int]) -> Callable[[str], list[str]]:
    """Return ``word_ngrams`` for n-grams of these lengths."""
    return partial(word_ngrams, low=size[0], high=size[1])


def char_analyser(size: tuple[int, int]) -> Callable[[str], list[str]]:
    """Return ``char_ngrams`` for n-grams of these lengths."""
    return partial(char_ngrams, low=size[0], high=size[1])
