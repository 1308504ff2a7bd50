"""Labelled conversations as the network learns from them: stretches of messages, and what is known at each."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.corpora.labelled import LabelledConversation
from pipeline.model.encoder.context_head import CONTEXT, neighbours
from pipeline.model.encoder.message_tokens import MessageTokenizer
from pipeline.model.scorable import Utterance, utterances

YOUNG: Mapping[str, float] = {"under-13": 1.0, "13-15": 1.0, "16-17": 1.0, "adult": 0.0}
"""Who counts as under 18, by age band."""

_LEAST = 4
"""Messages of a stretch, or it is joined to the one before."""


@dataclass(frozen=True)
class Example:
    """A stretch of *n* messages of a conversation, of which the first ``before`` are context and not learned from.

    ``pieces`` are the tokens of each message. ``stages`` is of shape (n, stages), ``flagged`` and ``young`` of (n,): 1, 0, or NaN
    where the corpus does not say. ``groomers`` is ``None`` where it does not say who; ``grooming`` where it does not say whether.
    ``teacher`` of shape (n, stages + 1) are the log-odds that larger networks give, where there are any.
    """

    id: str
    pieces: tuple[tuple[int, ...], ...]
    speakers: tuple[str, ...]
    stages: NDArray[np.float32]
    flagged: NDArray[np.float32]
    young: NDArray[np.float32]
    groomers: frozenset[str] | None
    grooming: bool | None
    before: int = 0
    teacher: NDArray[np.float32] | None = None

    @cached_property
    def near(self) -> NDArray[np.intp]:
        """What `neighbours` gives: the rows before each message that it is read with."""
        return neighbours(self.speakers)

    @property
    def signals(self) -> NDArray[np.bool_] | None:
        """Which messages carry a stage or are flagged, of shape (n,); ``None`` where the corpus labels no messages."""
        known = ~np.isnan(self.stages).all(axis=1) | ~np.isnan(self.flagged)
        if not known.any():
            return None
        return (np.nan_to_num(self.stages).max(axis=1) > 0) | (np.nan_to_num(self.flagged) > 0)


@dataclass(frozen=True)
class LabelledUtterances:
    """The *n* messages with words of a conversation, and what is known of each.

    ``stages`` is of shape (n, stages), ``flagged`` and ``young`` of (n,): 1, 0, or NaN where the corpus does not say. ``groomers``
    is ``None`` where it does not say who; ``grooming`` where it does not say whether.
    """

    id: str
    utterances: tuple[Utterance, ...]
    stages: NDArray[np.float32]
    flagged: NDArray[np.float32]
    young: NDArray[np.float32]
    groomers: frozenset[str] | None
    grooming: bool | None

    @property
    def texts(self) -> list[str]:
        """The words of each message."""
        return [text for _, text in self.utterances]

    @property
    def speakers(self) -> tuple[str, ...]:
        """Who wrote each message."""
        return tuple(speaker for speaker, _ in self.utterances)


def labelled_utterances(
    conversations: Iterable[LabelledConversation], *, stages: Sequence[str], longest: int | None = None
) -> Iterator[LabelledUtterances]:
    """Yield the messages with words of each conversation that has some; the first ``longest`` of each at most."""
    for conversation in conversations:
        read = utterances(conversation.messages)[:longest]
        if not read:
            continue
        positions, lines = [position for position, _ in read], [line for _, line in read]
        flags = conversation.flagged
        yield LabelledUtterances(
            id=conversation.id,
            utterances=tuple(lines),
            stages=np.asarray(conversation.numbers(positions, stages), np.float32),
            flagged=np.asarray([np.nan if flags is None else float(position in flags) for position in positions], np.float32),
            young=np.asarray([YOUNG.get(conversation.ages.get(speaker, ""), np.nan) for speaker, _ in lines], np.float32),
            groomers=conversation.groomers,
            grooming=conversation.is_grooming,
        )


def make_examples(
    conversations: Sequence[LabelledConversation],
    tokenizer: MessageTokenizer,
    *,
    stages: Sequence[str],
    longest: int | None = None,
    stretch: int | None = None,
) -> Iterator[Example]:
    """Yield the examples of conversations that have words; ``longest`` messages of each at most.

    With ``stretch``, a conversation whose messages are labelled is cut into stretches of about so many messages.
    """
    for labelled in labelled_utterances(conversations, stages=stages, longest=longest):
        whole = _example(labelled, tokenizer)
        if stretch is None or whole.signals is None:
            yield whole
        else:
            yield from _stretches(whole, stretch)


def _example(labelled: LabelledUtterances, tokenizer: MessageTokenizer) -> Example:
    return Example(
        id=labelled.id,
        pieces=tuple(map(tuple, tokenizer.pieces([labelled.utterances])[0])),
        speakers=labelled.speakers,
        stages=labelled.stages,
        flagged=labelled.flagged,
        young=labelled.young,
        groomers=labelled.groomers,
        grooming=labelled.grooming,
    )


def _stretches(whole: Example, size: int) -> Iterator[Example]:
    """Yield the stretches of a conversation; the first is shorter, by chance, so that cuts fall anywhere."""
    count = len(whole.speakers)
    first = zlib.crc32(whole.id.encode()) % size
    cuts = [0, *(cut for cut in range(first, count, size) if cut >= _LEAST and count - cut >= _LEAST), count]
    if count <= size:
        cuts = [0, count]
    for start, end in pairwise(cuts):
        begin = max(0, start - CONTEXT)
        rows = slice(begin, end)
        yield Example(
            id=whole.id,
            pieces=whole.pieces[rows],
            speakers=whole.speakers[rows],
            stages=whole.stages[rows],
            flagged=whole.flagged[rows],
            young=whole.young[rows],
            groomers=whole.groomers,
            grooming=whole.grooming,
            before=start - begin,
        )
