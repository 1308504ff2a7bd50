"""Where a text of messages ends before its time, and where another one was joined to it."""

from __future__ import annotations

import re

BOM = "\ufeff"
JOINED = "another export begins here, joined to the one above: both were read as one conversation"
CUT_OFF = "the last line begins like a message and is not whole: the file may be cut off"

_DIGITS = re.compile(r"\d+")
_BEGIN = re.compile(r"\W{0,3}\d+\W")
_LEAST = 4


def begins_alike(text: str, row: str) -> bool:
    """Whether a line is the begin of one such as ``row``, which begins a message, but for the digits."""
    text = text.strip()
    return len(text) >= _LEAST and _BEGIN.match(text) is not None and _shape(row).startswith(_shape(text))


def _shape(text: str) -> str:
    return _DIGITS.sub("0", text)
