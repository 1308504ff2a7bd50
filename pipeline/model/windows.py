"""Conversations as windows of tokens: messages in order, each opened by its speaker's anonymous mark.

A window is filled from the left until the next message does not fit; the next one begins with the last messages of it, up to a
share of its length, as context. So where a message stands depends on the messages before it alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, groupby

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from pipeline.text.fold import fold

Arrays = dict[str, NDArray[np.int64]]
"""``ids``, ``blocks`` and ``marks`` of several windows, padded."""

_CHARACTERS_PER_TOKEN = 12
"""More than any word piece has on average: what is cut away before tokenising would be cut away after."""

_WORDS_KEPT = 1 << 16
"""Words whose pieces are remembered: most of what is said is said in the same ones."""


@dataclass(frozen=True, slots=True)
class Window:
    """One pass of the network.

    ``ids`` and ``blocks`` have a number a token: its id, and the number of its message in the window from 1. ``marks`` are the
    positions of the marks of the messages that are read here (not of the context), ``messages`` their numbers in the
    conversation from 0.
    """

    ids: tuple[int, ...]
    blocks: tuple[int, ...]
    marks: tuple[int, ...]
    messages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Packing:
    """How windows are filled: ``tokens`` each, of which the share ``carried`` is context; ``message_tokens`` a message at most."""

    tokens: int
    carried: float
    message_tokens: int
    slots: int


def mark(slot: int) -> str:
    """Return the mark of a speaker slot, such as ``[A]``."""
    return f"[{chr(ord('A') + slot)}]"


class Encoding:
    """A tokenizer with the marks in it, and how windows are packed."""

    def __init__(self, tokenizer: Tokenizer, packing: Packing) -> None:
        self._tokenizer = tokenizer
        self.packing = packing
        marks = [tokenizer.token_to_id(mark(slot)) for slot in range(packing.slots)]
        if None in marks:
            raise ValueError("the tokenizer lacks the marks of the speakers")
        self._marks = [int(number) for number in marks if number is not None]
        # BERT's tokenizers cut at each space first, so that the pieces of a text are those of its words; others need not.
        self._by_word = isinstance(tokenizer.pre_tokenizer, BertPreTokenizer)
        self._word = lru_cache(_WORDS_KEPT)(lambda word: tokenizer.encode(word, add_special_tokens=False).ids)

    def windows(self, conversations: Sequence[Sequence[tuple[str, str]]]) -> list[list[Window]]:
        """Return the windows of each conversation, given as ``(speaker, text)`` of its messages with words."""
        return [self.pack(messages) for messages in self.pieces(conversations)]

    def pack(self, messages: Sequence[Sequence[int]]) -> list[Window]:
        """Return the windows of one conversation, given as the tokens of its messages."""
        return list(pack(messages, self.packing))

    def pieces(self, conversations: Sequence[Sequence[tuple[str, str]]]) -> list[list[list[int]]]:
        """Return the tokens of each message of each conversation, the speaker's mark first."""
        # What is said twice is cut into pieces once: greetings, and the context of what is explained word by word.
        texts = list(dict.fromkeys(text for conversation in conversations for _, text in conversation))
        encoded = self._encoded([self._cut(fold(text)) for text in texts])
        pieces = {text: self._kept(ids) for text, ids in zip(texts, encoded, strict=True)}
        found = []
        for conversation in conversations:
            slots: dict[str, int] = {}
            messages = []
            for speaker, text in conversation:
                slot = min(slots.setdefault(speaker, len(slots)), len(self._marks) - 1)
                messages.append([self._marks[slot], *pieces[text]])
            found.append(messages)
        return found

    def _encoded(self, texts: Sequence[str]) -> list[list[int]]:
        if self._by_word:
            return [list(chain.from_iterable(map(self._word, text.split(" ")))) for text in texts]
        return [one.ids for one in self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)]

    def _cut(self, text: str) -> str:
        """Leave out the middle of a long message: its start and its end are read."""
        limit = self.packing.message_tokens * _CHARACTERS_PER_TOKEN
        return text if len(text) <= 2 * limit else f"{text[:limit]} {text[-limit:]}"

    def _kept(self, ids: list[int]) -> list[int]:
        room = self.packing.message_tokens - 1
        if len(ids) <= room:
            return ids
        tail = room // 4
        return [*ids[: room - tail], *ids[-tail:]]


def pack(messages: Sequence[Sequence[int]], packing: Packing) -> Iterator[Window]:
    """Yield the windows of one conversation; each message is its tokens, the mark first."""
    held: list[tuple[int, Sequence[int]]] = []
    size = fresh = 0
    for number, tokens in enumerate(messages):
        if held and size + len(tokens) > packing.tokens:
            yield _window(held, fresh)
            held, size = _carried(held, packing)
            fresh = number
        held.append((number, tokens))
        size += len(tokens)
    if held:
        yield _window(held, fresh)


def _carried(held: Sequence[tuple[int, Sequence[int]]], packing: Packing) -> tuple[list[tuple[int, Sequence[int]]], int]:
    room = min(int(packing.tokens * packing.carried), packing.tokens - packing.message_tokens)
    kept: list[tuple[int, Sequence[int]]] = []
    size = 0
    for number, tokens in reversed(held):
        if size + len(tokens) > room:
            break
        kept.insert(0, (number, tokens))
        size += len(tokens)
    return kept, size


def _window(held: Sequence[tuple[int, Sequence[int]]], fresh: int) -> Window:
    ids: list[int] = []
    blocks: list[int] = []
    marks: list[int] = []
    for block, (number, tokens) in enumerate(held, 1):
        if number >= fresh:
            marks.append(len(ids))
        ids.extend(tokens)
        blocks.extend([block] * len(tokens))
    return Window(tuple(ids), tuple(blocks), tuple(marks), tuple(number for number, _ in held if number >= fresh))


def chunks(windows: Sequence[Window], *, tokens: int, step: int = 1) -> list[list[int]]:
    """Return the numbers of the windows by length, in chunks of at most ``tokens`` when padded.

    Windows of a chunk are padded to the longest, or with ``step`` each to the next multiple of it: then only windows of the same
    padded length stand together, and how much a window is padded depends on itself alone. Of each length what fills no chunk is
    cut into halves, quarters and so on of one, so that there are few shapes: a runtime keeps something for each that it meets.
    """
    lengths = [rounded(len(window.ids), step) for window in windows]
    order = sorted(range(len(windows)), key=lambda number: (lengths[number], number))
    if step == 1:
        return list(_filled(order, lengths, tokens))
    return [
        chunk
        for length, alike in groupby(order, key=lambda number: lengths[number])
        for chunk in _halved(list(alike), max(1, tokens // length))
    ]


def _filled(order: Sequence[int], lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    held: list[int] = []
    for number in order:
        if held and (len(held) + 1) * lengths[number] > tokens:
            yield held
            held = []
        held.append(number)
    if held:
        yield held


def _halved(numbers: list[int], full: int) -> Iterator[list[int]]:
    start, size = 0, full
    while start < len(numbers):
        while size > len(numbers) - start:
            size //= 2
        yield numbers[start : start + size]
        start += size


def rounded(length: int, step: int) -> int:
    """Return the next multiple of ``step``."""
    return -(-length // step) * step


def padded(windows: Sequence[Window], *, step: int = 1) -> Arrays:
    """Return windows as the arrays that the network takes; with ``step`` their shape depends on the windows' length alone."""
    length = rounded(max(len(window.ids) for window in windows), step)
    marks = length if step > 1 else max(len(window.marks) for window in windows)
    arrays = {
        "ids": np.zeros((len(windows), length), np.int64),
        "blocks": np.zeros((len(windows), length), np.int64),
        "marks": np.zeros((len(windows), marks), np.int64),
    }
    for row, window in enumerate(windows):
        arrays["ids"][row, : len(window.ids)] = window.ids
        arrays["blocks"][row, : len(window.blocks)] = window.blocks
        arrays["marks"][row, : len(window.marks)] = window.marks
    return arrays
