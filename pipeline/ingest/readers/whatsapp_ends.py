"""How the lines of a WhatsApp file end, which on iOS marks the end of a row."""

from __future__ import annotations

from dataclasses import dataclass

# Where this share of the lines behind a CRLF are headers, and as many rows end so, CRLF is the end of a row.
_MOST_BROKEN = 0.2
_LEAST_ENDS = 0.25


@dataclass(slots=True)
class LineEnds:
    """How the lines of a file end, and what stands behind each end."""

    crlf: int = 0
    lf: int = 0
    headers: int = 0
    broken: int = 0
    _last: str = ""
    _left: int = 0
    _open: bool = False

    def begin(self, *, ended: bool, lines: int) -> None:
        """Begin with so many more lines, the last of which has an end or not."""
        self._left, self._open = lines, not ended

    def add(self, line: str, *, begins: bool) -> None:
        r"""Take in the next line, without the ``\\n`` that may end it."""
        self._left -= 1
        self.headers += begins
        self.broken += not begins and self._last == "\r\n"
        if self._open and not self._left:
            self._last = ""
        elif line.endswith("\r"):
            self._last = "\r\n"
            self.crlf += 1
        else:
            self._last = "\n"
            self.lf += 1

    @property
    def mixed(self) -> bool:
        """Whether lines end in both ways."""
        return self.crlf > 0 and self.lf > 0

    @property
    def mark_rows(self) -> bool:
        """Whether CRLF ends rows and LF the lines within one, as iOS writes."""
        return (
            self.mixed
            and self._last != "\n"
            and self.broken <= _MOST_BROKEN * self.crlf
            and self.crlf >= _LEAST_ENDS * self.headers
        )
