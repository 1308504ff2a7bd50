"""Long ordinary conversations, made of short ones: their messages split into sentences, one chat after another.

Corpora of ordinary chat hold whole turns, and few of them each. Real exports are longer, and their messages shorter: median 5
words, 60 messages a conversation.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice

from pipeline.corpora.labelled import LabelledConversation
from pipeline.schema import Conversation, Message

MESSAGES = 60
"""Messages of a synthetic chat."""

LONG = 10
"""A sentence of more words than this is cut at its commas."""


def synthetic_chats(
    chats: Sequence[LabelledConversation], *, seed: int, most: int, messages: int = MESSAGES
) -> Iterator[LabelledConversation]:
    """Yield at most ``most`` ordinary conversations of ``messages`` each, made of ``chats`` in random order, each used once."""
    order = list(chats)
    random.Random(seed).shuffle(order)  # noqa: S311 - an order, no secret
    lines = chain.from_iterable(map(split_into_sentences, order))
    for number in range(most):
        taken = tuple(islice(lines, messages))
        if len(taken) < messages:
            return
        conversation = Conversation(conversation_id=f"evening-{messages}-{number}", platform="composed", messages=taken)
        absent: tuple[frozenset[str], ...] = (frozenset(),) * messages
        yield replace(order[0], conversation=conversation, stages=absent, group=conversation.conversation_id)


def split_into_sentences(chat: LabelledConversation) -> Iterator[Message]:
    """Yield a chat's messages in sentences, of two speakers who are the same in every chat."""
    for message, speaker in zip(chat.messages, two_speakers(message.speaker for message in chat.messages), strict=True):
        for sentence in sentences(message.text):
            yield replace(message, speaker=speaker, text=sentence)


def two_speakers(names: Iterable[str | None]) -> Iterator[str]:
    """Yield A or B for each name, in turn as they begin, so that chats can follow one another."""
    slots: dict[str | None, int] = {}
    for name in names:
        yield "AB"[slots.setdefault(name, len(slots)) % 2]


def sentences(text: str) -> Iterable[str]:
    """Yield the sentences of a text, long ones cut at their commas."""
    for sentence in re.split(r"(?<=[.!?])\s+", text):
        parts = re.split(r"(?<=[,;:])\s+", sentence) if len(sentence.split()) > LONG else [sentence]
        yield from (part for part in parts if part.strip())
