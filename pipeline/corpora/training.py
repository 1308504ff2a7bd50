"""What a model is trained on: labelled conversations, and a sample of ordinary chat."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.config import Taxonomy
from pipeline.corpora.labelled import LabelledConversation
from pipeline.corpora.ordinary import read_ordinary
from pipeline.corpora.written import read_written


@dataclass(frozen=True, slots=True)
class TrainingCorpus:
    """Labelled conversations, and ordinary chat in which every stage is taken as absent."""

    labelled: tuple[LabelledConversation, ...]
    ordinary: tuple[LabelledConversation, ...]

    @property
    def all(self) -> tuple[LabelledConversation, ...]:
        """Both, labelled first."""
        return self.labelled + self.ordinary


def read_training_corpus(
    labelled: Sequence[Path], ordinary: Sequence[Path], *, taxonomy: Taxonomy, seed: int, max_ordinary: int
) -> TrainingCorpus:
    """Read the labelled corpora, and a seeded sample of at most ``max_ordinary`` ordinary conversations."""
    conversations = tuple(conversation for path in labelled for conversation in read_written(path, taxonomy))
    chats = _sample(read_ordinary(ordinary, taxonomy), max_ordinary, random.Random(seed))  # noqa: S311 - a sample, no secret
    return TrainingCorpus(conversations, chats)


def _sample(conversations: Iterable[LabelledConversation], size: int, chance: random.Random) -> tuple[LabelledConversation, ...]:
    """Keep ``size`` of a stream, each with the same chance (reservoir sampling, Vitter 1985)."""
    kept: list[LabelledConversation] = []
    for number, conversation in enumerate(conversations):
        if number < size:
            kept.append(conversation)
        elif (place := chance.randrange(number + 1)) < size:
            kept[place] = conversation
    return tuple(kept)
