"""Texts of which each line begins with the same mark: quoted in a mail (``> ``), indented, or a list.

Only a text whose every line begins so is read, without its marks: of what stands around a quoted chat nobody could say whose words
they are.
"""

from __future__ import annotations

import re
from itertools import takewhile
from typing import BinaryIO

from pipeline.errors import ExportError
from pipeline.ingest.files.block_stream import BLOCK, BlockStream

MARKS = re.compile(r"(?:[ \t\u00a0\u3000>|*•·]|&gt;|[-–] )+")
"""What may stand before each line."""

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


class UnquotedStream(BlockStream):
    """A text in UTF-8 without the mark before each line."""

    def __init__(self, raw: BinaryIO, mark: str, name: str) -> None:
        super().__init__(raw)
        self._mark = mark.encode()
        self._name = name
        self._begins = True
        self._line = 0

    def block(self) -> bytes | None:
        """Return a block of lines without their marks."""
        block = self.raw.read(BLOCK) + self.raw.readline(BLOCK)
        return b"".join(map(self._unquoted, _lines(block))) if block else None

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


def _lines(block: bytes) -> list[bytes]:
    r"""Return the lines with their ``\n``, which alone ends one."""
    *whole, last = block.split(b"\n")
    return [line + b"\n" for line in whole] + ([last] if last else [])
