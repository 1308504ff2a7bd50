"""Mailboxes (mbox), as Thunderbird, Apple Mail and Google Takeout write them: a conversation is a thread of mails.

Threads are told by the ids that mails name (``Message-ID``, ``References``, ``In-Reply-To``), and by Gmail's own where it is
there; a mail without any is a thread of its own. A speaker is an address. The subject of a mail that begins a thread stands before
its words. Lines that quote another mail of the box are kept in ``meta["quoted"]``; others that begin with ``>`` are the sender's.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message as Mail
from email.utils import getaddresses, parsedate_to_datetime
from itertools import chain, pairwise
from typing import Any

from pipeline.errors import ExportError
from pipeline.ingest.addresses import UNKNOWN
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.table_fields import Columns
from pipeline.ingest.parsing.table_records import Record, Wanted
from pipeline.ingest.readers.mail_parts import header, headers, parse_mail, text_and_files
from pipeline.ingest.readers.mail_quotes import KnownLines, without_quotes
from pipeline.ingest.readers.tables import Table
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation

_LONGEST = 1 << 28
_ID = "Message-ID"
_POSTMARK = re.compile(rb"\d:\d\d.*\b(?:19|20)\d\d\b|\b(?:19|20)\d\d\b.*\d:\d\d")
_FIELD = re.compile(rb">?From |[!-9;-~]{1,60}:[ \t\r\n]")
_LIST_HEADERS = ("X-Gmail-Labels", "List-Id", "Auto-Submitted")


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the threads of a mailbox; the mails of a thread are put in the order of their times.

    The ids of all mails are held, and one thread at a time.

    Raises
    ------
    ExportError
        When the file does not begin as a mailbox does, or a mail is larger than 256 MiB.
    """
    file = unit.file
    threads, known = Threads(), KnownLines()
    for line, mail in _mails(file):
        threads.add(mail)
        if _moment(mail) is None or not headers(mail, "From"):
            log.warn(f"{file.name}:{line}", "a mail without a date or a sender begins here: it may be cut off")
        known.add(text_and_files(mail).text)

    def records(wanted: Wanted) -> Iterator[Record]:
        for index, (line, mail) in enumerate(_mails(file)):
            if wanted(index):
                yield index, line, _record(mail, line, file, threads, known)

    yield from Table(file, records, Columns.named({}), options, log, platform="email", by_time=True).conversations()


def _mails(file: ExportFile) -> Iterator[tuple[int, Mail]]:
    """Yield each mail with the line that it begins on."""
    lines: list[bytes] = []
    start = size = 0
    after_blank = True
    with file.open_bytes() as stream:
        raw = chain(iter(lambda: stream.readline(_LONGEST), b""), [b""])
        for number, (line, following) in enumerate(pairwise(raw), 1):
            line = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
            if after_blank and line.startswith(b"From ") and (not start or _begins_mail(line, following)):
                if start:
                    yield start, parse_mail(b"".join(lines))
                lines, start, size = [], number, 0
            elif start:
                lines.append(line)
                size += len(line)
                if size > _LONGEST:
                    raise ExportError(f"a mail of more than {_LONGEST:,} bytes", where=f"{file.name}:{start}", do="Check the file")
            elif line.strip():
                raise ExportError(
                    "the file does not begin with the line `From …` of a mailbox",
                    where=f"{file.name}:{number}",
                    do="Give the mailbox as the mail program exported it",
                )
            after_blank = not line.strip(b"\r\n")
    if start:
        yield start, parse_mail(b"".join(lines))


def _begins_mail(line: bytes, following: bytes) -> bool:
    """Whether a line that begins with ``From`` begins a mail: it has a date, or a header below it; else somebody wrote it."""
    return _POSTMARK.search(line) is not None or _FIELD.match(following) is not None


@dataclass(slots=True)
class Threads:
    """Which mails belong together: a mail's id and those that it names are of one thread."""

    _above: dict[str, str] = field(default_factory=dict)

    def add(self, mail: Mail) -> None:
        """Take in a mail."""
        names = _names(mail)
        for name in names[1:]:
            first, second = self._root(names[0]), self._root(name)
            if first != second:
                self._above[first] = second

    def of(self, mail: Mail) -> str | None:
        """Return the id of a mail's thread; ``None`` where it names none."""
        names = _names(mail)
        return self._root(names[0]) if names else None

    def _root(self, name: str) -> str:
        above = self._above.setdefault(name, name)
        while above != name:
            grand = self._above[above]
            self._above[name] = grand
            name, above = above, grand
        return name


def _names(mail: Mail) -> list[str]:
    """Return the ids of a mail: its own first, then the thread's and those of the mails that it answers."""
    names: list[str] = []
    for name in (_ID, "X-GM-THRID", "References", "In-Reply-To"):
        for value in headers(mail, name):
            names += (
                [f"gmail:{value.strip()}"]
                if name == "X-GM-THRID"
                else [reference for reference in value.split() if "@" in reference]
            )
    return names


def _record(mail: Mail, line: int, file: ExportFile, threads: Threads, known: KnownLines) -> dict[str, Any]:
    digest = file.sha256[:12]
    name, address = next(iter(getaddresses(headers(mail, "From"))), ("", ""))
    body = text_and_files(mail)
    words, quoted = without_quotes(body.text, known)
    subject = header(mail, "Subject")
    answers = bool(header(mail, "In-Reply-To") or header(mail, "References"))
    if subject and not answers:
        words = f"{subject}\n\n{words}" if words else subject
    moment = _moment(mail)
    meta: dict[str, Any] = {}
    known_fields = {
        "speaker_name": name,
        "subject": subject,
        "to": [recipient for _, recipient in getaddresses([*headers(mail, "To"), *headers(mail, "Cc")]) if recipient],
        "reply_to": header(mail, "In-Reply-To"),
        "attachments": list(body.files),
        "quoted": quoted,
        "date": "" if moment else header(mail, "Date"),
        "unreadable": body.unreadable,
    }
    meta |= {key: value for key, value in known_fields.items() if value}
    meta |= {key: value for key in _LIST_HEADERS if (value := header(mail, key))}
    return {
        "conversation_id": threads.of(mail) or f"{digest}:{line}",
        "conversation_title": subject or None,
        "message_id": header(mail, _ID).strip() or f"{digest}:{line}",
        "speaker": address.casefold() or name or UNKNOWN,
        "timestamp": moment,
        "text": words,
        "kind": "media" if body.files else "message" if words else "unsupported",
        "meta": meta,
    }


def _moment(mail: Mail) -> datetime | None:
    """Return the time of a mail; one that says no zone is in UTC (RFC 5322)."""
    try:
        moment = parsedate_to_datetime(header(mail, "Date"))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
