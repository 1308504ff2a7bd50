"""`safelight link`: accounts and conversations of several runs as one graph, with what should be read together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from pipeline.cli.console import say
from pipeline.cli.model_options import NAME_OR_PATH
from pipeline.package_data import config_path, model_path

app = typer.Typer(rich_markup_mode=None)


@app.command()
def link(
    runs: Annotated[list[Path], typer.Argument(help="Folders of finished runs.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The folder to write; it appears when all is done.")],
    config: Annotated[
        Path,
        typer.Option(parser=config_path, metavar=NAME_OR_PATH, help="The settings: a TOML file, or the name of one that ships."),
    ] = Path("link"),
    indicators: Annotated[
        list[Path] | None,
        typer.Option(
            parser=config_path,
            metavar=NAME_OR_PATH,
            help="A set of indicators: group, accommodation, transport, schools, or a TOML file. May be given several times.",
            show_default="group",
        ),
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="The key of the pseudonyms, in hex. Without it: OUT.key, made where there is none.")
    ] = None,
    names: Annotated[
        Literal["include", "omit"],
        typer.Option(help="Whether names, titles and paths go into the output, where the runs kept them."),
    ] = "omit",
    places: Annotated[
        bool, typer.Option(help="Look for places and times that come again, with the spaCy pipelines that are installed.")
    ] = True,
    model: Annotated[
        Path | None,
        typer.Option(
            parser=model_path,
            metavar=NAME_OR_PATH,
            help="An encoder, such as `default`: finds what one person says in other words too, where the runs kept text.",
        ),
    ] = None,
    engine: Annotated[Literal["local", "ray"], typer.Option(help="One machine, or the nodes of a Ray cluster.")] = "local",
    memory: Annotated[str, typer.Option(help="What the joins may take; the rest goes to disk.")] = "2GB",
    set_: Annotated[list[str] | None, typer.Option("--set", help="Override a setting: key=value.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results that are there already.")] = False,
) -> None:
    """Link finished runs: a graph of accounts and conversations, who may be one person, and the patterns to read first."""
    from pipeline.link.link import link as link_runs

    linked = link_runs(
        runs,
        out,
        config=config,
        indicators=indicators,
        overrides=set_ or [],
        key=key,
        names=names,
        places=places,
        model=model,
        engine=engine,
        memory=memory,
        overwrite=overwrite,
    )
    _print(out, linked.record)


def _print(out: Path, record: dict) -> None:
    from itertools import islice

    from pipeline.link.report import STRONGEST
    from pipeline.link.schemas import REPORT
    from pipeline.link.tables import TITLES, read_patterns

    counts = record["counts"]
    say(
        f"{counts['accounts']} accounts in {counts['conversations']} conversations of {counts['exports']} exports, "
        f"{counts['identity_links']} links between accounts that may be one person, {sum(counts['patterns'].values())} patterns"
    )
    for pattern in islice(read_patterns(out), STRONGEST):
        say(f"{pattern.strength:.2f}  {TITLES[pattern.kind]}: {' '.join(reason.text for reason in pattern.reasons)}")
    for warning in record["warnings"]:
        say(f"warning {warning}")
    say("A pattern is a reason to read, never a finding. What is not here is not cleared.")
    if record["key"]:
        say(f"Key of the pseudonyms: {record['key']}. Keep it apart from the folder: with it, names can be tried.")
    say(f"Report: {out / REPORT}")
