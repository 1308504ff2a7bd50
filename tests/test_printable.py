"""What a terminal obeys never reaches it from a name, an id or an error."""

from __future__ import annotations

import os

import pytest
from rich.table import Table
from rich.text import Text

from pipeline.cli.console import say, terminal
from pipeline.errors import ExportError
from pipeline.printable import printable, printable_lines

HOSTILE = "a\x1b[31mb\x07\x9b2J\u202ec\x7f\r\u2066"


def is_safe(text: str) -> bool:
    return not any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 or character in "\u202e\u2066" for character in text)


def test_what_a_terminal_obeys_is_shown_as_a_code() -> None:
    assert printable(HOSTILE) == "a\\x1b[31mb\\x07\\x9b2J\\u202ec\\x7f\\x0d\\u2066"
    assert printable(os.fsdecode(b"caf\xe9")) == "caf\\xe9"
    assert printable("line\nforged") == "line\\x0aforged"
    assert printable_lines("a\tb\n") == "a\tb\n"
    assert printable("Zoë \U0001f600 שלום") == "Zoë \U0001f600 שלום"


def test_an_error_shows_its_place_and_its_words_safely() -> None:
    error = ExportError(f"it is {HOSTILE}", where=f"{HOSTILE}\nforged:1", do=f"Mend {HOSTILE}")
    assert is_safe(str(error))


def test_neither_lines_nor_tables_pass_it_on(capsys: pytest.CaptureFixture[str]) -> None:
    say(HOSTILE)
    say(HOSTILE, error=True)
    console = terminal()
    table = Table(HOSTILE)
    table.add_row(Text(HOSTILE))
    console.print(table)
    console.print(f"[bold]{HOSTILE}[/]")
    console.print(Text.assemble(("warning ", "yellow"), HOSTILE))
    out, err = capsys.readouterr()
    assert "\\x1b[31m" in out
    assert all(is_safe(line) for line in (out + err).splitlines())
