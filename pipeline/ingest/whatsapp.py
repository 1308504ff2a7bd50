"""WhatsApp's text export: ``_chat.txt``, ``WhatsApp Chat with ….txt``, or either in a zip with the media beside it.

Two passes: the first takes the style of the headers and the order of day and month from the whole file; the second
hands out messages one at a time. The format does not mark where a message ends: a line in the style of a header *is* a header, so
that a participant can forge one. What can be seen of it is warned of: time that runs backwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from zoneinfo import ZoneInfo

from pipeline.errors import ExportError
from pipeline.ingest.files import ExportFile
from pipeline.ingest.options import DateOrder, ReadLog, ReadOptions
from pipeline.ingest.text_lines import decoded_lines
from pipeline.ingest.units import Unit
from pipeline.ingest.whatsapp_header import MARKS, Header, HeaderEvidence, Style, parse_header
from pipeline.ingest.whatsapp_rows import judge, split_row
from pipeline.schema import Conversation, Message, Source

PLATFORM = "whatsapp"
CUT_SHORT = (10_000, 40_000)
"""WhatsApp stops near these numbers of messages (with, without media) and does not say so in the file."""

_BACKWARDS = timedelta(days=1)
_CAN_BEGIN = re.compile(rf"[\[\d{MARKS}]")


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
    evidence = _gather(file)
    digest = file.sha256
    if not evidence.styles:
        raise ExportError("no line begins a WhatsApp message", where=file.name, do="Check that this is a WhatsApp export")
    style = evidence.style
    others = sum(evidence.styles.values()) - evidence.styles[style]
    if others:
        log.warn(file.name, f"{others} line(s) look like headers of another phone's style; they are kept as text of the row above")
    if max(evidence.styles.values()) in CUT_SHORT:
        log.warn(
            file.name, f"exactly {evidence.styles[style]:,} rows: WhatsApp cuts exports at this number, the start may be missing"
        )
    order = options.date_order or evidence.order(file.name)
    location = PurePosixPath(file.member or file.path.name)
    title = file.path.stem if location.stem == "_chat" else location.stem
    reading = _Reading(file, digest[:12], style, order, options.timezone, log)
    yield Conversation(conversation_id=digest[:12], platform=PLATFORM, title=title, messages=reading.messages())


def _gather(file: ExportFile) -> HeaderEvidence:
    evidence = HeaderEvidence()
    for number, line in decoded_lines(file):
        if _CAN_BEGIN.match(line):
            header = _header(line)
            if header is not None:
                evidence.add(header, number)
    return evidence


def _header(line: str) -> Header | None:
    """Return the header that a line begins with; one that ends with it has lost the blank behind."""
    return parse_header(line + " " if line.endswith(("]", "-")) else line)


@dataclass(slots=True)
class _Open:
    """A row whose further lines may still come."""

    line: int
    moment: datetime | None
    rest: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Reading:
    file: ExportFile
    digest: str
    style: Style
    order: DateOrder
    timezone: ZoneInfo | None
    log: ReadLog

    def messages(self) -> Iterator[Message]:
        """Yield the rows of the file in order."""
        row: _Open | None = None
        latest: datetime | None = None
        with closing(decoded_lines(self.file)) as lines:
            for number, line in lines:
                begun = self._begins(line)
                if begun is None:
                    if row is None:
                        row = _Open(number, None)
                    row.rest.append(line)
                    continue
                if row is not None:
                    yield self._message(row)
                moment, rest = begun
                if latest is not None and latest - moment > _BACKWARDS:
                    self.log.warn(
                        f"{self.file.name}:{number}",
                        "time runs backwards by more than a day here: a late delivery, or a forged or quoted line",
                    )
                latest = moment if latest is None else max(latest, moment)
                row = _Open(number, moment, [rest])
        if row is not None:
            yield self._message(row)

    def _begins(self, line: str) -> tuple[datetime, str] | None:
        """Return the time and the rest of a line that begins a row in the style of this file."""
        if not _CAN_BEGIN.match(line):
            return None
        header = _header(line)
        if header is None or header.style != self.style:
            return None
        moment = header.moment(self.order)
        return None if moment is None else (moment, line[header.end :])

    def _message(self, row: _Open) -> Message:
        source = Source(self.file.name, line=row.line)
        identity = f"{self.digest}:{row.line}"
        if row.moment is None:
            # Lines before the first header belong to nobody that the file names; they are kept as what they are.
            return Message(message_id=identity, speaker=None, text="\n".join(row.rest), source=source, kind="unsupported")
        head = split_row(row.rest[0])
        text = "\n".join([head.text, *row.rest[1:]])
        kind, meta = judge(head, text)
        return Message(
            message_id=identity,
            speaker=None if kind == "system" else head.speaker,
            text=text,
            source=source,
            kind=kind,
            timestamp=self._time(row.moment),
            meta=meta,
        )

    def _time(self, moment: datetime) -> datetime:
        return moment if self.timezone is None else moment.replace(tzinfo=self.timezone).astimezone(UTC)
