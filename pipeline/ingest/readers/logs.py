"""Logs of IRC, Minecraft, Roblox and Twitch: a row a line, with times of the day, and the day above them or in the file's name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import PurePosixPath

from pipeline.ingest.addresses import UNKNOWN
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.readers import irc_grammar, minecraft_grammar, roblox_grammar, twitch_grammar
from pipeline.ingest.readers.text_grammar import TextFormat
from pipeline.ingest.readers.text_log import read_text
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Message

_DAY = re.compile(r"(?<!\d)(?P<year>20\d{2})[-_.]?(?P<month>\d{2})[-_.]?(?P<day>\d{2})(?!\d)")
_ENDS = re.compile(r"[\W_]+\Z")
_FORMATS: dict[str, TextFormat] = {
    "irc": irc_grammar.FORMAT,
    "minecraft": minecraft_grammar.FORMAT,
    "roblox": roblox_grammar.FORMAT,
    "twitch": twitch_grammar.FORMAT,
}


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the one conversation of a file.

    Raises
    ------
    ExportError
        When a line is not UTF-8, or none is a row of the format.
    """
    file = unit.file
    day, title = _named(file)
    conversation = read_text(file, _FORMATS[unit.format], options, log, day=day, title=title)
    yield replace(conversation, messages=_told(conversation.messages, file.name, log))


def _told(messages: Iterable[Message], name: str, log: ReadLog) -> Iterator[Message]:
    """Yield the messages, and say how many there were whose sender the log does not name."""
    unnamed = 0
    for message in messages:
        unnamed += message.speaker == UNKNOWN
        yield message
    if unnamed:
        log.warn(name, f"the log does not say who wrote {unnamed:,} message(s): they are read as of one speaker, {UNKNOWN}")


def _named(file: ExportFile) -> tuple[date | None, str]:
    """Return the day in the file's name, and the name without it."""
    stem = PurePosixPath(file.member or file.path.name).stem
    match = _DAY.search(stem)
    try:
        day = date(int(match["year"]), int(match["month"]), int(match["day"])) if match else None
    except ValueError:
        return None, stem
    return day, (_ENDS.sub("", stem[: match.start()]) or stem) if match else stem
