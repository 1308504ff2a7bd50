"""Texts of which each line begins with the same mark: quoted in a mail (``> ``), indented, or a list.

Only a text whose every line begins so is read, without its marks: of what stands around a quoted chat nobody could say whose words
they are.
"""

from __future__ import annotations

import io
import re
from itertools import takewhile
from typing import BinaryIO

from pipeline.errors import ExportError

MARKS = re.compile(r"(?:[ \t\u00a0\u3000>|*•·]|&gt;|[-–] )+")
"""What may stand before each line."""

_BLOCK = 1 << 16
_LEAST_LINES = 2


def common_mark(text: str) -> str | None:
    """Return what every line of a head begins with, in front of its own words; ``None`` where there is no such mark."""
    lines = [line for line in text.split("\n")[:-1] or [text] if line.strip()]
    worded = [line for line in lines if not MARKS.fullmatch(f"{line.rstrip()} ")]
    if len(worded) < _LEAST_LINES:
        return None
    alike = takewhile(lambda column: len(set(column)) == 1, zip(*worded[: _LEAST_LINES + 1], strict=False))
    known = MARKS.match("".join(column[0] for column in alike))
    mark = known[0] if known is not None else ""
    bare = mark.rstrip()
    return mark if mark and all(line.startswith(mark) or (bare and line.strip() == bare.strip()) for line in lines) else None


class UnquotedStream(io.RawIOBase):
    """A text in UTF-8 without the mark before each line."""

    def __init__(self, raw: BinaryIO, mark: str, name: str) -> None:
        super().__init__()
        self._raw = raw
        self._mark = mark.encode()
        self._name = name
        self._pending = b""
        self._begins = True
        self._line = 0

    def readable(self) -> bool:
        """Return true: the stream is read, never written."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill the buffer as far as one block goes; return how many bytes, 0 at the end."""
        while not self._pending and (block := self._raw.read(_BLOCK) + self._raw.readline(_BLOCK)):
            self._pending = b"".join(map(self._unquoted, _lines(block)))
        size = min(len(buffer), len(self._pending))
        buffer[:size], self._pending = self._pending[:size], self._pending[size:]
        return size

    def _unquoted(self, line: bytes) -> bytes:
        begins, self._begins = self._begins, line.endswith(b"\n")
        if not begins:
            return line
        self._line += 1
        if line.startswith(self._mark):
            return line[len(self._mark) :]
        if line.strip() in (b"", self._mark.strip()):
            return b"\n" if self._begins else b""
        raise ExportError(
            "the line does not begin with the mark that stands before those above it",
            where=f"{self._name}:{self._line}",
            do="Keep only the lines of the chat, and take the marks before them away",
        )

    def close(self) -> None:
        """Close the stream and the one behind it."""
        if not self.closed:
            self._raw.close()
        super().close()


def _lines(block: bytes) -> list[bytes]:
    r"""Return the lines with their ``\n``, which alone ends one."""
    *whole, last = block.split(b"\n")
    return [line + b"\n" for line in whole] + ([last] if last else [])
