"""What the first reading of a text finds: the order of day and month, and what the grammar does not explain."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.errors import ExportError
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog
from pipeline.ingest.parsing.text_ends import BOM, CUT_OFF, JOINED, begins_alike
from pipeline.ingest.parsing.text_lines import decoded_lines
from pipeline.ingest.readers.header_evidence import HeaderEvidence
from pipeline.ingest.readers.text_grammar import Aside, Day, Entry, TextFormat
from pipeline.ingest.readers.whatsapp_evidence import Lines
from pipeline.ingest.readers.whatsapp_names import ColonNames


@dataclass(slots=True)
class Survey:
    """What the first reading found."""

    dates: HeaderEvidence = field(default_factory=HeaderEvidence)
    entries: int = 0
    lines: int = 0
    others: Lines = field(default_factory=Lines)
    asides: dict[str, str] = field(default_factory=dict)
    joined: Lines = field(default_factory=Lines)
    cut: int = 0
    names: ColonNames = field(default_factory=ColonNames)
    _behind_blank: int = 0

    @property
    def spaced(self) -> bool:
        """Whether a blank line stands before most rows."""
        return self._behind_blank * 2 > self.entries

    def add_entry(self, entry: Entry, number: int, *, behind_blank: bool) -> None:
        """Take in the begin of a row."""
        self.entries += 1
        self._behind_blank += behind_blank
        if entry.written is not None:
            self.dates.add(entry.written.header, number)

    def warn(self, name: str, log: ReadLog) -> None:
        """Say where several exports were joined, and that the file may be cut off."""
        if self.joined.count:
            log.warn(f"{name}:{self.joined.first}", JOINED)
        if (note := self.names.note()) is not None:
            log.warn(name, note)
        if self.cut:
            log.warn(f"{name}:{self.cut}", CUT_OFF)


def survey(file: ExportFile, format_: TextFormat) -> Survey:
    """Read a file once.

    Raises
    ------
    ExportError
        When a line is not UTF-8, or no line begins a row.
    """
    result = Survey()
    grammar = format_.grammar()
    blank, row, text, line = True, "", "", None
    number = 0
    for number, whole in decoded_lines(file):
        if not whole.strip():
            blank = True
            continue
        result.lines += 1
        text = whole.removeprefix(BOM)
        if number > 1 and text is not whole:
            grammar = format_.grammar()
        line = grammar.line(text)
        if number > 1 and text is not whole and line is not None:
            result.joined.add(number)
        if isinstance(line, Entry):
            result.add_entry(line, number, behind_blank=blank)
            row = text
            if format_.colon and line.speaker is not None and result.names.left:
                result.names.add(f"{line.speaker}: {line.text}")
        elif isinstance(line, Day):
            result.dates.add(line.written.header, number)
        elif isinstance(line, Aside):
            result.asides.setdefault(line.name, line.value)
        else:
            result.others.add(number)
        blank = False
    if line is None and begins_alike(text, row):
        result.cut = number
    if not result.entries:
        raise ExportError(
            f"none of the {result.lines:,} lines begins a message of {format_.name}",
            where=f"{file.name}:{result.others.first}" if result.others.count else file.name,
            do=format_.do,
        )
    return result
