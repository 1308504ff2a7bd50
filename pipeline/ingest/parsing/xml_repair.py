"""XML that some programs write although it is none: references to half a character, or to a control character.

Java's strings are UTF-16, and SMS Backup & Restore writes each half of an emoji as a reference of its own: ``&#55357;&#56832;``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_HIGH = rb"&#(?:(55(?:29[6-9]|[3-9]\d\d)|56(?:[0-2]\d\d|3[01]\d))|[xX]([dD][89abAB][0-9a-fA-F]{2}));"
_LOW = rb"&#(?:(56(?:3[2-9]\d|[4-9]\d\d)|57(?:[0-2]\d\d|3[0-3]\d|34[0-3]))|[xX]([dD][c-fC-F][0-9a-fA-F]{2}));"
_PAIR = re.compile(_HIGH + _LOW)
_ANY = re.compile(rb"&#(?:(\d{1,9})|[xX]([0-9a-fA-F]{1,8}));")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_UNFINISHED = re.compile(rb"(?:" + _HIGH + rb")?(?:&[^;&]{0,10})?\Z")
_LONGEST = 32
_REPLACEMENT = b"&#65533;"


@dataclass(slots=True)
class XmlRepair:
    """Repairs a stream of blocks; ``lost`` counts the characters that could not be told and became U+FFFD."""

    lost: int = 0

    def blocks(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the blocks with pairs of halves put together; what may go on in the next block is kept back for it."""
        kept = b""
        for block in blocks:
            whole = kept + block
            unfinished = _UNFINISHED.search(whole, max(0, len(whole) - _LONGEST))
            cut = unfinished.start() if unfinished else len(whole)
            kept = whole[cut:]
            if cut:
                yield self._repaired(whole[:cut])
        if kept:
            yield self._repaired(kept)

    def _repaired(self, block: bytes) -> bytes:
        if b"&#" in block:
            block = _ANY.sub(self._single, _PAIR.sub(_together, block))
        return _CONTROL.sub(self._control, block)

    def _single(self, match: re.Match[bytes]) -> bytes:
        code = _code(match[1], match[2])
        if code in (9, 10, 13) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code < 0x110000:
            return match[0]
        self.lost += 1
        return _REPLACEMENT

    def _control(self, match: re.Match[bytes]) -> bytes:
        self.lost += 1
        return _REPLACEMENT


def _code(decimal: bytes | None, hexadecimal: bytes | None) -> int:
    return int(decimal) if decimal is not None else int(hexadecimal or b"0", 16)


def _together(match: re.Match[bytes]) -> bytes:
    high, low = _code(match[1], match[2]), _code(match[3], match[4])
    return b"&#%d;" % (0x10000 + ((high - 0xD800) << 10) + low - 0xDC00)
