"""The same said in other words, by one person: sentence vectors of an encoder, compared exactly.

Only messages of one person are compared. Vectors of an encoder that learned stages put messages of one stage near one another,
whoever wrote them: of 1,504 written messages with a stage, of conversations that have nothing to do with one another, 0.85 makes 45
groups over three conversations or more. `docs/how-to/link.md` has the figures.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ConfigError
from pipeline.model.encoder.encoder import EncoderModel
from pipeline.model.load import load_model

MOST = 4000
"""Messages of one person that are compared at most, the first in order: their cosines take 64 MB."""

Vector = NDArray[np.float16]


@lru_cache(maxsize=1)
def load_vectors(model: str) -> EncoderModel:
    """Load the model whose vectors are used, once in each process.

    Raises
    ------
    ConfigError
        When it has no vectors.
    ModelFolderError
        When it is no model folder.
    """
    folder, loaded = load_model(Path(model))
    if not isinstance(loaded, EncoderModel):
        raise ConfigError(
            f"a model of kind {folder.kind} has no sentence vectors", where=model, do="Give --model an encoder, such as default"
        )
    return loaded


def vectors_of(texts: Sequence[str], model: str) -> list[bytes]:
    """Return the vector of each text, of length 1, as the bytes of half floats."""
    loaded = load_vectors(model)
    of_texts = loaded.vectors(loaded.tokenizer.pieces([[("A", text)] for text in texts]))
    return [_unit(vectors[0]).astype(np.float16).tobytes() for vectors in of_texts]


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)


def vector_from(content: bytes | None) -> Vector | None:
    """Return a vector of its bytes; nothing where there is none."""
    return np.frombuffer(content, np.float16) if content else None


def cosine(first: Vector | None, other: Vector | None) -> float:
    """Return how alike two vectors are; 0 where one is not known."""
    return 0.0 if first is None or other is None else float(np.dot(first.astype(np.float32), other.astype(np.float32)))


def groups_by_meaning(rows: Iterable[tuple[str, int, Vector]], least: float) -> dict[int, int]:
    """Return for each group the one that it belongs to, itself where it is alone.

    ``rows`` are person, group and vector, in order; of a person the first of each group counts. Two groups of one person are joined
    where their vectors have at least this cosine, so which come first does not matter; the home is the lowest.
    """
    of_person: dict[str, dict[int, Vector]] = defaultdict(dict)
    homes: dict[int, int] = {}
    for person, group, vector in rows:
        of_person[person].setdefault(group, vector)
        homes.setdefault(group, group)
    for person in sorted(of_person):
        theirs = dict(list(of_person[person].items())[:MOST])
        numbers = list(theirs)
        table = np.stack([theirs[number] for number in numbers]).astype(np.float32)
        for first, other in np.argwhere(np.triu(table @ table.T >= least, 1)).tolist():
            _join(homes, numbers[first], numbers[other])
    return {group: _root(homes, group) for group in homes}


def _root(homes: dict[int, int], group: int) -> int:
    while homes[group] != group:
        group = homes[group]
    return group


def _join(homes: dict[int, int], first: int, other: int) -> None:
    low, high = sorted((_root(homes, first), _root(homes, other)))
    homes[high] = low
