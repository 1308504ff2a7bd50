"""Rows of a WhatsApp export as columns: those that are plainly somebody's words at once, each other one by one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute

from pipeline.ingest.columns import COLUMNS, MessageColumns, Meta
from pipeline.ingest.readers.whatsapp_phrases import CALL_WORDS, DELETED, OMITTED_WORDS
from pipeline.ingest.readers.whatsapp_rows import LONG_NAME, MARKS_STRIPPED, Row, split_row
from pipeline.schema import Message

pc: Any = pyarrow.compute  # its functions are made at run time

_LONGEST_NAME = 100

# What `judge` may take for anything but a message, told by RE2 for thousands of texts at once. It may say so of too many, never of
# too few: RE2 folds letters one by one, so that each letter that folds to several counts as such.
_BLANK = r"[\s\x{0b}\x{1c}-\x{1f}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]*"


@cache
def _anything_but_plain() -> str:
    marks = "".join(map(chr, MARKS_STRIPPED))
    several = "".join(chr(code) for code in range(0x10000) if len(chr(code).casefold()) > 1)
    gone = "|".join(re.escape(phrase) for phrase in sorted(DELETED))
    alone = rf"{CALL_WORDS}|{OMITTED_WORDS}|(?:{gone})[.。]*".replace("i", "[iı]")
    return (
        rf"(?i)^(?:\n|$)|[>)]{_BLANK}(?:\n|$)|[•{marks}{several}]|https://maps\."
        rf"|^{_BLANK}(?:(?:{alone}){_BLANK}(?:\n|$)|this message was deleted by admin|Waiting for this message)"
    )


@dataclass(slots=True)
class Begun:
    """A row that is read with care: its line, its lines without the header, its time, and whether U+200E stands before it.

    ``headed`` is whether it has a header: what stands before the first one has none.
    """

    line: int
    lines: list[str]
    time: str | None = None
    marked: bool = False
    headed: bool = True


@dataclass(slots=True)
class Rows:
    """Rows that have begun, in columns. Lines may still be added to the last."""

    lines: list[int] = field(default_factory=list)
    times: list[str | None] = field(default_factory=list)
    firsts: list[str] = field(default_factory=list)
    more: dict[int, list[str]] = field(default_factory=dict)
    careful: dict[int, Begun] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.lines)

    def begin(self, row: Begun) -> None:
        """Begin a row that is to be read with care."""
        self.careful[len(self.lines)] = row
        self.lines.append(row.line)
        self.times.append(row.time)
        self.firsts.append(row.lines[0])

    def add_line(self, line: str) -> None:
        """Add a line to the last row."""
        self.more.setdefault(len(self.lines) - 1, []).append(line)

    def split(self, count: int) -> tuple[Rows, Rows]:
        """Return the first rows and the others."""
        return self._part(0, count), self._part(count, len(self.lines))

    def _part(self, start: int, stop: int) -> Rows:
        return Rows(
            self.lines[start:stop],
            self.times[start:stop],
            self.firsts[start:stop],
            {row - start: lines for row, lines in self.more.items() if start <= row < stop},
            {row - start: begun for row, begun in self.careful.items() if start <= row < stop},
        )

    def begun(self, row: int) -> Begun:
        """Return a row with all its lines, to be read with care."""
        begun = self.careful.get(row) or Begun(self.lines[row], [self.firsts[row]], self.times[row])
        begun.lines += self.more.get(row, [])
        return begun


def columns_of(
    rows: Rows, file: str, digest: str, *, ios: bool, moved: Callable[[str], str] | None, read: Callable[[Begun], Message]
) -> MessageColumns:
    """Return rows as columns. ``read`` reads a row with care; ``moved`` returns a time in UTC, where the zone is known."""
    count = len(rows)
    parts = [first.partition(": ") for first in rows.firsts]
    speakers = [_plain_speaker(part[0], ios) if len(part[0]) < _LONGEST_NAME else None for part in parts]
    texts = [part[2] for part in parts]
    for row, lines in rows.more.items():
        texts[row] = "\n".join([texts[row], *lines])
    times = rows.times if moved is None else [None if time is None else moved(time) for time in rows.times]
    kinds, meta = ["message"] * count, None
    careful = sorted({*rows.careful, *_not_plain(texts), *(row for row, speaker in enumerate(speakers) if speaker is None)})
    if careful:
        about: list[Meta] = [{}] * count
        for row in careful:
            message = read(rows.begun(row))
            speakers[row], texts[row], kinds[row], about[row] = message.speaker, message.text, message.kind, message.meta
        meta = about if any(about) else None
    batch = pa.record_batch(
        [
            pa.array([f"{digest}:{line}" for line in rows.lines], pa.string()),
            pa.array(speakers, pa.string()),
            pa.array(kinds, pa.string()),
            pa.array(times, pa.string()),
            pa.array(texts, pa.string()),
            pa.repeat(file, count),
            pa.array(rows.lines, pa.int64()),
            pa.nulls(count, pa.int64()),
        ],
        schema=COLUMNS,
    )
    return MessageColumns(batch, 0, count, meta, spoken=not careful)


def _not_plain(texts: list[str]) -> Iterator[int]:
    """Yield the numbers of the texts that may be anything but a message of somebody's words."""
    matches = pc.match_substring_regex(pa.array(texts, pa.string()), _anything_but_plain())
    return iter(pc.indices_nonzero(matches).to_pylist())


@lru_cache(maxsize=1024)
def _plain_speaker(name: str, ios: bool) -> str | None:
    """Return who is named before the first colon of a row; ``None`` where that may be no name."""
    row: Row = split_row(f"{name}: x")
    speaker = row.speaker if row.text == "x" else None
    return None if speaker is None or (not ios and len(speaker.split()) >= LONG_NAME) else speaker
