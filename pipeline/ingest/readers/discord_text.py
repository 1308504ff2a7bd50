"""DiscordChatExporter's plain text, a channel a file.

::

    ==============================================================
    Guild: Direct Messages
    Channel: robin
    ==============================================================

    [13/02/2024 21:05] kim
    bread?

    {Attachments}
    https://…

Speakers are names, times are local. Two empty lines stand before each row but the first and those behind reactions. A line in
somebody's words that looks like a row is one only behind two empty lines; in a file without such rows, behind one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pipeline.errors import ExportError
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import DateOrder, ReadLog, ReadOptions
from pipeline.ingest.parsing.text_lines import decoded_lines
from pipeline.ingest.readers.discord_csv import channel_of, kind_of, reactions, written_time
from pipeline.ingest.times.written import date_orders, order_of
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Message, Source

_BANNER = re.compile(r"={20,}")
_HEADER = re.compile(r"\[([^\[\]]{6,40})\] (.+?)( \(pinned\))?")
_FIELD = re.compile(r"(Guild|Server|Channel|Topic|After|Before): ?(.*)")
_END = re.compile(r"Exported ([\d.,\s\u00a0\u202f']+) message\(s\)")
_SECTIONS = {"{Attachments}": "attachments", "{Embed}": "embeds", "{Stickers}": "stickers", "{Reactions}": "reactions"}


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the channel of a file.

    Raises
    ------
    ExportError
        When there is no row in it, or a time does not exist, with the line.
    """
    text = _Text(unit.file, options, log)
    id_, title = channel_of(unit.file)
    yield Conversation(
        conversation_id=id_,
        platform="discord",
        title=text.about.get("Channel") or title,
        meta={"guild": text.about["Guild"]} if "Guild" in text.about else {},
        messages=text.messages(),
    )


class _Text:
    """One file: what stands above its rows, how they are set apart, and the order of its dates."""

    def __init__(self, file: ExportFile, options: ReadOptions, log: ReadLog) -> None:
        self._file = file
        self._zone = options.timezone
        self._log = log
        self.about: dict[str, str] = {}
        evidence = date_orders()
        self._blanks = 0
        rows = empty = self._first = 0
        for number, line in decoded_lines(file):
            header = _HEADER.fullmatch(line)
            written = written_time(header[1]) if header is not None else None
            if written is not None and (empty > 0 or not rows):
                rows += 1
                self._first = self._first or number
                self._blanks = max(self._blanks, min(empty, 2) if rows > 1 else 0)
                evidence.add(written.header, number)
            elif not rows and (field := _FIELD.fullmatch(line)):
                self.about.setdefault("Guild" if field[1] == "Server" else field[1], field[2])
            empty = 0 if line else empty + 1
        if not rows:
            raise ExportError("there is no message in it", where=file.name, do="Export the channel again, as JSON")
        self._order: DateOrder = order_of(evidence, options.date_order, file.name)

    def messages(self) -> Iterator[Message]:
        """Yield the rows; warn where the file has no end, or says another number of them."""
        header: re.Match[str] | None = None
        lines: list[str] = []
        start = rows = empty = 0
        stated: int | None = None
        tail: list[str] = []
        for number, line in decoded_lines(self._file):
            tail = [*tail[-2:], line] if line else tail
            spaced = 2 if len(tail) > 2 and tail[-3] == "{Reactions}" else empty
            if empty and self._begins(line, number, spaced):
                if header is not None:
                    yield self._message(header, lines, start)
                header, lines, start, rows = _HEADER.fullmatch(line), [], number, rows + 1
            else:
                lines.append(line)
            empty = 0 if line else empty + 1
        end = _END.fullmatch(tail[-2]) if len(tail) > 2 and _BANNER.fullmatch(tail[-1]) and _BANNER.fullmatch(tail[-3]) else None
        if end is not None:
            stated = int(re.sub(r"\D", "", end[1]) or 0)
            while lines and lines.pop() != tail[-2]:
                pass
            lines = lines[:-1]
        if header is not None:
            yield self._message(header, lines, start)
        if stated is None:
            self._log.warn(self._file.name, "its last lines, which say how many messages there are, are missing: it may be cut off")
        elif stated != rows:
            self._log.warn(
                self._file.name, f"{rows:,} rows were read and {stated:,} exported: a line may look like a row's first one"
            )

    def _begins(self, line: str, number: int, empty: int) -> bool:
        if number < self._first or (number > self._first and empty < max(1, self._blanks)):
            return False
        header = _HEADER.fullmatch(line)
        return header is not None and written_time(header[1]) is not None

    def _message(self, header: re.Match[str], lines: list[str], line: int) -> Message:
        source = Source(self._file.name, line=line)
        written = written_time(header[1])
        moment = written.moment(self._order, self._zone) if written is not None else None
        if moment is None:
            raise ExportError("there is no such time", where=str(source), do="Check --date-order, or export as JSON")
        meta: dict[str, Any] = {"pinned": True} if header[3] else {}
        words = self._sections(lines, meta)
        text = "\n".join(words).rstrip("\n")
        kind = kind_of(text, media=any(key in meta for key in ("attachments", "stickers")) or ("embeds" in meta and not text))
        return Message(
            message_id=f"{self._file.sha256[:12]}:{line}",
            speaker=None if kind == "system" else header[2],
            timestamp=moment,
            text=text,
            kind=kind,
            source=source,
            meta=meta | ({"actor_id": header[2]} if kind == "system" else {}),
        )

    @staticmethod
    def _sections(lines: list[str], meta: dict[str, Any]) -> list[str]:
        """Return the lines of the words; what stands below them in braces goes to ``meta``."""
        words: list[str] = []
        key = None
        for place, line in enumerate(lines):
            if line in _SECTIONS and place > 0 and not lines[place - 1]:
                key = _SECTIONS[line]
                meta.setdefault(key, []).append([])
            elif key is None:
                words.append(line)
            elif line:
                meta[key][-1].append(line)
        for key in ("attachments", "stickers"):
            if key in meta:
                meta[key] = [line for part in meta[key] for line in part]
        if "embeds" in meta:
            meta["embeds"] = ["\n".join(part) for part in meta["embeds"]]
        if "reactions" in meta:
            joined = " ".join(line for part in meta["reactions"] for line in part)
            meta["reactions"] = list(reactions(re.findall(r"\S+(?: \(\d+\))?", joined)))
        return words
