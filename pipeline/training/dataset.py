"""A corpus split into training, validation and test, with the conversations that are composed for training."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.corpora.about import CorpusDescription
from pipeline.corpora.augment.compose import Composition, compose
from pipeline.corpora.duplicates import near_duplicates
from pipeline.corpora.labelled import LabelledConversation
from pipeline.corpora.minhash import plain_words
from pipeline.corpora.split import Splits, short_hash, split_corpus
from pipeline.corpora.training import TrainingCorpus
from pipeline.errors import CorpusError
from pipeline.recipes import SplitSettings

PARTS = ("train", "validation", "test")

_LIKENESS = 0.4
"""Ordinary chats with a higher Jaccard likeness than this are never in different splits; evaluation refuses from 0.5 on."""


@dataclass(frozen=True)
class DatasetSplits:
    """The conversations of each part; ``composed`` are derived from the training part alone, ``more`` is chat of no part.

    ``sources`` say what the corpora are, as in `pipeline.corpora.training.TrainingCorpus`.
    """

    train: tuple[LabelledConversation, ...]
    validation: tuple[LabelledConversation, ...]
    test: tuple[LabelledConversation, ...]
    composed: tuple[LabelledConversation, ...] = ()
    more: tuple[LabelledConversation, ...] = ()
    sources: tuple[CorpusDescription, ...] = ()


def make_splits(corpus: TrainingCorpus, settings: SplitSettings, *, seed: int) -> Splits:
    """Split the labelled corpus by its groups, and ordinary chat at random; every part is recorded with hashes.

    An ordinary chat that is a near-duplicate of one in an earlier part is in none.

    Raises
    ------
    CorpusError
        When a part would be empty.
    """
    shares = {"train": settings.train, "validation": settings.validation, "test": settings.test}
    made = split_corpus(corpus.labelled, shares=shares, seed=seed, together=settings.together)
    ordinary = list(corpus.ordinary)
    random.Random(seed).shuffle(ordinary)  # noqa: S311 - a shuffle, no secret
    for_validation = min(settings.ordinary_validation, int(settings.validation * len(ordinary)))
    kept = for_validation, for_validation + min(settings.ordinary_test, int(settings.test * len(ordinary)))
    names = ("validation" if number < kept[0] else "test" if number < kept[1] else "train" for number in range(len(ordinary)))
    where = leave_out_duplicates({chat.id: name for chat, name in zip(ordinary, names, strict=True)}, ordinary)
    return made.model_copy(
        update={
            "conversations": {**made.conversations, **where},
            "hashes": {**made.hashes, **{chat.id: short_hash(chat) for chat in ordinary}},
        }
    )


def leave_out_duplicates(
    where: Mapping[str, str], ordinary: Sequence[LabelledConversation], *, fixed: Collection[str] = ()
) -> dict[str, str]:
    """Return the parts without the ordinary chats that are near-duplicates of one in an earlier part, or of a ``fixed`` one."""
    kept = dict(where)
    for pair in _relatives(ordinary):
        if all(chat in kept for chat in pair) and kept[pair[0]] != kept[pair[1]]:
            del kept[max(pair, key=lambda chat: (chat not in fixed, PARTS.index(kept[chat])))]
    return kept


def _relatives(chats: Sequence[LabelledConversation]) -> Iterator[tuple[str, str]]:
    """Yield pairs of chats that are near-duplicates, or that have the same words, however few."""
    met: dict[str, str] = {}
    for chat in chats:
        if (first := met.setdefault(plain_words(chat), chat.id)) != chat.id:
            yield first, chat.id
    for first, second, _ in near_duplicates(chats, likeness=_LIKENESS):
        yield first, second


def assign_splits(corpus: TrainingCorpus, splits: Splits, *, composition: Composition | None = None) -> DatasetSplits:
    """Put each conversation into its part; what the splits do not name is left out.

    Raises
    ------
    CorpusError
        When the training or the validation part is empty, or a conversation is not what it was when it was split.
    """
    parts: dict[str, list[LabelledConversation]] = {name: [] for name in PARTS}
    for conversation in corpus.all:
        name = splits.conversations.get(conversation.id)
        if name not in parts:
            continue
        if splits.hashes.get(conversation.id) != short_hash(conversation):
            raise CorpusError(f"conversation {conversation.id} has changed since it was split", do="Split again")
        parts[name].append(conversation)
    if empty := [name for name in ("train", "validation") if not parts[name]]:
        raise CorpusError(f"the part {', '.join(empty)} holds no conversation", do="Check the splits")
    ordinary = {chat.id for chat in corpus.ordinary}
    fillers = [chat for chat in parts["train"] if chat.id in ordinary]
    parents = [conversation for conversation in parts["train"] if conversation.id not in ordinary]
    composed = tuple(compose(parents, fillers, composition)) if composition is not None else ()
    held_out = [chat for name in PARTS[1:] for chat in parts[name] if chat.id in ordinary]
    return DatasetSplits(
        tuple(parts["train"]),
        tuple(parts["validation"]),
        tuple(parts["test"]),
        composed,
        _apart(corpus.more, held_out),
        corpus.sources,
    )


def _apart(chats: Sequence[LabelledConversation], held_out: Sequence[LabelledConversation]) -> tuple[LabelledConversation, ...]:
    """Return the chats without a near-duplicate among those that are held out."""
    held = {chat.id for chat in held_out}
    related = {chat for pair in _relatives([*held_out, *chats]) if held & set(pair) for chat in pair} if chats else set()
    return tuple(chat for chat in chats if chat.id not in related)
