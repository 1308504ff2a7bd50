"""Messages as tokens: each message is a sequence of its own, so that a text has one vector wherever it stands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, groupby

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.pre_tokenizers import BertPreTokenizer, Metaspace

from pipeline.text.fold import fold

Arrays = dict[str, NDArray[np.int64]]
"""``ids`` of shape (messages, tokens), and ``real``, 1 where there is a token and 0 where there is padding."""

Network = Callable[[Arrays], NDArray[np.float32]]
"""From the arrays of messages to their vectors, of shape (messages, width)."""

TokenNetwork = Callable[[Arrays], NDArray[np.float32]]
"""From the same arrays to the states of the tokens that the vectors are means of, of shape (messages, tokens, width)."""

_CHARACTERS_PER_TOKEN = 12
"""More than any word piece has on average: what is cut away before tokenising would be cut away after."""

_ODD = "[\x00-\x1f\x7f-\x9f\u2581\ufffd]"
"""What some tokenizers take for a space, or leave out: a text with it is not cut into words first, nor one with a special token."""

_WORDS_KEPT = 1 << 16
"""Words whose pieces are remembered: most of what is said is said in the same ones."""


class MessageTokenizer:
    """A tokenizer, and how many tokens of a message are read."""

    def __init__(self, tokenizer: Tokenizer, message_tokens: int) -> None:
        self._tokenizer = tokenizer
        self._room = message_tokens - 2
        self.message_tokens = message_tokens
        frame = tokenizer.encode("").ids  # what the encoder was trained to see around a text
        self.opening = frame[0] if frame else 0
        self.closing = frame[-1] if frame else 0
        # These tokenizers cut at each space first, so that the pieces of a text are those of its words; others need not.
        self._by_word = _cuts_at_spaces(tokenizer)
        self._odd = re.compile(
            "|".join((_ODD, *(re.escape(token.content) for token in tokenizer.get_added_tokens_decoder().values())))
        )
        self._word = lru_cache(_WORDS_KEPT)(lambda word: tokenizer.encode(word, add_special_tokens=False).ids)

    def pieces(self, conversations: Sequence[Sequence[tuple[str, str]]]) -> list[list[list[int]]]:
        """Return the tokens of each message, the opening one first, of conversations given as ``(speaker, text)``."""
        # What is said twice is cut into pieces once: greetings, and the context of what is explained word by word.
        texts = list(dict.fromkeys(text for conversation in conversations for _, text in conversation))
        encoded = self._encoded([self._cut(fold(text)) for text in texts])
        pieces = {text: [self.opening, *self._kept(ids)] for text, ids in zip(texts, encoded, strict=True)}
        return [[pieces[text] for _, text in conversation] for conversation in conversations]

    def _encoded(self, texts: Sequence[str]) -> list[list[int]]:
        whole = [text for text in texts if not self._by_word or self._odd.search(text)]
        encodings = zip(whole, self._tokenizer.encode_batch_fast(whole, add_special_tokens=False), strict=True) if whole else ()
        ids = {text: encoding.ids for text, encoding in encodings}
        return [ids[text] if text in ids else list(chain.from_iterable(map(self._word, text.split(" ")))) for text in texts]

    def _cut(self, text: str) -> str:
        """Leave out the middle of a long message: its start and its end are read."""
        limit = self.message_tokens * _CHARACTERS_PER_TOKEN
        return text if len(text) <= 2 * limit else f"{text[:limit]} {text[-limit:]}"

    def _kept(self, ids: list[int]) -> list[int]:
        if len(ids) <= self._room:
            return ids
        tail = self._room // 4
        return [*ids[: self._room - tail], *ids[len(ids) - tail :]]


def _cuts_at_spaces(tokenizer: Tokenizer) -> bool:
    before = tokenizer.pre_tokenizer
    if isinstance(before, Metaspace):
        return bool(before.split) and before.prepend_scheme == "always"
    return isinstance(before, BertPreTokenizer)


def chunks(lengths: Sequence[int], *, tokens: int, step: int = 1) -> list[list[int]]:
    """Return the numbers of sequences by length, in chunks of at most ``tokens`` when padded.

    Sequences of a chunk are padded to the longest, or with ``step`` each to the next multiple of it: then only those of the same
    padded length stand together, and how much one is padded depends on itself alone. Of each length what fills no chunk is
    cut into halves, quarters and so on of one, so that there are few shapes: a runtime keeps something for each that it meets.
    """
    padded_lengths = [rounded(length, step) for length in lengths]
    order = sorted(range(len(lengths)), key=lambda number: (padded_lengths[number], number))
    if step == 1:
        return list(_filled(order, padded_lengths, tokens))
    return [
        chunk
        for length, alike in groupby(order, key=lambda number: padded_lengths[number])
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


def padded(messages: Sequence[Sequence[int]], *, closing: int, step: int = 1) -> Arrays:
    """Return messages, each closed, as the arrays that the network takes."""
    length = rounded(max(map(len, messages)) + 1, step)
    ids = np.zeros((len(messages), length), np.int64)
    real = np.zeros((len(messages), length), np.int64)
    for row, message in enumerate(messages):
        ids[row, : len(message)] = message
        ids[row, len(message)] = closing
        real[row, : len(message) + 1] = 1
    return {"ids": ids, "real": real}
