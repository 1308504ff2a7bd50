"""Which files of a path are exports, what to say of the others, and in which encoding their text is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.errors import ArchiveRefused, ExportError, UnknownFormat
from pipeline.ingest.detection.detect import could_be, examine
from pipeline.ingest.detection.downloads import attachment_folders, holds_other_data, is_attachment, top_folders
from pipeline.ingest.detection.looks_like import ARCHIVE, NO_CHATS, Look, looks_like
from pipeline.ingest.files.encodings import escaped_encoding, is_legacy_text, legacy_encoding, unmarked_utf16
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.files.find import Refused
from pipeline.ingest.files.quoted import common_mark
from pipeline.ingest.files.shown import shown
from pipeline.ingest.options import ReadLog, ReadOptions, Unread
from pipeline.printable import printable

_TEXTS = frozenset(
    {
        *("whatsapp", "signal", "imessage", "csv", "imessage_exporter", "line", "kakaotalk", "viber"),
        *("discord_csv", "discord_text", "irc", "minecraft", "roblox", "twitch", "cellebrite", "axiom"),
    }
)
_DATA = frozenset(
    {
        *(".txt", ".md", ".log", ".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".xml", ".html", ".htm", ".mbox"),
        *(".eml", ".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".db", ".sqlite", ".sqlite3"),
        *(".zip", ".tar", ".tgz", ".7z", ".rar", ".bz2", ".xz", ".zst"),
    }
)
"""Extensions of files that may hold a chat."""

_NAMED = 20
_SEE = "See `safelight formats` for what is read, or name the format with --format"


@dataclass(frozen=True)
class Strange:
    """A file that no reader takes, and what it looks like."""

    file: ExportFile
    look: Look | None
    empty: bool = False

    @property
    def reason(self) -> str:
        """Why it is not read, and what to do."""
        if self.empty:
            return "the file is empty"
        if self.look is None:
            return f"not a chat export that we know. {_SEE}"
        return f"it looks like {self.look.what}. {self.look.do}"


@dataclass
class Choice:
    """The files of a path: exports with their formats, those that no reader takes, and those that could not be looked at."""

    found: list[tuple[str, ExportFile]] = field(default_factory=list)
    strange: list[Strange] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


def choose(files: list[ExportFile], options: ReadOptions) -> Choice:
    """Tell the exports among the files.

    Of a table that lacks a column only its reader can say what is missing: it is read where there is nothing else. A format that
    the user names holds for a file alone; among several, for those that may be of it.
    """
    if options.format is not None and len(files) == 1:
        return Choice([(options.format, with_line_ends(files[0], files[0].head()))])
    choice = Choice()
    incomplete: list[tuple[str, ExportFile]] = []
    for file in files:
        try:
            _place(file, options, choice, incomplete)
        except ExportError as error:
            choice.refused.append(Refused(printable(file.name), error))
    if choice.found:
        choice.strange += [Strange(file, looks_like(file)) for _, file in incomplete]
    else:
        choice.found = incomplete
    return choice


def _place(as_found: ExportFile, options: ReadOptions, choice: Choice, incomplete: list[tuple[str, ExportFile]]) -> None:
    head = as_found.head()
    file = with_line_ends(as_found, head)
    if file is not as_found:
        try:
            head = file.head()
        except ExportError:  # it only looked like UTF-16, as pictures can
            file = as_found
    known = examine(file, options.columns, head)
    if known is None and is_legacy_text(head) and (recoded := _recoded(file)) is not None:
        file, head = recoded, recoded.head()
        known = examine(file, options.columns, head)
    if known is None and (unquoted := _unquoted(file, head)) is not None:
        known = examine(unquoted, options.columns)
        if known is not None:
            file, head = unquoted, unquoted.head()
    if options.format is not None:
        if (known is not None and known.format == options.format) or (known is None and could_be(file, options.format)):
            choice.found.append((options.format, file))
            return
    elif known is not None:
        (choice.found if known.complete else incomplete).append((known.format, file))
        return
    choice.strange.append(Strange(file, looks_like(file, head) if head else None, empty=not head))


def _recoded(file: ExportFile) -> ExportFile | None:
    """Return a file of text that is not UTF-8 with its encoding; ``None`` where it is, or nothing tells."""
    if file.encoding or file.marked_encoding or file.is_utf8:
        return None
    with file.open() as stream:
        encoding = legacy_encoding(stream)
    return None if encoding is None else replace(file, encoding=encoding)


def _unquoted(file: ExportFile, head: bytes) -> ExportFile | None:
    """Return a text without the mark before each line; ``None`` where there is none."""
    mark = common_mark(head.decode("utf-8", "replace").removeprefix("\ufeff")) if b"\0" not in head else None
    return replace(file, mark=mark) if mark is not None else None


def with_line_ends(file: ExportFile, head: bytes) -> ExportFile:
    """Return the file as one in an encoding that no mark says, or with carriage returns for line ends, where its head says so."""
    encoding = unmarked_utf16(head) if b"\0" in head else escaped_encoding(head)
    plain = head.replace(b"\0", b"") if encoding is not None else head
    cr_only = b"\r" in plain and b"\n" not in plain and b"\0" not in plain and not plain.startswith((b"PAR1", b"%PDF"))
    return replace(file, encoding=encoding, cr_only=cr_only) if encoding is not None or cr_only else file


def as_utf8(file: ExportFile, format_: str, log: ReadLog) -> ExportFile:
    """Return the file with the encoding of its text where that is not UTF-8, and say so."""
    if file.mark:
        log.warn(file.name, f"each line begins with `{printable(file.mark)}`, as in a quoted text: it was read without")
    if file.cr_only:
        log.warn(file.name, "its lines end with carriage returns, as on an old Macintosh: each was read as the end of a line")
    known = file.encoding or file.marked_encoding
    if known is None and format_ in _TEXTS and (recoded := _recoded(file)) is not None:
        file, known = recoded, recoded.encoding
    if known is not None and known.startswith(("utf", "iso2022")):
        log.warn(file.name, f"the text is {known.upper()}, and was read as such")
    elif known is not None:
        log.warn(file.name, f"the text is not UTF-8 but {known}, as far as its letters tell: letters beyond ASCII may be wrong")
    return file


def tell_strange(path: Path, strange: list[Strange], files: list[tuple[str, ExportFile]], log: ReadLog) -> None:
    """Name every file that no reader takes: as failed where it may hold a chat, else as passed over.

    A file with the extension of data fails, but for one that is known to hold no chats. Of the others each that looks like a chat
    is warned of, and the rest are counted; but for what was sent in a chat.
    """
    downloads = top_folders((format_, file.location) for format_, file in files)
    attachments = attachment_folders(files)
    others: list[Strange] = []
    named = 0
    for stranger in strange:
        name = printable(stranger.file.name)
        place = stranger.file.location
        was_sent = is_attachment(place, attachments)
        other = stranger.look in NO_CHATS or holds_other_data(place, downloads) or was_sent
        if _is_data(stranger.file) and not other:
            log.failed.append(Unread(name, f"{name}: {stranger.reason}."))
            continue
        log.passed_over.append(Unread(name, stranger.reason))
        if stranger.look is not None and stranger.look.chat and named < _NAMED:
            named += 1
            log.warn(stranger.file.name, f"passed over: it looks like {stranger.look.what}. {stranger.look.do}")
        elif not was_sent:
            others.append(stranger)
    if others:
        log.warn(shown(path), f"{len(others)} file(s) passed over that are no chat export we know, such as {others[0].file.name}")


def _is_data(file: ExportFile) -> bool:
    suffixes = [suffix.casefold() for suffix in file.location.suffixes]
    last = suffixes[-2:-1] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else suffixes[-1:]
    return bool(_DATA.intersection(last))


def nothing_found(path: Path, choice: Choice) -> ExportError:
    """Return the error for a path at which there is no export."""
    strange, refused = choice.strange, choice.refused
    if len(refused) == 1 and not strange:
        return refused[0].error
    if refused:
        count = len(refused) + len(strange)
        first = refused[0].error
        what = f"none of the {count} files can be read. The first, {refused[0].name}: {first.what}"
        return type(first)(what, where=shown(path), do=first.do)
    if len(strange) == 1:
        return _not_known(strange[0])
    if not strange:
        return UnknownFormat("there is no file in it", where=shown(path), do=_SEE)
    looks = [stranger for stranger in strange[:_NAMED] if stranger.look is not None and stranger.look.chat]
    what = f"none of the {len(strange)} files is a chat export that we know"
    if looks:
        what += ": " + "; ".join(
            f"{stranger.file.location.name} looks like {stranger.look.what}" for stranger in looks[:3] if stranger.look
        )
    return UnknownFormat(what, where=shown(path), do=looks[0].look.do if looks and looks[0].look else _SEE)


def _not_known(stranger: Strange) -> ExportError:
    file, look = stranger.file, stranger.look
    if stranger.empty:
        return ExportError("the file is empty", where=file.name, do="Export the chat again")
    if look is ARCHIVE:
        return ArchiveRefused("an archive in an archive is not opened", where=file.name, do="Unpack the outer one")
    if look is None:
        return UnknownFormat("not a chat export that we know", where=file.name, do=_SEE)
    return UnknownFormat(f"not a chat export that we know: it looks like {look.what}", where=file.name, do=look.do)
