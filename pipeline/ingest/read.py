"""From paths to conversations: find the files, tell their formats, hand each unit to its reader."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.ingest.choose import as_utf8, choose, nothing_found, warn_of_strange
from pipeline.ingest.detect import FORMATS
from pipeline.ingest.files import ExportFile, find_files
from pipeline.ingest.merge.plan import Merged, Parted, plan_merges, read_merged, read_parted
from pipeline.ingest.options import ReadExport, ReadLog, ReadOptions
from pipeline.ingest.units import Unit, group_units
from pipeline.schema import Conversation, Message

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
            own = unique_id(conversation.conversation_id, seen_ids, unit.name, log)
            yield conversation if own == conversation.conversation_id else replace(conversation, conversation_id=own)


def open_units(paths: Iterable[Path], options: ReadOptions, log: ReadLog) -> Iterator[Unit]:
    """Yield the units at ``paths`` in order, each once: one of the same bytes as an earlier one is passed over with a warning.

    Raises
    ------
    ExportError
        When there is nothing to read at a path, or a file cannot be opened.
    """
    seen: dict[str, str] = {}
    for path in paths:
        for unit in find_units(path, options, log):
            twin = seen.setdefault(unit.sha256, unit.name)
            if twin != unit.name:
                log.warn(unit.name, f"the same bytes as {twin}: read once")
                continue
            log.exports.append(ReadExport(unit.name, unit.format, unit.sha256))
            yield unit


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
        yield replace(conversation, messages=_counted(conversation.messages, unit.name, log))


def unique_id(conversation_id: str, seen: dict[str, int], name: str, log: ReadLog) -> str:
    """Return the id, or with a suffix and a warning where it was met before."""
    count = seen[conversation_id] = seen.get(conversation_id, 0) + 1
    if count == 1:
        return conversation_id
    renamed = f"{conversation_id}~{count}"
    log.warn(name, f"conversation id met before in this run: kept apart as {renamed}")
    return renamed


def conversations_of(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the conversations of one unit; its rows are not counted."""
    if isinstance(unit, Merged):
        return read_merged(unit, options, log)
    read: Reader = importlib.import_module(FORMATS[unit.format].module).read
    conversations = read(unit, options, log)
    return read_parted(unit, conversations) if isinstance(unit, Parted) else conversations


def _counted(messages: Iterable[Message], name: str, log: ReadLog) -> Iterator[Message]:
    spoken = some = False
    for message in messages:
        log.kinds[message.kind] += 1
        some = True
        spoken = spoken or message.speaker is not None
        yield message
    if some and not spoken:
        log.warn(name, "nobody speaks in a conversation of it: check that the format is right")


def find_units(path: Path, options: ReadOptions, log: ReadLog) -> list[Unit]:
    """Return the exports at a path: what one reader reads at a time.

    Raises
    ------
    UnknownFormat
        When nothing at the path is a chat export that we read. Files beside one are passed over with a warning.
    """
    files = list(find_files(path, max_member_bytes=options.max_member_bytes))
    found, strange = choose(files, options)
    if not found:
        raise nothing_found(path, strange)
    strange = [file for file in strange if not _belongs(file, found)]
    if strange:
        warn_of_strange(path, strange, log)
    return group_units((format_, as_utf8(file, format_, log)) for format_, file in found)


def _belongs(file: ExportFile, found: list[tuple[str, ExportFile]]) -> bool:
    """Whether a file lies beside an export as a part of it that is not read alone."""
    name, folder = file.location.name, file.location.parent
    return any(
        name in FORMATS[format_].companions and folder in (other.location.parent, other.location.parent.parent)
        for format_, other in found
        if FORMATS[format_].companions
    )
