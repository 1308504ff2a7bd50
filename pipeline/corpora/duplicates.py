"""Near-duplicate conversations: candidates by MinHash (Broder 1997), each measured exactly on the words of its messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.corpora.labelled import LabelledConversation
from pipeline.corpora.minhash import band_keys, hashes64, sketch, word_runs

LIKENESS = 0.5
"""The Jaccard likeness of two conversations' word triples from which they are called near-duplicates."""


def near_duplicates(
    conversations: Sequence[LabelledConversation], *, likeness: float = LIKENESS
) -> Iterator[tuple[str, str, float]]:
    """Yield ``(id, id, likeness)`` of every pair of conversations that are alike, each pair once.

    The likeness is the Jaccard index over runs of three words. Sketches choose the pairs that are measured: one that is half alike
    is overlooked once in a hundred times, one that is 0.4 alike 6 times.
    """
    runs: list[NDArray[np.uint64]] = []
    homes: dict[tuple[int, bytes], list[int]] = {}
    for row, conversation in enumerate(conversations):
        hashes = hashes64(word_runs(conversation))
        runs.append(hashes)
        minima = sketch(hashes)
        if minima is None:
            continue
        keys = list(enumerate(band_keys(minima)))
        others = {other for key in keys for other in homes.get(key, ())}
        for other in sorted(others, key=lambda other: conversations[other].id):
            if (alike := _jaccard(runs[other], hashes)) >= likeness:
                yield conversations[other].id, conversation.id, alike
        for key in keys:
            homes.setdefault(key, []).append(row)


def _jaccard(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> float:
    shared = len(np.intersect1d(first, second, assume_unique=True))
    return shared / (len(first) + len(second) - shared)
