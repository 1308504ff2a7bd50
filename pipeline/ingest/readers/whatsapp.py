"""WhatsApp's text export: ``_chat.txt``, ``WhatsApp Chat with ….txt``, or either in a zip with the media beside it.

Two passes: the first takes the style of the headers and the order of day and month from the whole file
(`whatsapp_evidence`); the second hands out messages one at a time. iOS ends rows with CRLF and the lines within
a message with LF: there a header stands only behind CRLF. Other files do not mark where a message ends: a line in the style of a
header *is* a header, so that a participant can forge one. What can be seen of it is warned of: time that runs backwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from zoneinfo import ZoneInfo

from pipeline.errors import ExportError
from pipeline.ingest.columns import MessageColumns, MessagePieces, Piece
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import DateOrder, ReadLog, ReadOptions
from pipeline.ingest.parsing.text_lines import lines_by_block
from pipeline.ingest.readers.whatsapp_columns import Begun, Rows, columns_of
from pipeline.ingest.readers.whatsapp_evidence import FileEvidence, Lines, can_begin, gather, header_of
from pipeline.ingest.readers.whatsapp_header import CommonDay, Style, common_header, day_of
from pipeline.ingest.readers.whatsapp_rows import Doubt, judge, split_row
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Message, Source

PLATFORM = "whatsapp"
CUT_SHORT = (10_000, 40_000)
"""WhatsApp stops near these numbers of messages (with, without media) and does not say so in the file."""

_BACKWARDS = timedelta(days=1)
_ROWS = 4096


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the one conversation of a file.

    Raises
    ------
    ExportError
        When a line is not UTF-8, or no line begins a message.
    AmbiguousDateOrder
        When nothing in the file tells day from month and ``options`` do not say.
    """
    file = unit.file
    evidence = gather(file)
    digest = file.sha256
    if not evidence.headers.styles:
        raise ExportError(
            "no line begins a WhatsApp message" + evidence.unread_note(), where=file.name, do="Check that this is a WhatsApp export"
        )
    calendar = evidence.headers.calendars.most_common(1)[0][0]
    if calendar in ("Hijri", "unknown"):
        raise ExportError(
            f"the years are of {'the Hijri' if calendar == 'Hijri' else 'an unknown'} calendar, which is not converted",
            where=file.name,
            do="Set the phone to the Gregorian calendar and export again",
        )
    evidence.warn(file.name, log)
    style = evidence.headers.style
    if evidence.headers.styles[style] in CUT_SHORT:
        log.warn(
            file.name,
            f"exactly {evidence.headers.styles[style]:,} rows: WhatsApp cuts exports at this number, the start may be missing",
        )
    order = options.date_order or evidence.headers.order(file.name)
    evidence.headers.check_dates(order, file.name)
    location = PurePosixPath(file.member or file.path.name)
    archive = PurePosixPath(file.outer[-1] if file.outer else file.path.name)
    title = archive.stem if location.stem == "_chat" else location.stem
    reading = _Reading(file, digest[:12], evidence, order, options.timezone, log)
    yield Conversation(conversation_id=digest[:12], platform=PLATFORM, title=title, messages=MessagePieces(reading.pieces()))


@dataclass(frozen=True)
class _Reading:
    file: ExportFile
    digest: str
    evidence: FileEvidence
    order: DateOrder
    timezone: ZoneInfo | None
    log: ReadLog
    doubts: dict[Doubt, Lines] = field(default_factory=dict)

    def pieces(self) -> Iterator[Piece]:  # noqa: C901 - one loop over every line: calls would cost what the columns save
        """Yield the rows of the file in order."""
        rows = Rows()
        cut = self.evidence.crlf or self.evidence.marks_ends
        day: CommonDay | None = None
        date, fits = None, (False, False)
        latest = ""
        after_row = True
        with closing(lines_by_block(self.file)) as blocks:
            for first, lines, ended in blocks:
                for number, whole in enumerate(lines, first):
                    crlf = whole.endswith("\r") and (ended or number - first < len(lines) - 1)
                    line = whole[:-1] if crlf and cut else whole
                    row = time = None
                    end = 0
                    if (common := common_header(line)) is not None:
                        if common[0] is not day:
                            day = common[0]
                            date, fits = self._date(day), (day.styles[0] == self.style, day.styles[1] == self.style)
                        _, minute, second, end = common
                        if date is not None and fits[second is not None]:
                            time = f"{date}T{minute.text}{second or ':00'}"
                    if time is None:
                        row = self._begins(line, number)
                    if (row or time) and not after_row and self.evidence.marks_ends:
                        self._doubt(
                            "look like headers and stand within a message, which this file marks: they are its text", number
                        )
                        row = time = None
                    after_row = crlf
                    if time is not None:
                        rows.lines.append(number)
                        rows.times.append(time)
                        rows.firsts.append(line[end:])
                    elif row is not None:
                        rows.begin(row)
                        time = row.time
                    elif not rows.lines:
                        rows.begin(Begun(number, [line], headed=False))
                    else:
                        rows.add_line(line)
                    if time is not None:
                        if time < latest:
                            self._check_backwards(time, latest, number)
                        else:
                            latest = time
                if len(rows) > _ROWS:
                    done, rows = rows.split(len(rows) - 1)
                    yield self._columns(done)
        if len(rows):
            yield self._columns(rows)
        self._tell_doubts()

    @property
    def style(self) -> Style:
        """The style of the file's headers."""
        return self.evidence.headers.style

    def _date(self, day: CommonDay) -> str | None:
        """Return a day as ISO 8601 writes it; ``None`` where there is no such day."""
        date_text = day_of(day.numbers, "ymd" if self.style.year_first else self.order)
        return date_text.isoformat() if date_text is not None else None

    def _check_backwards(self, time: str, latest: str, number: int) -> None:
        if datetime.fromisoformat(latest) - datetime.fromisoformat(time) > _BACKWARDS:
            self.log.warn(
                f"{self.file.name}:{number}",
                "time runs backwards by more than a day here: a late delivery, or a forged or quoted line",
            )

    def _begins(self, line: str, number: int) -> Begun | None:
        """Return the row that a line begins, in the style of this file; its time is none where a word beside it is not known."""
        if not can_begin(line):
            return None
        header = header_of(line)
        if header is None or header.style != self.style:
            return None
        moment = header.moment(self.order)
        if moment is None and header.clock is not None:
            self._doubt("look like headers of a day that is in no month: they are text of the row above", number)
            return None
        return Begun(number, [line[header.end :]], moment.isoformat() if moment else None, line.startswith("\u200e"))

    def _columns(self, rows: Rows) -> MessageColumns:
        moved = self._moved if self.timezone is not None else None
        return columns_of(rows, self.file.name, self.digest, ios=self.ios, moved=moved, read=self._message)

    @property
    def ios(self) -> bool:
        """Whether an iPhone wrote the file."""
        return self.style.form in ("bracket", "colon")

    def _message(self, row: Begun) -> Message:
        source = Source(self.file.name, line=row.line)
        identity = f"{self.digest}:{row.line}"
        if not row.headed:
            # Lines before the first header belong to nobody that the file names; they are kept as what they are.
            return Message(message_id=identity, speaker=None, text="\n".join(row.lines), source=source, kind="unsupported")
        head = split_row(row.lines[0])
        text = "\n".join([head.text, *row.lines[1:]])
        judged = judge(head, text, ios=self.ios, marked=row.marked)
        if judged.doubt is not None:
            self._doubt(judged.doubt, row.line)
        speaker = None if judged.kind == "system" else head.speaker
        return Message(message_id=identity, speaker=speaker, text=text, source=source, kind=judged.kind, meta=judged.meta)

    def _moved(self, time: str) -> str:
        return datetime.fromisoformat(time).replace(tzinfo=self.timezone).astimezone(UTC).isoformat()

    def _doubt(self, doubt: Doubt, line: int) -> None:
        self.doubts.setdefault(doubt, Lines()).add(line)

    def _tell_doubts(self) -> None:
        for doubt, lines in sorted(self.doubts.items(), key=lambda item: item[1].first):
            self.log.warn(f"{self.file.name}:{lines.first}", f"{lines.count} line(s), the first here, {doubt}")
