"""Text normalized for pattern matching, with offsets into the original: no accents, no full width, no hidden characters."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

_GONE = frozenset({"Mn", "Me", "Cf", "Cc"})
_SPACES = frozenset("\n\t\r")


@dataclass(frozen=True, slots=True)
class NormalizedText:
    """``text`` with, for each of its characters, where in the original its source begins; one more entry for the end."""

    text: str
    _starts: tuple[int, ...]
    _length: int

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return the place in the original of a place in ``text``; marks that follow a character belong to it."""
        last = self._starts[end] if end < len(self._starts) else self._length
        return self._starts[start], last


def normalize_with_offsets(text: str) -> NormalizedText:
    """Return the text with digits in ASCII, and without accents, compatibility forms (full width) and hidden characters."""
    if text.isascii() and text.isprintable():
        return NormalizedText(text, tuple(range(len(text))), len(text))
    characters: list[str] = []
    starts: list[int] = []
    for place, character in enumerate(text):
        for seen in unicodedata.normalize("NFKD", character):
            if seen in _SPACES or unicodedata.category(seen) not in _GONE:
                digit = unicodedata.decimal(seen, None)
                characters.append(seen if digit is None else "0123456789"[digit])
                starts.append(place)
    return NormalizedText("".join(characters), tuple(starts), len(text))
