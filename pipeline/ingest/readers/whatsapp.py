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
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import DateOrder, ReadLog, ReadOptions
from pipeline.ingest.parsing.text_lines import whole_lines
from pipeline.ingest.readers.whatsapp_evidence import FileEvidence, Lines, can_begin, gather, header_of, without_end
from pipeline.ingest.readers.whatsapp_header import Header
from pipeline.ingest.readers.whatsapp_rows import Doubt, judge, split_row
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Message, Source

PLATFORM = "whatsapp"
CUT_SHORT = (10_000, 40_000)
"""WhatsApp stops near these numbers of messages (with, without media) and does not say so in the file."""

_BACKWARDS = timedelta(days=1)


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
    if evidence.headers.calendars.most_common(1)[0][0] == "Hijri":
        raise ExportError(
            "the years are of the Hijri calendar, which is not converted",
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
    location = PurePosixPath(file.member or file.path.name)
    archive = PurePosixPath(file.outer[-1] if file.outer else file.path.name)
    title = archive.stem if location.stem == "_chat" else location.stem
    reading = _Reading(file, digest[:12], evidence, order, options.timezone, log)
    yield Conversation(conversation_id=digest[:12], platform=PLATFORM, title=title, messages=reading.messages())


@dataclass(slots=True)
class _Open:
    """A row whose further lines may still come. ``header`` is ``None`` before the first one."""

    line: int
    header: Header | None = None
    moment: datetime | None = None
    marked: bool = False
    rest: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Reading:
    file: ExportFile
    digest: str
    evidence: FileEvidence
    order: DateOrder
    timezone: ZoneInfo | None
    log: ReadLog
    doubts: dict[Doubt, Lines] = field(default_factory=dict)

    def messages(self) -> Iterator[Message]:
        """Yield the rows of the file in order."""
        row: _Open | None = None
        latest: datetime | None = None
        after_row = True
        with closing(whole_lines(self.file)) as lines:
            for number, whole in lines:
                line = without_end(whole, self.evidence)
                begun = self._begins(line, number)
                if begun is not None and not after_row and self.evidence.marks_ends:
                    self._doubt("look like headers and stand within a message, which this file marks: they are its text", number)
                    begun = None
                after_row = whole.endswith("\r\n")
                if begun is None:
                    if row is None:
                        row = _Open(number)
                    row.rest.append(line)
                    continue
                if row is not None:
                    yield self._message(row)
                row = begun
                if row.moment is None:
                    continue
                if latest is not None and latest - row.moment > _BACKWARDS:
                    self.log.warn(
                        f"{self.file.name}:{number}",
                        "time runs backwards by more than a day here: a late delivery, or a forged or quoted line",
                    )
                latest = row.moment if latest is None else max(latest, row.moment)
        if row is not None:
            yield self._message(row)
        self._tell_doubts()

    def _begins(self, line: str, number: int) -> _Open | None:
        """Return the row that a line begins, in the style of this file; its time is none where a word beside it is not known."""
        if not can_begin(line):
            return None
        header = header_of(line)
        if header is None or header.style != self.evidence.headers.style:
            return None
        moment = header.moment(self.order)
        if moment is None and header.clock is not None:
            self._doubt("look like headers of a day that is in no month: they are text of the row above", number)
            return None
        return _Open(number, header, moment, line.startswith("\u200e"), [line[header.end :]])

    def _message(self, row: _Open) -> Message:
        source = Source(self.file.name, line=row.line)
        identity = f"{self.digest}:{row.line}"
        if row.header is None:
            # Lines before the first header belong to nobody that the file names; they are kept as what they are.
            return Message(message_id=identity, speaker=None, text="\n".join(row.rest), source=source, kind="unsupported")
        head = split_row(row.rest[0])
        text = "\n".join([head.text, *row.rest[1:]])
        judged = judge(head, text, ios=row.header.style.form != "dash", marked=row.marked)
        if judged.doubt is not None:
            self._doubt(judged.doubt, row.line)
        return Message(
            message_id=identity,
            speaker=None if judged.kind == "system" else head.speaker,
            text=text,
            source=source,
            kind=judged.kind,
            timestamp=None if row.moment is None else self._time(row.moment),
            meta=judged.meta,
        )

    def _time(self, moment: datetime) -> datetime:
        return moment if self.timezone is None else moment.replace(tzinfo=self.timezone).astimezone(UTC)

    def _doubt(self, doubt: Doubt, line: int) -> None:
        self.doubts.setdefault(doubt, Lines()).add(line)

    def _tell_doubts(self) -> None:
        for doubt, lines in self.doubts.items():
            self.log.warn(f"{self.file.name}:{lines.first}", f"{lines.count} line(s), the first here, {doubt}")
