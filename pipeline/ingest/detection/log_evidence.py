"""Which program's text a file is, from all lines of its head: what share of them each grammar explains, and how the file begins.

A file that begins with a program's own line, which nobody in the chat can write, is that program's when some rows follow. Any other
is one only where nearly all of its lines are rows, days or notices of one program, and people speak in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.ingest.detection.text_evidence import has_headers, is_log
from pipeline.ingest.readers import (
    imessage_exporter_grammar,
    irc_grammar,
    kakaotalk_grammar,
    line_grammar,
    minecraft_grammar,
    roblox_grammar,
    twitch_grammar,
    viber_grammar,
)
from pipeline.ingest.readers.text_grammar import Aside, Day, Entry, TextFormat

_FORMATS: dict[str, TextFormat] = {
    "line": line_grammar.FORMAT,
    "kakaotalk": kakaotalk_grammar.FORMAT,
    "viber": viber_grammar.FORMAT,
    "imessage_exporter": imessage_exporter_grammar.FORMAT,
    "irc": irc_grammar.FORMAT,
    "minecraft": minecraft_grammar.FORMAT,
    "roblox": roblox_grammar.FORMAT,
    "twitch": twitch_grammar.FORMAT,
}

_CSV = {"kakaotalk": kakaotalk_grammar.is_csv, "viber": viber_grammar.is_csv}
_LINES = 400
_LEAST_OF_TITLED = 0.2
_LEAST = 0.6


@dataclass(frozen=True, slots=True)
class _Weight:
    """How well a grammar explains the lines of a head.

    ``titled``: the first line is a title of the program's. ``one_voice``: what stands where a name should is a program's part, and
    names stand within the words.
    """

    titled: bool
    share: float
    spoken: int
    rows: int
    one_voice: bool = False


def marked_format(text: str) -> str | None:
    """Return the format of a head that begins with a program's own line."""
    lines = _lines(text)
    if lines and imessage_exporter_grammar.begins(lines):
        return "imessage_exporter"
    return _best(lines, begins=True)


def unmarked_format(text: str) -> str | None:
    """Return the format of a head of rows alone."""
    lines = _lines(text)
    if line_grammar.is_spaced(lines):
        return "line"
    if minecraft_grammar.is_minecraft(text) and _weigh(lines, _FORMATS["minecraft"]).share >= _LEAST:
        return "minecraft"
    return _best(lines, begins=False)


def begins_with_row(text: str) -> bool:
    """Whether the first line is a row of some program's text: then its commas part no columns, whatever stands between them."""
    first = _lines(text)[:1]
    return any(has_headers(line) or any(isinstance(f.grammar().line(line), Entry) for f in _FORMATS.values()) for line in first)


def csv_format(text: str) -> str | None:
    """Return the program that writes such a CSV, of those whose chats are text too."""
    return next((name for name, is_csv in _CSV.items() if is_csv(text)), None)


def has_rows(text: str, format_: str) -> bool:
    """Whether some line begins a row of the format."""
    if format_ not in _FORMATS or text.lstrip().startswith("<") or (format_ in _CSV and _CSV[format_](text)):
        return True
    lines = _lines(text)
    return _weigh(lines, _FORMATS[format_]).rows > 0 or (format_ == "line" and line_grammar.is_spaced(lines))


def _lines(text: str) -> list[str]:
    """Return the lines that are not empty; the last one may be cut off."""
    lines = [line.removesuffix("\r") for line in text.split("\n", _LINES)[:_LINES]]
    return [line for line in lines if line.strip()]


def _best(lines: Sequence[str], *, begins: bool) -> str | None:
    formats = {name: format_ for name, format_ in _FORMATS.items() if _begins(lines, format_) == begins}
    weights = {name: _weigh(lines, format_) for name, format_ in formats.items()}
    fit = {
        name: weight
        for name, weight in weights.items()
        if weight.spoken and weight.share >= (_LEAST_OF_TITLED if weight.titled else _LEAST) and (begins or not weight.one_voice)
    }
    return max(fit, key=lambda name: (fit[name].share, fit[name].spoken)) if fit else None


def _begins(lines: Sequence[str], format_: TextFormat) -> bool:
    """Whether the first line is a title of the program's, or a day."""
    return bool(lines) and isinstance(format_.grammar().line(lines[0]), Aside | Day)


def _weigh(lines: Sequence[str], format_: TextFormat) -> _Weight:
    grammar = format_.grammar()
    parsed = [grammar.line(line) for line in lines]
    if not parsed:
        return _Weight(titled=False, share=0.0, spoken=0, rows=0)
    explained = sum(line is not None for line in parsed)
    rows = [line for line in parsed if isinstance(line, Entry)]
    spoken = [(row.speaker, ": ", row.text) for row in rows if row.speaker is not None]
    return _Weight(
        isinstance(parsed[0], Aside), explained / len(parsed), len(spoken), len(rows), is_log(spoken, names=format_.colon)
    )
