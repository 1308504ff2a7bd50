"""Exit codes of every command. `docs/reference/exit-codes.md` lists them; a test compares the two."""

from __future__ import annotations

from enum import IntEnum

import typer

from pipeline.errors import SafelightError, Unfinished


class ExitCode(IntEnum):
    """What a command's exit code means."""

    OK = 0
    FOUND = 1
    ERROR = 2
    NOT_WHOLE = 3


MEANINGS = {
    ExitCode.OK: "All was done.",
    ExitCode.FOUND: "A check found something: problems in a corpus, a changed file in a pack, a broken audit log. Also: somebody "
    "pressed Ctrl-C.",
    ExitCode.ERROR: "Nothing was done: an option, a path, an export, a model or a corpus is not usable. One line on standard error "
    "says what, where and what to do.",
    ExitCode.NOT_WHOLE: "The results are there and something is missing: an export or a conversation could not be read (`failed` "
    "in `run.json`), with `--strict` a file was passed over, or the run ended early and goes on when it is run again.",
}


def exit_code_of(error: SafelightError) -> ExitCode:
    """Return the exit code for an error."""
    return ExitCode.NOT_WHOLE if isinstance(error, Unfinished) else ExitCode.ERROR


def end(*, not_whole: bool) -> None:
    """End with 3 where something was not read that should have been."""
    if not_whole:
        raise typer.Exit(ExitCode.NOT_WHOLE)
