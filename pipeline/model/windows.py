"""Conversations as windows of tokens: messages in order, each opened by its speaker's anonymous mark.

A window is filled from the left until the next message does not fit; the next one begins with the last messages of it, up to a
share of its length, as context. So where a message stands depends on the messages before it alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from pipeline.text.fold import fold

Arrays = dict[str, NDArray[np.int64]]
"""``ids``, ``blocks`` and ``marks`` of several windows, padded."""

_CHARACTERS_PER_TOKEN = 12
"""More than any word piece has on average: what is cut away before tokenising would be cut away after."""


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
        folded = [self._cut(fold(text)) for text in texts]
        encoded = self._tokenizer.encode_batch_fast(folded, add_special_tokens=False) if texts else []
        pieces = {text: self._kept(one.ids) for text, one in zip(texts, encoded, strict=True)}
        found = []
        for conversation in conversations:
            slots: dict[str, int] = {}
            messages = []
            for speaker, text in conversation:
                slot = min(slots.setdefault(speaker, len(slots)), len(self._marks) - 1)
                messages.append([self._marks[slot], *pieces[text]])
            found.append(messages)
        return found

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
    padded length stand together, and how much a window is padded depends on itself alone.
    """
    lengths = [rounded(len(window.ids), step) for window in windows]
    found: list[list[int]] = []
    held: list[int] = []
    for number in sorted(range(len(windows)), key=lambda number: (lengths[number], number)):
        apart = step > 1 and held and lengths[number] != lengths[held[0]]
        if held and (apart or (len(held) + 1) * lengths[number] > tokens):
            found.append(held)
            held = []
        held.append(number)
    return [*found, held] if held else found


def rounded(length: int, step: int) -> int:
    """Return the next multiple of ``step``."""
    return -(-length // step) * step


def padded(windows: Sequence[Window], *, step: int = 1) -> Arrays:
    """Return windows as the arrays that the network takes."""
    length = rounded(max(len(window.ids) for window in windows), step)
    marks = rounded(max(len(window.marks) for window in windows), step)
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
