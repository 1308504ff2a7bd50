"""The conversations of the benchmark of transfer: a second written set, ordinary chat by source, and what exports do to both."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path

from pipeline.config import Taxonomy
from pipeline.corpora.augment.synthetic_chats import split_into_sentences, synthetic_chats
from pipeline.corpora.augment.without_speakers import merge_bursts, scorable_messages, without_speakers
from pipeline.corpora.labelled import LabelledConversation
from pipeline.corpora.open import read_corpora
from pipeline.corpora.training import sample_ordinary
from pipeline.errors import CorpusError
from pipeline.ingest.own_words import has_words
from pipeline.model.folder import ModelFolder
from pipeline.model.leakage import find_leakage
from pipeline.schema import Message
from pipeline.training.context_dilution import BEFORE

LENGTHS = (60, 300, 2000)
"""Messages that ordinary chats are joined to."""

JOINED_MESSAGES = 60_000
"""Messages that are joined, of each length."""

SEGMENT_SOURCES = 1500
"""Ordinary chats that segments are cut from."""

SEGMENT = (15, 40)
"""Messages of a segment, at least and at most."""


SOURCE_SUFFIXES = (".gz", ".jsonl", ".json", ".csv", ".parquet")


@dataclass(frozen=True)
class TransferSets:
    """The conversations of the benchmark; see `evaluation.transfer.TransferScores`."""

    written: Sequence[LabelledConversation]
    sources: Mapping[str, Sequence[LabelledConversation]]
    joined: Mapping[int, Sequence[LabelledConversation]]
    after: Mapping[int, Sequence[LabelledConversation]]
    segments: Sequence[LabelledConversation]
    one_side: Sequence[LabelledConversation]


def make_transfer_sets(
    written: Sequence[Path],
    ordinary: Sequence[Path],
    *,
    taxonomy: Taxonomy,
    most: int = 2000,
    seed: int = 0,
    model: ModelFolder | None = None,
) -> TransferSets:
    """Read the sets; ``most`` conversations of each source of ordinary chat, a seeded sample without what ``model`` learned from.

    Raises
    ------
    CorpusError
        When the written set holds no grooming or no ordinary conversation, two sources have one name, or the model learned from the
        written set.
    """
    written_set = [conversation for conversation in read_corpora(written, taxonomy) if conversation.is_grooming is not None]
    grooming = [conversation for conversation in written_set if conversation.is_grooming]
    if not grooming or len(grooming) == len(written_set):
        raise CorpusError("the written set needs conversations of both kinds", where=", ".join(map(str, written)))
    names = [source_name(path) for path in ordinary]
    if len(set(names)) < len(names):
        raise CorpusError("two sources of ordinary chat have one name", do="Rename a file")
    if model is not None and (met := find_leakage(model, written_set)).ids:
        raise CorpusError(f"the model learned from {len(met.ids)} conversation(s) of the written set", do="Give another set")
    sources = {
        name: _not_learned(sample_ordinary([path], taxonomy=taxonomy, seed=seed, max_ordinary=most), model)
        for name, path in zip(names, ordinary, strict=True)
    }
    chats = [chat for name in names for chat in sources[name]]
    return TransferSets(
        written=written_set,
        sources=sources,
        joined={
            length: list(synthetic_chats(chats, seed=seed, most=JOINED_MESSAGES // length, messages=length))
            for length in LENGTHS
            if chats
        },
        after={before: list(after_ordinary(grooming, chats, before, seed=seed)) for before in BEFORE} if chats else {},
        segments=[
            part
            for conversation in (*written_set, *_some(chats, SEGMENT_SOURCES, seed=seed))
            for part in segments(conversation, seed=seed)
        ],
        one_side=[side for conversation in written_set if (side := one_side(conversation)) is not None],
    )


def _not_learned(chats: Sequence[LabelledConversation], model: ModelFolder | None) -> list[LabelledConversation]:
    if model is None:
        return list(chats)
    met = set(find_leakage(model, chats).ids)
    return [chat for chat in chats if chat.id not in met]


def _some(chats: Sequence[LabelledConversation], count: int, *, seed: int) -> list[LabelledConversation]:
    order = list(chats)
    random.Random(seed).shuffle(order)  # noqa: S311 - a sample, no secret
    return order[:count]


def source_name(path: Path) -> str:
    """Return the name of a source: that of its file without its endings."""
    name = path.name
    while Path(name).suffix in SOURCE_SUFFIXES:
        name = Path(name).stem
    return name if name != "dataset" else path.parent.name


def after_ordinary(
    grooming: Sequence[LabelledConversation], chats: Sequence[LabelledConversation], before: int, *, seed: int
) -> Iterator[LabelledConversation]:
    """Yield the conversations after ``before`` ordinary messages of the same two speakers."""
    order = list(chats)
    random.Random(seed).shuffle(order)  # noqa: S311 - an order, no secret
    talk = cycle([message for chat in order for message in split_into_sentences(chat)])
    for conversation in grooming:
        names = list(dict.fromkeys(str(message.speaker) for message in conversation.messages if message.speaker))
        cast = dict(zip("AB", names * 2, strict=False))
        first = tuple(
            replace(message, speaker=cast[str(message.speaker)], message_id=f"before-{number}")
            for number, message in enumerate(islice(talk, before))
        )
        yield _changed(
            conversation, (*first, *conversation.messages), ((frozenset(),) * before + conversation.stages), f"after-{before}"
        )


def segments(conversation: LabelledConversation, *, seed: int) -> Iterator[LabelledConversation]:
    """Yield windows of a conversation: cut anywhere, one speaker for all, and bursts of one speaker as one line.

    A window of a grooming conversation that holds no labelled sign is left out: nobody could tell.
    """
    chance = random.Random(f"{seed}/{conversation.id}")  # noqa: S311 - a cut, no secret
    messages = scorable_messages(conversation)
    start = number = 0
    while start < len(messages):
        size = chance.randint(*SEGMENT)
        part = messages[start : start + size]
        start += size
        number += 1
        if len(part) < SEGMENT[0] // 2 or (conversation.is_grooming and not any(stages for _, stages in part)):
            continue
        yield without_speakers(conversation, merge_bursts(part), f"{conversation.id}/segment-{number}")


def one_side(conversation: LabelledConversation) -> LabelledConversation | None:
    """Return a conversation of which only a groomer was exported, or whoever spoke most; ``None`` where that is little."""
    counts: dict[str, int] = {}
    for message in conversation.messages:
        if message.speaker is not None and has_words(message):
            counts[message.speaker] = counts.get(message.speaker, 0) + 1
    if not counts:
        return None
    kept = max(sorted(conversation.groomers or counts), key=lambda name: counts.get(name, 0))
    rows = [number for number, message in enumerate(conversation.messages) if message.speaker == kept]
    if len(rows) < SEGMENT[0] // 2:
        return None
    return _changed(
        conversation,
        tuple(conversation.messages[row] for row in rows),
        tuple(conversation.stages[row] for row in rows),
        "one-side",
    )


def _changed(
    parent: LabelledConversation, messages: tuple[Message, ...], stages: tuple[frozenset[str] | None, ...], name: str
) -> LabelledConversation:
    conversation = replace(parent.conversation, conversation_id=f"{parent.id}/{name}", messages=messages)
    return replace(parent, conversation=conversation, stages=stages, flagged=None, unsure={})
