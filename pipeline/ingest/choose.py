"""Which files of a path are exports, what to say of the others, and in which encoding their text is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pipeline.errors import ArchiveRefused, ExportError, UnknownFormat
from pipeline.ingest.detect import could_be, examine
from pipeline.ingest.encodings import legacy_encoding, unmarked_utf16
from pipeline.ingest.files import GZIP_MAGIC, ExportFile, is_archive
from pipeline.ingest.looks_like import looks_like
from pipeline.ingest.options import ReadLog, ReadOptions

_TEXTS = frozenset(
    {
        *("whatsapp", "signal", "imessage", "csv", "imessage_exporter", "line", "kakaotalk", "viber"),
        *("discord_csv", "discord_text", "irc", "minecraft", "twitch", "cellebrite", "axiom"),
    }
)
_NAMED = 20
_SEE = "See `safelight formats` for what is read, or name the format with --format"


def choose(files: list[ExportFile], options: ReadOptions) -> tuple[list[tuple[str, ExportFile]], list[ExportFile]]:
    """Return the exports with their formats, and the files that are none.

    Of a table that lacks a column only its reader can say what is missing: it is read where there is nothing else. A format that
    the user names holds for a file alone; among several, for those that may be of it.
    """
    if options.format is not None and len(files) == 1:
        return [(options.format, with_line_ends(files[0], files[0].head()))], []
    found: list[tuple[str, ExportFile]] = []
    incomplete: list[tuple[str, ExportFile]] = []
    strange: list[ExportFile] = []
    for as_found in files:
        head = as_found.head()
        file = with_line_ends(as_found, head)
        known = examine(file, options.columns, head if file is as_found else None)
        if options.format is not None:
            if (known is not None and known.format == options.format) or (known is None and could_be(file, options.format)):
                found.append((options.format, file))
            else:
                strange.append(file)
        elif known is None:
            strange.append(file)
        else:
            (found if known.complete else incomplete).append((known.format, file))
    if found:
        return found, [*strange, *(file for _, file in incomplete)]
    return incomplete, strange


def with_line_ends(file: ExportFile, head: bytes) -> ExportFile:
    """Return the file as one in UTF-16 without a mark, or with carriage returns for line ends, where its head says so."""
    encoding = unmarked_utf16(head) if b"\0" in head else None
    if encoding is not None:
        return replace(file, encoding=encoding)
    cr_only = b"\r" in head and b"\n" not in head and b"\0" not in head and not head.startswith((GZIP_MAGIC, b"PAR1", b"%PDF"))
    return replace(file, cr_only=True) if cr_only else file


def as_utf8(file: ExportFile, format_: str, log: ReadLog) -> ExportFile:
    """Return the file with the encoding of its text where that is not UTF-8, and say so."""
    if file.cr_only:
        log.warn(file.name, "its lines end with carriage returns, as on an old Macintosh: each was read as the end of a line")
    known = file.encoding or file.marked_encoding
    if known is None and format_ in _TEXTS:
        with file.open() as stream:
            known = legacy_encoding(stream)
        file = replace(file, encoding=known) if known is not None else file
        if known is not None:
            log.warn(file.name, f"the text is not UTF-8 but {known}, as far as its letters tell: letters beyond ASCII may be wrong")
    elif known is not None:
        log.warn(file.name, f"the text is {known.upper()}, and was read as such")
    return file


def warn_of_strange(path: Path, strange: list[ExportFile], log: ReadLog) -> None:
    """Name each file passed over that looks like a chat, and count the others."""
    others: list[ExportFile] = []
    named = 0
    for file in strange:
        look = looks_like(file) if file.head(1) else None
        if look is not None and look.chat and named < _NAMED:
            named += 1
            log.warn(file.name, f"passed over: it looks like {look.what}. {look.do}")
        else:
            others.append(file)
    if others:
        log.warn(str(path), f"{len(others)} file(s) passed over that are no chat export we know, such as {others[0].name}")


def nothing_found(path: Path, strange: list[ExportFile]) -> ExportError:
    """Return the error for a path at which there is no export."""
    if len(strange) == 1:
        return _not_known(strange[0])
    if not strange:
        return UnknownFormat("there is no file in it", where=str(path), do=_SEE)
    if path.is_file():
        look = looks_like(ExportFile(path))
        if look is not None and look.what != "an archive in an archive":
            return UnknownFormat(f"not a chat export that we know: it looks like {look.what}", where=str(path), do=look.do)
    looks = [(file, look) for file in strange[:_NAMED] if (look := looks_like(file)) is not None and look.chat]
    what = f"none of the {len(strange)} files is a chat export that we know"
    if looks:
        what += ": " + "; ".join(f"{file.location.name} looks like {look.what}" for file, look in looks[:3])
    return UnknownFormat(what, where=str(path), do=looks[0][1].do if looks else _SEE)


def _not_known(file: ExportFile) -> ExportError:
    if not file.head(1):
        return ExportError("the file is empty", where=file.name, do="Export the chat again")
    if is_archive(file) and file.member is not None:
        return ArchiveRefused("an archive in an archive is not opened", where=file.name, do="Unpack the outer one")
    look = looks_like(file)
    if look is None:
        return UnknownFormat("not a chat export that we know", where=file.name, do=_SEE)
    return UnknownFormat(f"not a chat export that we know: it looks like {look.what}", where=file.name, do=look.do)
