"""What a model is trained on: labelled conversations, and a sample of ordinary chat."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

from pipeline.config import Taxonomy
from pipeline.corpora.about import CorpusDescription, describe_corpus, read_about
from pipeline.corpora.labelled import LabelledConversation
from pipeline.corpora.open import read_corpora_by_path
from pipeline.corpora.ordinary import read_ordinary
from pipeline.ingest.options import NO_COLUMNS


@dataclass(frozen=True, slots=True)
class CorpusPart:
    """What was taken of the corpus at a path."""

    path: Path
    conversations: tuple[LabelledConversation, ...]
    labelled: bool


@dataclass(frozen=True)
class TrainingCorpus:
    """Labelled conversations, and ordinary chat in which every stage is taken as absent; ``more`` of it is in no split.

    ``parts`` say which corpus each comes from.
    """

    labelled: tuple[LabelledConversation, ...]
    ordinary: tuple[LabelledConversation, ...]
    more: tuple[LabelledConversation, ...] = ()
    parts: tuple[CorpusPart, ...] = ()

    @cached_property
    def sources(self) -> tuple[CorpusDescription, ...]:
        """What each corpus is: for the cards of what is made of them. Every conversation is hashed for it."""
        return tuple(describe_corpus(part.path, part.conversations, labelled=part.labelled) for part in self.parts)

    @property
    def all(self) -> tuple[LabelledConversation, ...]:
        """What the splits divide, labelled first."""
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
    for path in (*labelled, *ordinary):
        read_about(path)  # what is declared wrongly is an error before anything takes time
    by_path: dict[Path, list[LabelledConversation]] = {path: [] for path in labelled}
    for path, conversation in read_corpora_by_path(labelled, taxonomy, columns=columns):
        by_path[path].append(conversation)
    chats = sample_by_path(ordinary, taxonomy=taxonomy, seed=seed, max_ordinary=max_ordinary)
    sampled = {chat.id for chat in chain.from_iterable(chats)}
    others = sample_by_path(ordinary, taxonomy=taxonomy, seed=seed + 1, max_ordinary=more) if more else [()] * len(ordinary)
    others = [tuple(chat for chat in part if chat.id not in sampled) for part in others]
    parts = [
        *(CorpusPart(path, tuple(conversations), labelled=True) for path, conversations in by_path.items()),
        *(CorpusPart(path, (*part, *beside), labelled=False) for path, part, beside in zip(ordinary, chats, others, strict=True)),
    ]
    return TrainingCorpus(
        tuple(chain.from_iterable(by_path.values())),
        tuple(chain.from_iterable(chats)),
        tuple(chain.from_iterable(others)),
        tuple(parts),
    )


def sample_ordinary(paths: Sequence[Path], *, taxonomy: Taxonomy, seed: int, max_ordinary: int) -> tuple[LabelledConversation, ...]:
    """Read a seeded sample of ordinary chat, an equal share of each path."""
    return tuple(chain.from_iterable(sample_by_path(paths, taxonomy=taxonomy, seed=seed, max_ordinary=max_ordinary)))


def sample_by_path(
    paths: Sequence[Path], *, taxonomy: Taxonomy, seed: int, max_ordinary: int
) -> list[tuple[LabelledConversation, ...]]:
    """Return the same sample, path by path."""
    chance = random.Random(seed)  # noqa: S311 - a sample, no secret
    shares = [len(range(number, max_ordinary, len(paths))) for number in range(len(paths))]
    return [_sample(read_ordinary(path, taxonomy), share, chance) for path, share in zip(paths, shares, strict=True)]


def _sample(conversations: Iterable[LabelledConversation], size: int, chance: random.Random) -> tuple[LabelledConversation, ...]:
    """Keep ``size`` of a stream, each with the same chance (reservoir sampling, Vitter 1985)."""
    kept: list[LabelledConversation] = []
    for number, conversation in enumerate(conversations):
        if number < size:
            kept.append(conversation)
        elif (place := chance.randrange(number + 1)) < size:
            kept[place] = conversation
    return tuple(kept)
