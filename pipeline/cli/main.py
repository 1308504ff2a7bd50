"""The command line: thin commands over the functions of the same names."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from pipeline.cli.case import app as case_app
from pipeline.cli.console import say
from pipeline.cli.corpus import app as corpus_app
from pipeline.cli.evaluate import add_commands
from pipeline.cli.exit_codes import end, exit_code_of
from pipeline.cli.link import app as link_app
from pipeline.cli.model_options import NAME_OR_PATH
from pipeline.cli.pack import app as pack_app
from pipeline.cli.practice import app as practice_app
from pipeline.cli.read_options import (
    DEFAULT_MEMBER_BYTES,
    ColumnOption,
    DateOrderOption,
    FormatOption,
    LinksOption,
    MemberOption,
    MergeOption,
    OverwriteOption,
    Paths,
    StrictOption,
    TimezoneOption,
    read_columns,
    read_options,
)
from pipeline.cli.retention import app as retention_app
from pipeline.cli.review import app as review_app
from pipeline.cli.score import score
from pipeline.cli.serve import add_commands as add_serving
from pipeline.errors import SafelightError
from pipeline.package_data import config_path

app = typer.Typer(
    name="safelight",
    help="Finds the language of grooming stages in chat exports. It orders what a person should read; it decides nothing.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)

app.add_typer(corpus_app, name="corpus")
app.add_typer(pack_app, name="pack")
app.add_typer(case_app, name="case")
app.add_typer(review_app)
app.add_typer(practice_app)
app.add_typer(retention_app)
app.add_typer(link_app)


def main() -> None:
    """Run the command line; an error that the user can mend is one line on standard error and exit code 2.

    A run that is not whole ends with 3: something of it failed, or it ended early and goes on when it is run again.
    """
    try:
        app()
    except SafelightError as error:
        say(f"safelight: {error}", error=True)
        sys.exit(exit_code_of(error))


def _version(wanted: bool) -> None:
    if wanted:
        from pipeline import __version__

        say(f"safelight {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    pass


app.command()(score)


@app.command()
def inspect(
    paths: Paths,
    format_: FormatOption = None,
    date_order: DateOrderOption = None,
    timezone: TimezoneOption = None,
    column: ColumnOption = None,
    max_member_bytes: MemberOption = DEFAULT_MEMBER_BYTES,
    merge: MergeOption = "auto",
    follow_links: LinksOption = False,
    strict: StrictOption = False,
) -> None:
    """Say what is in chat exports: format, conversations, speakers, time span, counts, warnings. Nothing is scored."""
    from pipeline.cli.terminal import print_inspection
    from pipeline.ingest.files.remote import local_paths
    from pipeline.inspect import inspect_exports

    options = read_options(format_, date_order, timezone, column, max_member_bytes, merge, follow_links)
    with local_paths(paths) as local:
        inspection = inspect_exports(local, options)
    print_inspection(inspection)
    end(not_whole=bool(inspection.failed) or (strict and bool(inspection.passed_over)))


@app.command()
def convert(
    paths: Paths,
    to: Annotated[Literal["jsonl", "parquet", "convokit"], typer.Option("--to", help="What to write.")],
    out: Annotated[Path, typer.Option(help="The file to write, or for convokit the folder.")],
    format_: FormatOption = None,
    date_order: DateOrderOption = None,
    timezone: TimezoneOption = None,
    column: ColumnOption = None,
    max_member_bytes: MemberOption = DEFAULT_MEMBER_BYTES,
    merge: MergeOption = "auto",
    follow_links: LinksOption = False,
    strict: StrictOption = False,
    overwrite: OverwriteOption = False,
) -> None:
    """Write exports as one table of messages, or as a ConvoKit corpus. The words of the chats are in it."""
    from pipeline.cli.terminal import print_converted
    from pipeline.convert import convert as convert_exports
    from pipeline.ingest.files.remote import local_paths

    options = read_options(format_, date_order, timezone, column, max_member_bytes, merge, follow_links)
    with local_paths(paths) as local:
        log = convert_exports(local, to=to, out=out, options=options, overwrite=overwrite)
    print_converted(log, out)
    end(not_whole=bool(log.failed) or (strict and bool(log.passed_over)))


@app.command()
def formats() -> None:
    """List the chat export formats that are read."""
    from pipeline.cli.terminal import print_formats

    print_formats()


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="The folder of a finished run.", show_default=False)],
) -> None:
    """Write report.html of a run anew, with the thresholds that lie in its folder now."""
    from pipeline.link.strongest import strongest_patterns
    from pipeline.report.build import write_report
    from pipeline.results import REPORT, open_unchanged

    opened = open_unchanged(run)
    write_report(opened, run / REPORT, patterns=strongest_patterns(opened))
    say(run / REPORT)


@app.command()
def train(
    config: Annotated[
        Path, typer.Option(parser=config_path, metavar=NAME_OR_PATH, help="The recipe: a TOML file, or the name of one that ships.")
    ],
    corpus: Annotated[
        list[Path], typer.Option(help="A labelled corpus: a TOML file or a folder of them. May be given several times.")
    ],
    out: Annotated[Path, typer.Option(help="The model folder to write.")],
    ordinary: Annotated[
        list[Path] | None, typer.Option(help="Chat that nobody labelled, taken as ordinary. May be given several times.")
    ] = None,
    splits: Annotated[Path | None, typer.Option(help="Splits made by `safelight corpus split`, or of another model.")] = None,
    encoder: Annotated[Path | None, typer.Option(help="Where the recipe's encoder lies, when not on the hub.")] = None,
    from_: Annotated[
        Path | None, typer.Option("--from", help="A model folder: its network stays, and only the heads on it are trained again.")
    ] = None,
    tracking: Annotated[str | None, typer.Option(help="MLflow's tracking store, instead of the file mlflow.db.")] = None,
    no_tracking: Annotated[bool, typer.Option("--no-tracking", help="Keep nothing of the run in MLflow.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint of a run that ended early.")] = False,
    set_: Annotated[list[str] | None, typer.Option("--set", help="Override a setting of the recipe: key=value.")] = None,
    column: ColumnOption = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Train a model on labelled conversations and write a model folder."""
    from pipeline.cli.training import phase_lines, print_trained
    from pipeline.training.train import train as train_model

    folder = train_model(
        config,
        corpus=corpus,
        ordinary=ordinary or [],
        out=out,
        splits=splits,
        encoder_path=encoder,
        start=from_,
        resume=resume,
        overrides=set_ or [],
        overwrite=overwrite,
        track=not no_tracking,
        tracking=tracking,
        columns=read_columns(column),
        say=phase_lines(),
    )
    print_trained(folder, corpus=corpus, ordinary=ordinary or [], tracking=None if no_tracking else tracking or "")


add_commands(app)
add_serving(app)


if __name__ == "__main__":
    main()
