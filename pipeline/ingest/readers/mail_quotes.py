"""What a mail quotes: lines behind ``>`` that another mail of the box holds as its own words, and whose they are.

Anybody can type ``>``. A line is quoted only where its words are known from another mail, so that nobody's own words are set
aside. A filter of 2 MiB remembers the words of all lines: of a million, one in two hundred that is new is taken for known.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

_BITS = 1 << 24
_MARK = re.compile(r"\s{0,3}>[\s>]*")
_WHOSE = re.compile(r".{4,300}(?::|：)\s*")


@dataclass(slots=True)
class KnownLines:
    """The lines of all mails that stand without a ``>`` before them."""

    _bits: bytearray = field(default_factory=lambda: bytearray(_BITS >> 3))

    def add(self, text: str) -> None:
        """Take in the own lines of a text."""
        for line in text.split("\n"):
            if not _MARK.match(line):
                for bit in _places(line):
                    self._bits[bit >> 3] |= 1 << (bit & 7)

    def has(self, words: str) -> bool:
        """Whether some mail holds such a line."""
        return all(self._bits[bit >> 3] & 1 << (bit & 7) for bit in _places(words))


def without_quotes(text: str, known: KnownLines) -> tuple[str, str]:
    """Return a text without what it quotes, and that."""
    if ">" not in text:
        return text, ""
    kept: list[str] = []
    quoted: list[str] = []
    inside = False
    for line in text.split("\n"):
        mark = _MARK.match(line)
        if mark is not None and (not line[mark.end() :].strip() or known.has(line[mark.end() :])):
            if not inside and line[mark.end() :].strip():
                _move_whose(kept, quoted)
            inside = True
            quoted.append(line)
        else:
            inside = inside and not line.strip()
            kept.append(line)
    return "\n".join(kept).strip("\n"), "\n".join(quoted)


def _move_whose(kept: list[str], quoted: list[str]) -> None:
    """Move the line that says whose words follow, such as ``On …, Kim wrote:``: it has a date or an address in it."""
    while kept and not kept[-1].strip():
        kept.pop()
    if kept and _WHOSE.fullmatch(kept[-1]) and (re.search(r"\d{2}", kept[-1]) or "@" in kept[-1]):
        quoted.append(kept.pop())


def _places(line: str) -> tuple[int, int, int]:
    digest = hashlib.blake2b(" ".join(line.split()).encode("utf-8", "replace"), digest_size=9).digest()
    return (
        int.from_bytes(digest[:3], "big") % _BITS,
        int.from_bytes(digest[3:6], "big") % _BITS,
        int.from_bytes(digest[6:], "big") % _BITS,
    )
