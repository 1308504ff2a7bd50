"""From paths to conversations: find the files, tell their formats, hand each unit to its reader."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TypeVar

from pipeline.errors import ExportError
from pipeline.ingest.columns import MessagePieces, Piece, pieces_of
from pipeline.ingest.detection.choose import as_utf8, choose, nothing_found, tell_strange
from pipeline.ingest.detection.detect import FORMATS
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.files.find import FileFinder
from pipeline.ingest.files.shown import shown
from pipeline.ingest.merge.plan import Merged, Parted, plan_merges, read_merged, read_parted
from pipeline.ingest.options import ReadExport, ReadLog, ReadOptions, Unread
from pipeline.ingest.units import Unit, group_units
from pipeline.printable import printable
from pipeline.schema import Conversation, Message

Item = TypeVar("Item")
_UNFORESEEN = (ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError)
"""What a reader raises on damage that it does not expect. None of their texts is shown, for they may quote a message."""

Reader = Callable[[Unit, ReadOptions, ReadLog], Iterator[Conversation]]


def read_conversations(paths: Iterable[Path], options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield every conversation of every export at ``paths``, in order; count rows and collect warnings in ``log``.

    Each conversation's ``messages`` is a one-shot iterator: use it before asking for the next conversation. Ids are unique in
    a run: a conversation id met again gets a suffix, and a file with the same bytes as an earlier one is read once.

    Raises
    ------
    ExportError
        When an export cannot be read whole, with the file and line.
    """
    seen_ids: dict[str, int] = {}
    for unit in merge_units(list(open_units(paths, options, log)), options, log):
        for conversation in read_unit(unit, options, log):
            identity = unique_id(conversation.conversation_id, seen_ids, unit.name, log)
            yield conversation if identity == conversation.conversation_id else replace(conversation, conversation_id=identity)


def open_units(paths: Iterable[Path], options: ReadOptions, log: ReadLog) -> Iterator[Unit]:
    """Yield the units at ``paths`` in order, each once: one of the same bytes as an earlier one is passed over with a warning.

    Raises
    ------
    ExportError
        When there is nothing to read at any path. A path or file among others that cannot be read is kept in ``log.failed``.
    """
    seen: dict[str, str] = {}
    paths = list(paths)
    for path in paths:
        try:
            units = find_units(path, options, log)
        except ExportError as error:
            if len(paths) == 1:
                raise
            log.failed.append(Unread(printable(shown(path)), str(error)))
            continue
        for unit in units:
            try:
                twin = seen.setdefault(unit.sha256, unit.name)
            except ExportError as error:
                log.failed.append(Unread(printable(unit.name), str(error)))
                continue
            if twin != unit.name:
                log.warn(unit.name, f"the same bytes as {twin}: read once")
                continue
            log.exports.append(ReadExport(unit.name, unit.format, unit.sha256))
            yield unit
    if not seen and log.failed:
        raise ExportError(f"none of the exports can be read, the first because: {log.failed[0].reason.removesuffix('.')}")


def merge_units(units: Sequence[Unit], options: ReadOptions, log: ReadLog) -> Sequence[Unit]:
    """Return the units with each chat that stands in several of them as one, as ``options.merge`` says; see `ingest.merge`.

    What was merged is kept in ``log``, and so is a warning for each pair that may be one chat and is kept apart.
    """
    plan = plan_merges(units, options, log)
    log.merged += plan.merged
    return plan.units


def read_unit(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the conversations of one unit with their ids as they stand there; count rows in ``log``."""
    for conversation in conversations_of(unit, options, log):
        yield _with(conversation, lambda pieces: _counted(pieces, unit.name, log))


def unique_id(conversation_id: str, seen: dict[str, int], name: str, log: ReadLog) -> str:
    """Return the id, or with a suffix and a warning where it was met before."""
    count = seen[conversation_id] = seen.get(conversation_id, 0) + 1
    if count == 1:
        return conversation_id
    renamed = f"{conversation_id}~{count}"
    log.warn(name, f"conversation id met before in this run: kept apart as {renamed}")
    return renamed


def conversations_of(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the conversations of one unit; its rows are not counted.

    Raises
    ------
    ExportError
        When the unit cannot be read whole; also where its reader did not foresee the damage.
    """
    if isinstance(unit, Merged):
        return read_merged(unit, options, log)
    read: Reader = FORMATS[unit.format].load().read
    conversations = _foreseen(read(unit, options, log), unit.name)
    conversations = (_with(conversation, lambda pieces: _foreseen(pieces, unit.name)) for conversation in conversations)
    return read_parted(unit, conversations) if isinstance(unit, Parted) else conversations


def _with(conversation: Conversation, wrapped: Callable[[Iterable[Piece]], Iterator[Piece]]) -> Conversation:
    """Return a conversation whose messages pass through a function as they are read, in the pieces that they come in."""
    return replace(conversation, messages=MessagePieces(wrapped(pieces_of(conversation.messages))))


def _foreseen(items: Iterable[Item], name: str) -> Iterator[Item]:
    try:
        yield from items
    except _UNFORESEEN as error:
        raise ExportError(
            f"the reader does not understand what stands there ({type(error).__name__})",
            where=name,
            do="Export it again; if it stays so, tell us how the export was made",
        ) from error


def _counted(pieces: Iterable[Piece], name: str, log: ReadLog) -> Iterator[Piece]:
    spoken = some = False
    for piece in pieces:
        some = True
        if isinstance(piece, Message):
            log.kinds[piece.kind] += 1
            spoken = spoken or piece.speaker is not None
        else:
            log.kinds.update(piece.kinds())
            spoken = spoken or piece.has_speaker()
        yield piece
    if some and not spoken:
        log.warn(name, "nobody speaks in a conversation of it: check that the format is right")


def find_units(path: Path, options: ReadOptions, log: ReadLog) -> list[Unit]:
    """Return the exports at a path: what one reader reads at a time. Files that are none are named in ``log``.

    Raises
    ------
    UnknownFormat
        When nothing at the path is a chat export that we read.
    """
    finder = FileFinder(options.max_member_bytes, options.follow_links)
    files = list(finder.find(path))
    choice = choose(files, options)
    choice.refused[:0] = finder.refused
    if not choice.found:
        raise nothing_found(path, choice)
    log.failed += [Unread(file.name, str(file.error)) for file in choice.refused]
    log.passed_over += [Unread(name, "hidden") for name in finder.hidden]
    log.passed_over += [Unread(printable(str(link)), "a link out of the folder") for link in finder.links]
    if finder.links:
        count, such = len(finder.links), finder.links[0]
        log.warn(shown(path), f"{count} link(s) out of the folder not followed, such as {such}: --follow-links follows them")
    companions = _companions(choice.found)
    strange = [file for file in choice.strange if not _belongs(file.file, companions)]
    tell_strange(path, strange, choice.found, log)
    return group_units(_readable(choice.found, log))


def _readable(files: list[tuple[str, ExportFile]], log: ReadLog) -> Iterator[tuple[str, ExportFile]]:
    for format_, file in files:
        try:
            yield format_, as_utf8(file, format_, log)
        except ExportError as error:
            if len(files) == 1:
                raise
            log.failed.append(Unread(printable(file.name), str(error)))


def _companions(files: list[tuple[str, ExportFile]]) -> set[tuple[PurePosixPath, str]]:
    """Return the places of files that lie beside an export as a part of it that is not read alone: folder and name."""
    folders = {(format_, file.location.parent) for format_, file in files if FORMATS[format_].companions}
    return {
        (place, name) for format_, folder in folders for place in (folder, folder.parent) for name in FORMATS[format_].companions
    }


def _belongs(file: ExportFile, companions: set[tuple[PurePosixPath, str]]) -> bool:
    return (file.location.parent, file.location.name) in companions
