"""Write the reference pages that follow from the code: commands, columns, errors, exit codes. `make docs` runs it, a test compares.

::

    python docs/generate.py            # write docs/reference/*.md
    python docs/generate.py --check    # end with 1 where a page is not what the code says
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer
from benchmark import benchmark

import pipeline.errors
from evaluation.functional import VERSION
from evaluation.functional.cases import read_cases
from pipeline.cli.exit_codes import MEANINGS
from pipeline.cli.main import app
from pipeline.config import Taxonomy, load_settings
from pipeline.results import conversations_schema, scores_schema

ROOT = Path(__file__).parent.parent
REFERENCE = Path(__file__).parent / "reference"
NOTE = "<!-- Written by docs/generate.py from the code. Change the code, then run `make docs`. -->\n\n"

MEANING = {
    "conversation_id": "The conversation. In both files; with `message_id` the key of every row.",
    "message_id": "The row in its conversation: the platform's own id, or one made from its place.",
    "position": "The row's number in the conversation, from 1.",
    "speaker_slot": "The speaker as a letter (`A`, `B`, …). Null for system lines.",
    "speaker": "The speaker's name as the export has it, with `--text include`; its SHA-256 with `hash`; null with `omit`.",
    "kind": "`message`, `media`, `system` or `deleted`.",
    "timestamp": "ISO 8601 text. It has an offset where the export or `--timezone` says the zone.",
    "text": "The words, with `--text include`; their SHA-256 with `hash`; null with `omit`.",
    "risk": "In `scores.parquet`: the conversation's running risk after this row. In `conversations.parquet`: the highest of them. "
    "0 to 1, on a scale of even odds.",
    "speaker_risk": "The running risk of this row's speaker after this row, 0 to 1. Null for system lines.",
    "words": "Stretches of the text that carried the strongest signs of a flagged conversation: `start` and `end` in characters, "
    "and `weight`, the share of the sign. `--explain` says of how many signs of a conversation.",
    "cues": "Phrases of the taxonomy's indicators that stand in a flagged message. No score depends on them.",
    "skipped": "True where the prefilter alone read the conversation. There are no stages then, and the risk is the prefilter's.",
    "source_file": "The file that the row came from; `archive!/member` in an archive, an address where it was read from one.",
    "source_line": "The line in that file, from 1. Null where the format has no lines.",
    "source_row": "The row in that file, from 1. Null where the format has no rows.",
    "meta": "What else the export says of the row, as JSON. With `--text include` alone.",
    "platform": "The platform, as the format says it.",
    "title": "The conversation's title, under the same rule as `text`.",
    "messages": "How many rows it has.",
    "speakers": "How many speakers it has.",
    "first_timestamp": "The time of the first row that has one.",
    "last_timestamp": "The time of the last row that has one.",
    "risk_position": "The `position` at which `risk` was first reached. Null where the risk is 0.",
    "risk_slot": "The `speaker_slot` of that row.",
    "facts": "What a message of a flagged conversation names out of closed lists, such as `day:friday`. No words of the chat; kept "
    "whatever `--text` says.",
    "why": "JSON on the rows where the risk jumped: which stages, words and earlier messages made it jump. Kept whatever `--text` says.",
    "severity": "How urgent a flagged conversation is: `low`, `medium`, `high` or `imminent`. As of the thresholds of the run.",
    "summary": "One English sentence on a flagged conversation, composed by rule from its signs.",
    "summary_facts": "What the sentence names, as JSON.",
    "fingerprint": "A hash of what the model read, by which `--since` knows what has changed.",
}
STAGE = "The calibrated probability that the language of {name} is in the row, 0 to 1; in `conversations.parquet` the highest of any row."


def pages() -> dict[str, str]:
    """Return the text of each generated page by its file name."""
    return {
        "cli.md": NOTE + "\n".join(_cli()),
        "columns.md": NOTE + "\n".join(_columns()),
        "errors.md": NOTE + "\n".join(_errors()),
        "exit-codes.md": NOTE + "\n".join(_exit_codes()),
        "functional-suite.md": NOTE + "\n".join(_suite()),
        "../explanation/benchmark.md": NOTE + "\n".join(benchmark(ROOT / "models" / "default")),
    }


def commands() -> Iterator[tuple[str, Any]]:
    """Yield every command with its full name, such as ``safelight corpus check``."""
    yield from _commands("safelight", typer.main.get_command(app))


def _commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    listed = getattr(command, "commands", None)
    if listed is None:
        yield name, command
        return
    if getattr(command, "invoke_without_command", False):
        yield name, command
    for key in sorted(listed):
        yield from _commands(f"{name} {key}", listed[key])


def help_of(name: str, command: Any) -> str:
    """Return what ``--help`` prints, 100 columns wide."""
    width = 100
    context = command.make_context(name, [], terminal_width=width, max_content_width=width, resilient_parsing=True)
    return command.get_help(context).rstrip()


def _cli() -> Iterator[str]:
    yield "# Commands\n"
    yield "What `--help` prints, for every command. `safelight COMMAND --help` prints the same.\n"
    for name, command in commands():
        yield f"## {name}\n"
        yield f"```text\n{help_of(name, command)}\n```\n"
        arguments = [argument for argument in command.params if getattr(argument, "param_type_name", "") == "argument"]
        for argument in arguments:
            words = getattr(argument, "help", None)
            if words:
                yield f"`{(argument.name or '').upper()}`: {words}\n"


def _columns() -> Iterator[str]:
    stages = load_settings(ROOT / "configs" / "taxonomy.toml", Taxonomy).stages
    keys = [stage.key for stage in stages]
    meaning: dict[str, str] = {**MEANING, **{f"stage_{stage.key}": STAGE.format(name=stage.name) for stage in stages}}
    yield "# Columns of the results\n"
    yield "One `stage_…` column for each stage of the model's taxonomy; below are those of the shipped one.\n"
    schemas: list[tuple[str, str, Callable[..., object]]] = [
        ("scores.parquet", "a row for each row of the exports", scores_schema),
        ("conversations.parquet", "a row for each conversation", conversations_schema),
    ]
    for file, what, schema in schemas:
        yield f"## {file}\n\n{what.capitalize()}.\n"
        yield "| column | type | what it is |\n|---|---|---|"
        for field in schema(keys):  # type: ignore[attr-defined]
            kind = str(field.type).replace("struct<", "struct&lt;").replace("<", "&lt;").replace(">", "&gt;")
            yield f"| `{field.name}` | {kind} | {meaning[field.name]} |"
        yield ""


def _errors() -> Iterator[str]:
    yield "# Errors\n"
    yield (
        "Every error that a user can mend is one line on standard error: where (`file:line`), what happened, what to do. It never\n"
        "holds the text of a message. In Python, `what`, `where` and `do` are attributes of the exception.\n"
    )
    yield "| exception | kind of | when | exit code |\n|---|---|---|---|"
    for name in sorted(pipeline.errors.__all__):
        kind = getattr(pipeline.errors, name)
        parent = kind.__mro__[1].__name__
        when = (inspect.getdoc(kind) or "").splitlines()[0]
        code = 3 if issubclass(kind, pipeline.errors.Unfinished) else 2
        yield f"| `{name}` | `{parent}` | {when} | {code} |"
    yield ""


def _exit_codes() -> Iterator[str]:
    yield "# Exit codes\n"
    yield "The same for every command.\n"
    yield "| code | what it means |\n|---|---|"
    for code, meaning in MEANINGS.items():
        yield f"| {code.value} | {meaning} |"
    yield ""


def _suite() -> Iterator[str]:
    yield "# The functional suite\n"
    yield (ROOT / "evaluation" / "functional" / "README.md").read_text("utf-8").partition("\n\n")[2]
    yield f"This is version {VERSION}. `safelight evaluate suite --model models/default` runs it.\n"
    functionalities = {case.functionality.id: case.functionality for case in read_cases()}.values()
    yield "| functionality | what it asks | expected |\n|---|---|---|"
    for functionality in functionalities:
        yield f"| `{functionality.id}` | {functionality.what} | {functionality.expected} |"
    yield ""


def main() -> None:
    """Write the pages, or with ``--check`` compare them."""
    checking = "--check" in sys.argv[1:]
    changed = [name for name, text in pages().items() if not _is(REFERENCE / name, text)]
    for name in changed:
        if not checking:
            (REFERENCE / name).write_text(pages()[name], "utf-8")
    if checking and changed:
        sys.exit(f"not what the code says: {', '.join(changed)}; run `make docs`")


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text("utf-8") == text


if __name__ == "__main__":
    main()
