"""Names and ids as a terminal may show them: nobody's file name moves the cursor, changes colours or turns the line around."""

from __future__ import annotations

import re

OBEYED = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
"""For a regular expression's set: later controls, marks that turn the direction of text, and bytes of a name that is not UTF-8."""

_UNSAFE_LINES = re.compile(f"[\x00-\x08\x0b-\x1f{OBEYED}]")
_UNSAFE = re.compile(f"[\x00-\x1f{OBEYED}]")


def printable(text: str) -> str:
    r"""Return a text with what a terminal would obey as ``\x1b``, ``\u202e``; a byte that is not UTF-8 as itself, ``\xff``."""
    return _UNSAFE.sub(_escaped, text)


def printable_lines(text: str) -> str:
    """Return a text as `printable` does, with its tabs and line ends as they are."""
    return _UNSAFE_LINES.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
