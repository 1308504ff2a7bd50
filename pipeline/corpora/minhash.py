"""MinHash sketches of conversations, which find near-duplicates (Broder 1997), also where only hashes may be kept.

A model folder keeps them: 16 bits a minimum (b-bit minwise hashing; Li and König 2010). In plain numpy, so that evaluation needs no
training library.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from pipeline.corpora.labelled import LabelledConversation
from pipeline.text.normalise import normalise

RUN = 3
"""Words that are hashed together."""

PERMUTATIONS = 32
_BAND = 2
_RANDOM = np.random.default_rng(20261124)
_FACTORS = _RANDOM.integers(0, 2**63, PERMUTATIONS, np.uint64) * np.uint64(2) + np.uint64(1)
_OFFSETS = _RANDOM.integers(0, 2**63, PERMUTATIONS, np.uint64)


def plain_words(conversation: LabelledConversation) -> str:
    """Return the words of a conversation, a line a message, in the one spelling that `normalise` gives."""
    return "\n".join(normalise(message.text) for message in conversation.messages)


def word_runs(conversation: LabelledConversation) -> set[str]:
    """Return every run of three words of a conversation, over the ends of messages too."""
    words = [word for message in conversation.messages for word in normalise(message.text).split()]
    return {" ".join(words[start : start + RUN]) for start in range(len(words) - RUN + 1)}


def hash64(text: str) -> int:
    """Return the first 64 bits of the SHA-256 of a text."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big")


def hashes64(texts: Iterable[str]) -> NDArray[np.uint64]:
    """Return the hashes of several texts, sorted, each once."""
    return np.unique(np.fromiter((hash64(text) for text in texts), np.uint64))


def sketch_of(conversation: LabelledConversation) -> NDArray[np.uint16] | None:
    """Return the sketch of a conversation, of shape (permutations,); ``None`` where it has too few words."""
    return sketch(hashes64(word_runs(conversation)))


def sketch(numbers: NDArray[np.uint64]) -> NDArray[np.uint16] | None:
    """Return the sketch of hashed runs of words, of shape (permutations,); ``None`` where there are none."""
    if not len(numbers):
        return None
    lowest = np.full(PERMUTATIONS, np.iinfo(np.uint64).max, np.uint64)
    for start in range(0, len(numbers), 4096):  # a long conversation must not cost its length times the permutations in memory
        values = numbers[start : start + 4096, None] * _FACTORS + _OFFSETS
        lowest = np.minimum(lowest, values.min(axis=0))
    return (lowest & np.uint64(0xFFFF)).astype(np.uint16)


def estimate_jaccard(sketches: NDArray[np.uint16], known: NDArray[np.uint16]) -> NDArray[np.float64]:
    """Return, for each row of ``sketches``, the highest estimated Jaccard likeness to a row of ``known``.

    Both are of shape (conversations, permutations).

    Compared are only pairs that agree on two neighbouring minima somewhere, which a pair half alike misses once in a hundred.
    """
    best = np.zeros(len(sketches))
    homes: dict[tuple[int, bytes], list[int]] = {}
    for row, minima in enumerate(known):
        for key in enumerate(band_keys(minima)):
            homes.setdefault(key, []).append(row)
    for row, minima in enumerate(sketches):
        rows = {other for key in enumerate(band_keys(minima)) for other in homes.get(key, ())}
        if rows:
            best[row] = (known[sorted(rows)] == minima).mean(axis=1).max()
    return best


def band_keys(minima: NDArray[np.uint16]) -> list[bytes]:
    """Return the bands of a sketch: pairs of neighbouring minima. Two sketches are compared where they share a band."""
    return [minima[first : first + _BAND].tobytes() for first in range(0, PERMUTATIONS, _BAND)]
