"""Chats that a program writes as text, a line a row, with lines between them that say the day.

What a line of a format is, its grammar says: the beginning of a row, a day, a line of the program's own, or none of these, and then
it is a further line of the row above. The file is read twice: first for the order of day and month and for what the grammar does
not explain, then for the messages, one at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import DateOrder, ReadLog, ReadOptions
from pipeline.ingest.parsing.text_ends import BOM
from pipeline.ingest.parsing.text_lines import decoded_lines
from pipeline.ingest.readers.text_grammar import Aside, Clock, Day, Entry, Grammar, Line, TextFormat
from pipeline.ingest.readers.text_survey import survey
from pipeline.ingest.readers.whatsapp_evidence import Lines
from pipeline.ingest.times.parse import in_utc
from pipeline.ingest.times.written import WrittenTime, order_of
from pipeline.schema import Conversation, Message, Source

LEAST_SHARE = 0.05
"""With fewer lines than this that begin a row, a file is read with a warning that names the first line that is none."""

_BACKWARDS = timedelta(days=1)
_NIGHT = 12 * 3600


def read_text(
    file: ExportFile, format_: TextFormat, options: ReadOptions, log: ReadLog, *, day: date | None = None, title: str | None = None
) -> Conversation:
    """Return the conversation of a file; ``day`` is that of its first row, where the file's name says it.

    Raises
    ------
    ExportError
        When a line is not UTF-8, or no line begins a row.
    AmbiguousDateOrder
        When nothing in the file tells day from month and ``options`` do not say.
    """
    surveyed = survey(file, format_)
    if surveyed.others.count and surveyed.entries < LEAST_SHARE * surveyed.lines:
        log.warn(
            f"{file.name}:{surveyed.others.first}",
            f"only {surveyed.entries:,} of {surveyed.lines:,} lines begin a message, and this is the first that does not: "
            f"is it of {format_.name}?",
        )
    reading = _Reading(file, format_, order_of(surveyed.dates, options.date_order, file.name), options, log, day=day)
    reading.spaced = format_.spaced and surveyed.spaced
    surveyed.warn(file.name, log)
    return Conversation(
        conversation_id=file.sha256[:12],
        platform=format_.platform,
        title=surveyed.asides.pop("title", None) or title,
        meta=surveyed.asides,
        messages=reading.messages(),
    )


@dataclass(slots=True)
class _Open:
    line: int
    entry: Entry
    moment: datetime | None
    rest: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Reading:
    file: ExportFile
    format: TextFormat
    order: DateOrder
    options: ReadOptions
    log: ReadLog
    day: date | None = None
    spaced: bool = False
    latest: datetime | None = None
    clock: int = 0
    strays: Lines = field(default_factory=Lines)
    undated: Lines = field(default_factory=Lines)
    within: Lines = field(default_factory=Lines)
    _grammar: Grammar = field(init=False)
    _blank: bool = True
    _joined: bool = False

    def __post_init__(self) -> None:
        self._grammar = self.format.grammar()

    def messages(self) -> Iterator[Message]:
        """Yield the rows of the file in order.

        A day, or a row that nothing marks as one, is what it looks like only where a row follows: a person can type such a line,
        and what follows it is then still that person's.
        """
        row: _Open | None = None
        held: list[tuple[int, str, Day | Entry]] = []
        with closing(decoded_lines(self.file)) as lines:
            for number, text in lines:
                line = self._line(text, number)
                if isinstance(line, Day) or (isinstance(line, Entry) and line.bare):
                    held.append((number, text, line))
                elif isinstance(line, Aside) and self._joined:
                    yield from self._close(row, held)
                    row = _Open(number, Entry(None, text, kind="system"), None)
                elif isinstance(line, Entry):
                    yield from self._close(row, held)
                    row, self._joined = _Open(number, line, self._moment(line, number)), False
                elif line is None and (row is not None or text.strip()):
                    if row is None or self.format.stray is not None:
                        if not text.strip():
                            continue
                        self.strays.add(number)
                        yield from self._close(row, held)
                        row = _Open(number, Entry(None, text, kind=self.format.stray or "unsupported"), None)
                    elif not text.strip() and held:
                        continue
                    else:
                        row.rest += [*(held_line for _, held_line, _ in held), text]
                        held.clear()
        yield from self._close(row, held)
        if self.within.count:
            self.log.warn(
                f"{self.file.name}:{self.within.first}",
                f"{self.within.count} line(s), the first here, look like headers and stand within a message: they are its text",
            )
        if self.undated.count:
            self.log.warn(
                f"{self.file.name}:{self.undated.first}",
                f"nothing says the day of {self.undated.count} row(s), the first here: they have a time of day only",
            )
        if self.strays.count and self.format.stray != "system":
            self.log.warn(
                f"{self.file.name}:{self.strays.first}",
                f"{self.strays.count} row(s), the first here, begin with no header that is known: nobody's, and not scored",
            )

    def _line(self, text: str, number: int) -> Line:
        """Return what a line is, where it stands."""
        if number > 1 and text.startswith(BOM):  # another export: its first lines may be its own
            self._grammar, self._joined = self.format.grammar(), True
        line = self._grammar.line(text.removeprefix(BOM)) if text.strip() else None
        if isinstance(line, Entry) and self.spaced and not self._blank:
            self.within.add(number)
            line = None
        self._blank = not text.strip()
        return line

    def _close(self, row: _Open | None, held: list[tuple[int, str, Day | Entry]]) -> Iterator[Message]:
        """Yield the row above, and those that were held back; the days among them begin."""
        if row is not None:
            yield self._message(row, before_day=bool(held))
        for number, _, line in held:
            if isinstance(line, Day):
                self._begin_day(line.written, number)
            else:
                yield self._message(_Open(number, line, self._moment(line, number)))
        held.clear()

    def _begin_day(self, written: WrittenTime, number: int) -> None:
        moment = written.moment(self.order, None)
        if moment is None:
            self._bad_day(number)
        self.day = None if moment is None else moment.date()
        self.clock = 0

    def _bad_day(self, number: int) -> None:
        self.log.warn(f"{self.file.name}:{number}", "a day that is in no month: the rows of it have no time")

    def _moment(self, entry: Entry, number: int) -> datetime | None:
        if entry.written is not None:
            moment = entry.written.moment(self.order, self.options.timezone)
            if moment is None:
                self._bad_day(number)
        elif entry.clock is not None and self.day is not None:
            moment = self._on_day(entry.clock)
        else:
            if entry.clock is not None:
                self.undated.add(number)
            return None
        if moment is not None:
            if self.latest is not None and self.latest.replace(tzinfo=None) - moment.replace(tzinfo=None) > _BACKWARDS:
                self.log.warn(
                    f"{self.file.name}:{number}",
                    "time runs backwards by more than a day here: a late delivery, or a forged or quoted line",
                )
            self.latest = moment
        return moment

    def _on_day(self, clock: Clock) -> datetime | None:
        seconds = clock[0] * 3600 + clock[1] * 60 + clock[2]
        day = self.day or date.min
        if self.format.wraps and self.clock - seconds > _NIGHT and day < date.max:
            self.day = day = day + timedelta(days=1)
        self.clock = seconds
        try:
            return in_utc(datetime.combine(day, time(*clock)), self.options.timezone)
        except (ValueError, OverflowError):
            return None

    def _message(self, row: _Open, *, before_day: bool = False) -> Message:
        if before_day and row.rest and not row.rest[-1].strip():
            row.rest.pop()
        entry = self._grammar.whole(row.entry, "\n".join([row.entry.text, *row.rest]))
        meta = dict(entry.meta)
        if row.moment is None and entry.clock is not None:
            meta["time"] = "{:02}:{:02}:{:02}".format(*entry.clock)
        return Message(
            message_id=f"{self.file.sha256[:12]}:{row.line}",
            speaker=None if entry.kind == "system" else entry.speaker,
            timestamp=row.moment,
            text=entry.text,
            kind=entry.kind,
            source=Source(self.file.name, line=row.line),
            meta=meta,
        )
