"""Which text format a file is in, from all lines of its head: what each format's headers explain, its marks, its neighbours.

An export begins with a line of its own, which nobody in the chat can write; what anybody can write, a line that looks like another
program's, decides nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.readers.whatsapp_evidence import can_begin, header_of
from pipeline.ingest.readers.whatsapp_header import Header, Style
from pipeline.ingest.readers.whatsapp_rows import MARK, split_row

LEAST_SHARE = 0.2
"""A file whose first ten lines hold no header is a chat only where this share of its lines are headers."""

TIKTOK_BANNER = re.compile(r">>> ?(?P<title>(?:Chat History with|Group Chat\b)[^\r\n]*?):*[ \t]*(?=\r?\n|\Z)")
"""The line that each chat of TikTok's text begins with."""

_FIRST_LINES = 10
_MOST = 0.6
_SIGNAL = re.compile(r"\[\d{4}-\d{2}-\d{2}(?P<comma>,?) \d{2}:\d{2}(?P<seconds>:\d{2})?\] [^\n:]+:")
_DISCORD_BANNER = re.compile(r"={20,}\r?\n(?:Guild|Server): ")
_PART = re.compile(r"[\[<(].{1,60}[\]>)]")
_WORD_OF_LEVEL = re.compile(r"\b(?:INFO|WARN|WARNING|ERROR|DEBUG|TRACE|FATAL|NOTICE|STDOUT|STDERR)\b")
_LEVEL = re.compile(rf"{_PART.pattern}|.{{0,30}}{_WORD_OF_LEVEL.pattern}")
_ANGLED = re.compile(r"<[^<>]{1,40}>(?: | ?\S|$)")
_NAMED_WITHIN = re.compile(rf"{_ANGLED.pattern}|[\w.\- ]{{1,30}}: \S")


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    header: Header | None
    after_blank: bool


def is_discord_text(text: str) -> bool:
    """Whether the text is DiscordChatExporter's, which begins with a banner."""
    return _DISCORD_BANNER.match(text) is not None


def has_headers(text: str) -> bool:
    """Whether some line is a header."""
    return any(line.header is not None for line in _lines(text))


def text_format(text: str, file: ExportFile) -> str | None:
    """Return ``whatsapp`` or ``signal``, or ``None`` where the lines of the head are neither's."""
    lines = _lines(text)
    if not lines or is_discord_text(text):
        return None
    style = _style(lines)
    if style is None:
        return None
    headed = [line for line in lines if line.header is not None and line.header.style == style]
    if style.form == "bracket" and style.year_first and _is_signal(headed, file, text):
        rows = [line.text[line.header.end :].partition(": ") for line in headed if line.header]
        spaced = file.location.suffix == ".md" and all(line.after_blank for line in headed)
        return None if is_log(rows, names=spaced) else "signal"
    return "whatsapp" if _speaks(headed, style, text, file) else None


def _lines(text: str) -> list[_Line]:
    r"""Return the lines that are not empty; only ``\n`` ends one, for a message may hold any other break."""
    parsed: list[_Line] = []
    blank = True
    for line in text.split("\n"):
        bare = line.removesuffix("\r")
        if bare.strip():
            header = header_of(bare) if can_begin(bare) else None
            known = header if header is not None and header.clock is not None else None
            parsed.append(_Line(bare, known, after_blank=blank))
        blank = not bare.strip()
    return parsed


def _style(lines: Sequence[_Line]) -> Style | None:
    """Return the style of the file's own headers: the first line's, else that of most, if they are enough."""
    if lines[0].header is not None:
        return lines[0].header.style
    styles = Counter(line.header.style for line in lines if line.header is not None)
    if not styles:
        return None
    style, count = styles.most_common(1)[0]
    early = any(line.header is not None and line.header.style == style for line in lines[:_FIRST_LINES])
    return style if early or count >= LEAST_SHARE * len(lines) else None


def _is_signal(headed: Sequence[_Line], file: ExportFile, text: str) -> bool:
    """Weigh what tells signal-export's Markdown from a WhatsApp export of a phone that writes ISO dates."""
    name = file.location.name.casefold()
    known = [match for line in headed if (match := _SIGNAL.match(line.text)) is not None]
    if not known:
        return False
    signal = 3 * name.endswith(".md") + 2 * all(line.after_blank for line in headed)
    signal += 2 * any(file.sibling(other) is not None for other in ("data.json", "index.html"))
    whatsapp = 3 * any(line.text.startswith(MARK) or f": {MARK}" in line.text for line in headed)
    whatsapp += 3 * all(match["comma"] and match["seconds"] for match in known)
    whatsapp += 3 * (name == "_chat.txt" or name.startswith("whatsapp ")) + name.endswith(".txt")
    return len(known) > _MOST * len(headed) and signal > whatsapp


def _speaks(headed: Sequence[_Line], style: Style, text: str, file: ExportFile) -> bool:
    """Whether the rows are people's, as far as the head tells: not a log's, and not without any name."""
    name = file.location.name.casefold()
    if MARK in text or name == "_chat.txt" or name.startswith("whatsapp "):
        return True
    rows = [split_row(line.text[line.header.end :]) for line in headed if line.header is not None]
    spoken = [(row.speaker, row.text) for row in rows if row.speaker is not None]
    if style.form == "bracket" and len(spoken) < (1 - _MOST) * len(rows):
        return False
    return not is_log([(speaker, ": ", words) for speaker, words in spoken], names=not style.year_first, dash=style.form == "dash")


def is_log(rows: Sequence[tuple[str, str, str]], *, names: bool = False, dash: bool = False) -> bool:
    """Whether what stands where a name should is a program's part, and the names stand within the text, if anywhere.

    ``names``: few logs write their times so, and what stands in brackets may be a name that a person chose. ``dash``: a phone wrote
    the headers, and a word before a colon is no name.
    """
    if names:
        rows = [row for row in rows if not _PART.fullmatch(row[0]) or _NAMED_WITHIN.match(row[2]) or _WORD_OF_LEVEL.search(row[0])]
    if len(rows) < 2:
        return bool(rows) and _LEVEL.fullmatch(rows[0][0]) is not None and _NAMED_WITHIN.match(rows[0][2]) is not None
    if sum(_LEVEL.fullmatch(speaker) is not None for speaker, _, _ in rows) > _MOST * len(rows):
        return True
    within = sum((_ANGLED if dash else _NAMED_WITHIN).match(words) is not None for _, _, words in rows)
    return len({speaker for speaker, _, _ in rows}) == 1 and within > 0.8 * len(rows)
