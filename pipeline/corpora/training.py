"""What a model is trained on: labelled conversations, and a sample of ordinary chat."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from pipeline.config import Taxonomy
from pipeline.corpora.about import describe_corpus
from pipeline.corpora.labelled import LabelledConversation
from pipeline.corpora.open import read_corpora_by_path
from pipeline.corpora.ordinary import read_ordinary
from pipeline.ingest.options import NO_COLUMNS


@dataclass(frozen=True, slots=True)
class TrainingCorpus:
    """Labelled conversations, and ordinary chat in which every stage is taken as absent; ``more`` of it is dealt to no part.

    ``sources`` say what each corpus is, as `pipeline.corpora.about.describe_corpus` does, with whether it is ``labelled``.
    """

    labelled: tuple[LabelledConversation, ...]
    ordinary: tuple[LabelledConversation, ...]
    more: tuple[LabelledConversation, ...] = ()
    sources: tuple[dict[str, Any], ...] = ()

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
    read = list(read_corpora_by_path(labelled, taxonomy, columns=columns))
    chats = sample_by_path(ordinary, taxonomy=taxonomy, seed=seed, max_ordinary=max_ordinary)
    sampled = {chat.id for chat in chain.from_iterable(chats)}
    others = sample_by_path(ordinary, taxonomy=taxonomy, seed=seed + 1, max_ordinary=more) if more else [()] * len(ordinary)
    others = [tuple(chat for chat in part if chat.id not in sampled) for part in others]
    sources = [
        *({"labelled": True, **describe_corpus(path, [one for other, one in read if other == path])} for path in labelled),
        *(
            {"labelled": False, **describe_corpus(path, (*part, *beside))}
            for path, part, beside in zip(ordinary, chats, others, strict=True)
        ),
    ]
    return TrainingCorpus(
        tuple(one for _, one in read), tuple(chain.from_iterable(chats)), tuple(chain.from_iterable(others)), tuple(sources)
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
