"""LINE, as the phones and the computer write a chat's history: a title, a line a day, and rows of time, name and words.

::

    [LINE] Chat history with Robin            [LINE] Robinとのトーク履歴, [LINE] 與Robin的聊天記錄, …
    Saved on: 2024/02/14 08:00

    2024/02/13(火)                            Tue, 02/13/2024; 2024/02/13（週二）; 2024.02.13 火曜日
    21:05<TAB>Robin<TAB>words                 午後9:05, 下午09:05, 09:05PM
    21:06<TAB><TAB>Robin unsent a message.    a notice has no name

A text of several lines stands in quotation marks, which are taken off; a line within it that looks like a row is one, for a person
could else hide rows by typing a quotation mark. Times are the phone's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.text_lines import decoded_lines
from pipeline.ingest.readers.line_grammar import FORMAT, ROW, SPACED, LineGrammar, names_of
from pipeline.ingest.readers.text_log import read_text
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation

_PC_NOTE = "LINE on a computer writes no mark between a name and the words: a name of several words may be cut"


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the one conversation of a file.

    Raises
    ------
    ExportError
        When a line is not UTF-8, or no line begins a message.
    AmbiguousDateOrder
        When nothing tells day from month.
    """
    file = unit.file
    tabs = any(ROW.fullmatch(text) for _, text in decoded_lines(file))
    if line := _row_within_quotes(decoded_lines(file)):
        what = "a row stands between quotation marks, which LINE sets around a text of several lines: it may be forged"
        log.warn(f"{file.name}:{line}", what)
    if tabs or not any(SPACED.fullmatch(text) for _, text in decoded_lines(file)):
        yield read_text(file, FORMAT, options, log)
        return
    names = names_of(text for _, text in decoded_lines(file))
    log.warn(file.name, _PC_NOTE)
    yield read_text(file, replace(FORMAT, grammar=lambda: LineGrammar(names)), options, log)


def _row_within_quotes(lines: Iterable[tuple[int, str]]) -> int | None:
    """Return the line of the first row that stands within a quoted text; a mark that nothing closes quotes none."""
    opened = False
    row = 0
    for number, text in lines:
        if match := ROW.fullmatch(text):
            row = row or number if opened else 0
            words = match["text"]
            opened = opened or (words.startswith('"') and (len(words) == 1 or not words.endswith('"')))
        elif opened and text.endswith('"'):
            if row:
                return row
            opened = False
    return None
