"""What the lines of a text are that a program writes, a line a row: the grammar of a format says it of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pipeline.ingest.times.written import WrittenTime
from pipeline.schema import Kind

Clock = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Day:
    """A line that says which day the rows below it are of."""

    written: WrittenTime


@dataclass(frozen=True, slots=True)
class Aside:
    """A line of the program's own beside the rows, such as the title: kept in the conversation's ``meta`` under ``name``."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Entry:
    """The line that begins a row. Its time is a whole one, or a time of the day that a line above said."""

    speaker: str | None
    text: str
    written: WrittenTime | None = None
    clock: Clock | None = None
    kind: Kind = "message"
    meta: Mapping[str, object] = field(default_factory=dict)
    bare: bool = False
    """Whether the line is a row only where another row or a day follows it: else it is a line of the row above."""


Line = Day | Aside | Entry | None


class Grammar(Protocol):
    """What the lines of a format are; it may remember the lines above, and is made anew for each reading."""

    def line(self, text: str) -> Line:
        """Return what a line is, without its end; ``None`` where it is a further line of the row above."""
        ...

    def whole(self, entry: Entry, text: str) -> Entry:
        """Return the row with its whole text of all lines, which may tell its kind."""
        ...


@dataclass(frozen=True, slots=True)
class TextFormat:
    """A format of text.

    ``wraps``: no line says a new day, so that a clock that goes back by hours begins one. ``stray``: what a line is that no row
    begins with, in a format whose rows have one line each; ``None`` where it belongs to the row above. ``spaced``: a blank line
    stands before each row. ``colon``: one ends a name, which may hold others.
    """

    name: str
    platform: str
    grammar: Callable[[], Grammar]
    do: str
    wraps: bool = False
    stray: Kind | None = None
    spaced: bool = False
    colon: bool = False
