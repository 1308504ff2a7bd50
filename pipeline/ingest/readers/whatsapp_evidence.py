"""What a first pass over a WhatsApp file learns: its headers, whether it marks the ends of rows, and what could not be read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.files.quoted import MARKS as MARKS_BEFORE
from pipeline.ingest.options import ReadLog
from pipeline.ingest.parsing.text_ends import BOM, CUT_OFF, JOINED, begins_alike
from pipeline.ingest.parsing.text_lines import lines_by_block
from pipeline.ingest.readers.header_evidence import HeaderEvidence
from pipeline.ingest.readers.whatsapp_ends import LineEnds
from pipeline.ingest.readers.whatsapp_header import (
    MARKS,
    CommonDay,
    CommonHeader,
    Header,
    Style,
    common_header,
    is_like_header,
    parse_header,
)
from pipeline.ingest.readers.whatsapp_names import ColonNames

_LOOK_BACK = 50
_CAN_BEGIN = re.compile(rf"[\[\d{MARKS}]")

LEAST_SHARE = 0.05
"""With fewer headers among its lines than this, a file is read with a warning that names the first line that is none."""


@dataclass(slots=True)
class Lines:
    """How many lines there are of a sort, and the number of the first."""

    count: int = 0
    first: int = 0

    def add(self, number: int, count: int = 1) -> None:
        """Take in some more, of which ``number`` is the first."""
        self.first = min(self.first, number) if self.count else number
        self.count += count


@dataclass(slots=True)
class FileEvidence:
    """The headers of a file, and what stands beside them. ``unread`` are lines that only begin like headers."""

    headers: HeaderEvidence = field(default_factory=HeaderEvidence)
    lines: int = 0
    unread: Lines = field(default_factory=Lines)
    words_unknown: Lines = field(default_factory=Lines)
    behind_marks: Lines = field(default_factory=Lines)
    joined: Lines = field(default_factory=Lines)
    joined_within: Lines = field(default_factory=Lines)
    cut: int = 0
    names: ColonNames = field(default_factory=ColonNames)
    first_other: int | None = None
    crlf: bool = False
    marks_ends: bool = False
    mixed_ends: bool = False
    marked: bool = False

    def unread_note(self) -> str:
        """Return what to say of lines that only begin like headers; nothing where there is none."""
        unread = self.unread
        return f": {unread.count} begin like one, the first in line {unread.first}, and cannot be read" if unread.count else ""

    def add_join(self, line: str, number: int) -> None:
        """Take in a line with a byte order mark: behind it another export may begin."""
        before, _, rest = line.partition(BOM)
        if header_of(rest.removesuffix("\r")) is not None:
            (self.joined_within if before.strip() else self.joined).add(number)

    def warn(self, name: str, log: ReadLog) -> None:
        """Say what of the file is not explained by its own headers."""
        style = self.headers.style
        count = self.headers.styles[style]
        others = self.headers.styles.total() - count
        if others:
            first = min(line for other, line in self.headers.first_lines.items() if other != style)
            log.warn(
                f"{name}:{first}",
                f"{others} line(s), the first here, look like headers of another phone's style; "
                "they are kept as text of the row above",
            )
        for lines, what in (
            (self.unread, "begin like a header but cannot be read as one; they are kept as text of the row above"),
            (self.behind_marks, "are headers behind blanks or a quote mark; they are kept as text of the row above"),
            (self.joined_within, "hold a header behind a byte order mark, where another export was joined; it is kept as text"),
            (self.words_unknown, "have a word beside the time that is in no language we know; their rows have no time"),
        ):
            if lines.count:
                log.warn(f"{name}:{lines.first}", f"{lines.count} line(s), the first here, {what}")
        if self.joined.count:
            log.warn(f"{name}:{self.joined.first}", JOINED)
        if self.cut:
            log.warn(f"{name}:{self.cut}", CUT_OFF)
        if (note := self.names.note()) is not None:
            log.warn(name, note)
        if self.first_other is not None and count < LEAST_SHARE * self.lines:
            log.warn(
                f"{name}:{self.first_other}",
                f"only {count:,} of {self.lines:,} lines begin a message, and this is the first that does not: "
                "is it a WhatsApp export?",
            )
        if style.form == "bracket" and style.year_first and not (self.marked or self.marks_ends):
            log.warn(
                name, "nothing but its headers tells that this is WhatsApp's: another program's log of ISO times looks the same"
            )
        if self.mixed_ends:
            log.warn(name, "lines end with CRLF and with LF, and not as iOS writes them: the ends of rows are not taken from them")
        if other := [calendar for calendar in self.headers.calendars if calendar != "Gregorian"]:
            done = "cannot be converted" if {"Hijri", "unknown"}.intersection(other) else "were converted"
            log.warn(name, f"the years are of the {' and the '.join(sorted(other))} calendar: its dates {done}")


def can_begin(line: str) -> bool:
    """Whether a header can begin so: a quick look before a close one."""
    first = line[:1]
    return first == "[" or first.isdecimal() or (not first.isascii() and _CAN_BEGIN.match(line) is not None)


def header_of(line: str) -> Header | None:
    """Return the header that a line begins with; one that ends with it has lost the blank behind."""
    return parse_header(line + " " if line.endswith(("]", "-", ":")) else line)


def gather(file: ExportFile) -> FileEvidence:
    """Return what a pass over the whole file learns.

    Raises
    ------
    ExportError
        When a line is not UTF-8.
    """
    evidence = FileEvidence()
    ends = LineEnds()
    others, names = _Others(evidence), evidence.names
    headers = _Headers(evidence.headers)
    for first, lines, ended in lines_by_block(file):
        if first == 1:
            evidence.crlf = lines[0].endswith("\r") and (ended or len(lines) > 1)
        ends.begin(ended=ended, lines=len(lines))
        for number, whole in enumerate(lines, first):
            if not evidence.marked and "\u200e" in whole:
                evidence.marked = True
            if BOM in whole:
                evidence.add_join(whole, number)
            common = common_header(whole)
            if common is not None:
                evidence.lines += 1
                headers.add_common(common, number)
                if names.left:
                    names.add(whole[common[3] :])
                ends.add(whole, begins=True)
                continue
            line = whole.removesuffix("\r")
            if not line.strip():
                ends.add(whole, begins=False)
                continue
            evidence.lines += 1
            header = header_of(line) if can_begin(line) else None
            begins = header is not None and header.clock is not None
            if header is not None and begins:
                headers.add(header, number)
                if names.left:
                    names.add(line[header.end :])
            else:
                others.add(line, number, header)
            headers.nothing_yet = False
            ends.add(whole, begins=begins)
        if not ended and _is_cut(lines):
            evidence.cut = first + len(lines) - 1
    headers.end()
    file_style = evidence.headers.style if evidence.headers.styles else None
    others.end(file_style)
    bracketed = file_style is not None and file_style.form == "bracket"
    evidence.marks_ends = bracketed and ends.mark_rows
    evidence.mixed_ends = bracketed and ends.mixed and not evidence.marks_ends
    return evidence


@dataclass(slots=True)
class _Others:
    """Lines that begin no message, and those whose time has a word beside it that is not known."""

    evidence: FileEvidence
    _doubtful: dict[Style, Lines] = field(default_factory=dict)
    _marked: dict[Style, Lines] = field(default_factory=dict)

    def add(self, line: str, number: int, header: Header | None) -> None:
        """Take in a line with the header that it begins with, if it does."""
        if header is not None:
            self._doubtful.setdefault(header.style, Lines()).add(number)
            return
        if self.evidence.first_other is None:
            self.evidence.first_other = number
        if can_begin(line) and is_like_header(line):
            self.evidence.unread.add(number)
        elif (behind := _behind_marks(line)) is not None:
            self._marked.setdefault(behind.style, Lines()).add(number)

    def end(self, style: Style | None) -> None:
        """Hand on what was counted, now that the style of the file is known."""
        for other, examples in self._doubtful.items():
            lines = self.evidence.words_unknown if other == style else self.evidence.unread
            lines.add(examples.first, examples.count)
        if style is not None and style in self._marked:
            self.evidence.behind_marks = self._marked[style]


def _behind_marks(line: str) -> Header | None:
    bare = MARKS_BEFORE.sub("", line, count=1)
    return header_of(bare) if bare is not line and can_begin(bare) and not bare.startswith(BOM) else None


def _is_cut(lines: list[str]) -> bool:
    """Whether the last line is the begin of a header, or of a name behind one."""
    *above, last = lines
    rows = [(line, header) for line in reversed(above[-_LOOK_BACK:]) if (header := header_of(line)) is not None]
    header = header_of(last)
    if header is None:
        return any(begins_alike(last, line) for line, _ in rows[:1])
    name = last[header.end :]
    return ": " not in name and any(line[row.end :].startswith(name) for line, row in rows)


@dataclass(slots=True)
class _Headers:
    """Hands headers on; of those that differ from the one before in their time alone only how many they are."""

    evidence: HeaderEvidence
    nothing_yet: bool = True
    _day: CommonDay | None = None
    _seconds: bool = False
    _again: int = 0

    def add_common(self, common: CommonHeader, number: int) -> None:
        """Take in one of the commonest headers."""
        day, minute, second, end = common
        seconds = second is not None
        if day is self._day and seconds == self._seconds:
            self._again += 1
            return
        self.add(Header(day.styles[seconds], day.numbers, (minute.hour, minute.minute, 0), end, day.short), number)
        self._day, self._seconds = day, seconds

    def add(self, header: Header, number: int) -> None:
        """Take in a header whose time could be read."""
        self.end()
        self.evidence.add(header, number, leads=self.nothing_yet)
        self.nothing_yet = False

    def end(self) -> None:
        """Hand on what has been counted."""
        if self._day is not None:
            self.evidence.styles[self._day.styles[self._seconds]] += self._again
        self._day, self._again = None, 0
