"""Which conversations of many exports may be one chat, from a few bytes a message.

Every export is read once. Of each pair of messages that follow each other a hash of their words is kept, with the minute of the
first: 16 bytes. Where that comes to more than ``MOST_KEYS`` the hashes are thinned out by half, always by their value, so that two
exports keep the same ones; a short stretch in common may then be missed. Nothing of a text is kept.
"""

from __future__ import annotations

import hashlib
import zlib
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.ingest.merge.talk import TABLES, family, minute_of, platform_id, words_key
from pipeline.schema import Conversation

MOST_KEYS = 1 << 22
"""How many hashes are held: 64 MiB."""

MESSAGE_BYTES = 800
"""What a message is reckoned to take in memory, without its text."""

_SHIFT = 24 * 60
_COMMON = 64
_SMALL = 8
_MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0xBF58476D1CE4E5B9)

Place = tuple[int, int]
"""An export's number and a conversation's number in it, both from 0."""


@dataclass
class Candidates:
    """What is kept of the conversations that were read."""

    places: list[Place] = field(default_factory=list)
    sizes: array[int] = field(default_factory=lambda: array("q"))
    thinned: int = 1
    _families: array[int] = field(default_factory=lambda: array("q"))
    _ids: array[int] = field(default_factory=lambda: array("q"))
    _looks: array[int] = field(default_factory=lambda: array("q"))
    _keys: array[int] = field(default_factory=lambda: array("Q"))
    _minutes: array[int] = field(default_factory=lambda: array("i"))
    _owners: array[int] = field(default_factory=lambda: array("I"))
    _numbers: dict[Place, int] = field(default_factory=dict)

    def read(self, unit: int, conversations: Iterable[Conversation]) -> None:
        """Read the conversations of an export.

        Raises
        ------
        ExportError
            Whatever reading them raises; what was read of the export stays and is to be left out with `forget`.
        """
        for index, conversation in enumerate(conversations):
            self._read(unit, index, conversation)

    def _read(self, unit: int, index: int, conversation: Conversation) -> None:
        words = array("I")
        minutes = array("i")
        speakers: set[str] = set()
        size = 0
        for message in conversation.messages:
            size += MESSAGE_BYTES + len(message.text)
            if message.speaker is None:
                continue
            speakers.add(message.speaker)
            if message.kind == "message" and message.timestamp is not None:
                words.append(zlib.crc32(words_key(message.text, edited="edited" in message.meta).encode("utf-8", "surrogatepass")))
                minutes.append(minute_of(message.timestamp))
        platform = family(conversation.platform)
        identity = platform_id(conversation)
        titled = conversation.title is not None and len(speakers) > 1 and platform not in TABLES
        number = len(self.places)
        self.places.append((unit, index))
        self.sizes.append(size)
        self._families.append(_hash(platform))
        self._ids.append(_hash(platform, identity) if identity is not None else 0)
        self._looks.append(_hash(platform, *sorted(speakers)) if titled else 0)
        if len(words) < 2:
            return
        keys, starts = _keys(np.frombuffer(words, np.uint32), np.frombuffer(minutes, np.int32), self.thinned)
        self._keys.frombytes(keys.tobytes())
        self._minutes.frombytes(starts.tobytes())
        self._owners.frombytes(np.full(len(keys), number, np.uint32).tobytes())
        while len(self._keys) > MOST_KEYS:
            self._thin()

    def _thin(self) -> None:
        self.thinned *= 2
        keys = np.frombuffer(self._keys, np.uint64)
        left = keys % np.uint64(self.thinned) == 0
        self._keys = array("Q", keys[left].tobytes())
        self._minutes = array("i", np.frombuffer(self._minutes, np.int32)[left].tobytes())
        self._owners = array("I", np.frombuffer(self._owners, np.uint32)[left].tobytes())

    def size(self, places: Iterable[Place]) -> int:
        """Return how many bytes the conversations at some places are reckoned to take."""
        if not self._numbers:
            self._numbers = {place: number for number, place in enumerate(self.places)}
        return sum(self.sizes[self._numbers[place]] for place in places)

    def groups(self, without: frozenset[int] = frozenset()) -> list[list[int]]:
        """Return the numbers of conversations that may be one chat, in groups; exports in ``without`` are left out."""
        links = _Links(len(self.places))
        allowed = [unit not in without for unit, _ in self.places]
        for column in (self._ids, self._looks):
            self._link_equal(column, links, allowed)
        self._link_by_words(links, allowed)
        return links.groups()

    def _link_equal(self, column: array[int], links: _Links, allowed: Sequence[bool]) -> None:
        together: dict[int, list[int]] = defaultdict(list)
        for number, value in enumerate(column):
            if value and allowed[number]:
                together[value].append(number)
        for numbers in together.values():
            if len({self.places[number][0] for number in numbers}) > 1:
                for number in numbers[1:]:
                    links.join(numbers[0], number)

    def _link_by_words(self, links: _Links, allowed: Sequence[bool]) -> None:
        """Link conversations of two exports that share two runs of words, or the only one, at the same distance in time."""
        keys, minutes, owners = (np.frombuffer(a, d) for a, d in zip((self._keys, self._minutes, self._owners), "QiI", strict=True))
        if not len(keys):
            return
        order = np.lexsort((owners, keys))
        keys, minutes, owners = keys[order], minutes[order], owners[order]
        edges = np.flatnonzero(np.diff(keys, prepend=keys[0] ^ np.uint64(1), append=keys[-1] ^ np.uint64(1)))
        shared: dict[tuple[int, int], dict[int, int]] = defaultdict(lambda: defaultdict(int))
        lengths = np.bincount(owners, minlength=len(self.places))
        for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            if 1 < end - start <= _COMMON:
                rows = [row for row in zip(owners[start:end].tolist(), minutes[start:end].tolist(), strict=True) if allowed[row[0]]]
                for (chat, early), (other, late) in _pairs(rows):
                    if self.places[chat][0] != self.places[other][0] and self._families[chat] == self._families[other]:
                        shift = late - early
                        if abs(shift) < _SHIFT:
                            shared[chat, other][round(shift / 15)] += 1
        for (chat, other), shifts in shared.items():
            if max(shifts.values()) >= min(2, lengths[chat], lengths[other]):
                links.join(chat, other)


def _pairs(rows: Sequence[Place]) -> Iterator[tuple[Place, Place]]:
    """Yield the pairs of a few rows; of many only those that stand next to each other."""
    if len(rows) <= _SMALL:
        for number, row in enumerate(rows):
            for other in rows[number + 1 :]:
                yield row, other
        return
    yield from pairwise(rows)


def _keys(words: NDArray[np.uint32], minutes: NDArray[np.int32], thinned: int) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Return the hashes of every two messages that follow each other, and the minutes of the first."""
    mixed = words[:-1].astype(np.uint64) * _MIX[0] + words[1:].astype(np.uint64) * _MIX[1]
    mixed ^= mixed >> np.uint64(31)
    mixed *= _MIX[2]
    mixed ^= mixed >> np.uint64(29)
    left = mixed % np.uint64(thinned) == 0
    return mixed[left], minutes[:-1][left]


def _hash(*parts: str) -> int:
    """Return a number that stands for some texts; never 0."""
    digest = hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True) or 1


class _Links:
    """Numbers that belong together, through others if need be."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def _root(self, number: int) -> int:
        while self._parent[number] != number:
            self._parent[number] = self._parent[self._parent[number]]
            number = self._parent[number]
        return number

    def join(self, chat: int, other: int) -> None:
        first, second = sorted((self._root(chat), self._root(other)))
        self._parent[second] = first

    def groups(self) -> list[list[int]]:
        """Return the groups of more than one."""
        together: dict[int, list[int]] = defaultdict(list)
        for number in range(len(self._parent)):
            together[self._root(number)].append(number)
        return [numbers for numbers in together.values() if len(numbers) > 1]
