"""What a model is trained on: labelled conversations, and a sample of ordinary chat."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from pipeline.config import Taxonomy
from pipeline.corpora.labelled import LabelledConversation
from pipeline.corpora.open import read_corpora
from pipeline.corpora.ordinary import read_ordinary
from pipeline.ingest.options import NO_COLUMNS


@dataclass(frozen=True, slots=True)
class TrainingCorpus:
    """Labelled conversations, and ordinary chat in which every stage is taken as absent; ``more`` of it is dealt to no part."""

    labelled: tuple[LabelledConversation, ...]
    ordinary: tuple[LabelledConversation, ...]
    more: tuple[LabelledConversation, ...] = ()

    @property
    def all(self) -> tuple[LabelledConversation, ...]:
        """What is dealt to parts, labelled first."""
        return self.labelled + self.ordinary


def read_training_corpus(
    labelled: Sequence[Path],
    ordinary: Sequence[Path],
    *,
    taxonomy: Taxonomy,
    seed: int,
    max_ordinary: int,
    more: int = 0,
    columns: Mapping[str, str] = NO_COLUMNS,
) -> TrainingCorpus:
    """Read the labelled corpora, and a seeded sample of at most ``max_ordinary`` ordinary conversations, and ``more`` besides.

    Each path of ordinary chat gives its equal share, so that the largest corpus does not drown the others. ``columns`` maps our
    fields to the columns of the labelled tables.
    """
    conversations = tuple(read_corpora(labelled, taxonomy, columns=columns))
    chats = sample_ordinary(ordinary, taxonomy=taxonomy, seed=seed, max_ordinary=max_ordinary)
    sampled = {chat.id for chat in chats}
    others = sample_ordinary(ordinary, taxonomy=taxonomy, seed=seed + 1, max_ordinary=more) if more else ()
    return TrainingCorpus(conversations, chats, tuple(chat for chat in others if chat.id not in sampled))


def sample_ordinary(paths: Sequence[Path], *, taxonomy: Taxonomy, seed: int, max_ordinary: int) -> tuple[LabelledConversation, ...]:
    """Read a seeded sample of ordinary chat, an equal share of each path."""
    chance = random.Random(seed)  # noqa: S311 - a sample, no secret
    shares = [len(range(number, max_ordinary, len(paths))) for number in range(len(paths))]
    chats = chain.from_iterable(
        _sample(read_ordinary(path, taxonomy), share, chance) for path, share in zip(paths, shares, strict=True)
    )
    return tuple(chats)


def _sample(conversations: Iterable[LabelledConversation], size: int, chance: random.Random) -> tuple[LabelledConversation, ...]:
    """Keep ``size`` of a stream, each with the same chance (reservoir sampling, Vitter 1985)."""
    kept: list[LabelledConversation] = []
    for number, conversation in enumerate(conversations):
        if number < size:
            kept.append(conversation)
        elif (place := chance.randrange(number + 1)) < size:
            kept[place] = conversation
    return tuple(kept)
