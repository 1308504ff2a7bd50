"""Refuse JSON that no exporter writes before a parser sees it: nested deep, or with numbers that nothing can hold.

A parser builds a path for each value and a number for each row of digits: 60 KB of brackets took it 2.3 GB, and 100,000 digits
end the whole program.
"""

from __future__ import annotations

import re

import numpy as np

from pipeline.errors import ExportError

DEEPEST = 100
"""How deep values may be nested, in every JSON reader."""

_LONGEST_NUMBER = 400
"""Characters of a number; the largest that a double holds has 309 digits."""

_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_NUMBER = b"0123456789.eE+-"
_DIGITS = bytes(ord("0") if code in _NUMBER else ord(",") for code in range(256))
_LONGEST = b"0" * (_LONGEST_NUMBER + 1)
_HUGE = re.compile(rb"[eE][+-]?0*[1-9][0-9]{3}|[eE]\+?0*(?:[4-9][0-9]{2}|3[1-9][0-9]|30[89])")
_NO_BRACKETS = bytes(code for code in range(256) if code not in b"[]{}")
_STEPS = np.zeros(256, np.int64)
_STEPS[list(b"[{")] = 1
_STEPS[list(b"]}")] = -1
_NEWLINE = b"\n"


class JsonGuard:
    """Looks at the bytes of a file, block after block, without a parser."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._line = 1
        self._depth = 0
        self._in_string = False
        self._cut = b""
        self._number = b""

    def check(self, block: bytes) -> bytes:
        """Return the block as it is.

        Raises
        ------
        ExportError
            When its values are nested deeper than `DEEPEST`, or it holds a number that is too large, with the lines of the block.
        """
        plain = _ESCAPED.sub(b"", self._cut + block) if self._cut or b"\\" in block else block
        self._cut = plain[-1:] if plain.endswith(b"\\") else b""
        pieces = plain.split(b'"')
        syntax = b"".join(pieces[self._in_string :: 2])
        self._in_string ^= len(pieces) % 2 == 0
        steps = _STEPS[np.frombuffer(syntax.translate(None, _NO_BRACKETS), np.uint8)]
        if len(steps):
            depths = np.cumsum(steps) + self._depth
            if depths.max() > DEEPEST:
                raise self._refused(too_deep(), syntax)
            self._depth = int(depths[-1])
        numbers = self._number + syntax
        if _LONGEST in numbers.translate(_DIGITS) or _HUGE.search(numbers):
            raise self._refused(TOO_LARGE, syntax)
        self._number = numbers[len(numbers.rstrip(_NUMBER)) :]
        self._line += syntax.count(_NEWLINE)
        return block

    def _refused(self, what: str, syntax: bytes) -> ExportError:
        first, last = self._line, self._line + syntax.count(_NEWLINE)
        return refused(what, f"{self._name}:{first}" + (f"-{last}" if last > first else ""))


TOO_LARGE = "a number that is larger than any in a chat"


def too_deep() -> str:
    """Return what is wrong with values that are nested too deep."""
    return f"values are nested more than {DEEPEST} deep"


def refused(what: str, where: str) -> ExportError:
    """Return the error for JSON that no exporter writes."""
    return ExportError(what, where=where, do="This is no chat export; check the file")


def is_deep(value: object) -> bool:
    """Whether a value that was read is nested deeper than `DEEPEST`."""
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [item for container in level for item in _inside(container)]
        if not level:
            return False
    return True


def _inside(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
