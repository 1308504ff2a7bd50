"""`safelight practice`: train people on written cases, write a certificate, see where a team misses what."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.console import say
from pipeline.cli.review import needed, open_existing
from pipeline.errors import ReviewError

app = typer.Typer(rich_markup_mode=None)


@app.command()
def practice(
    store: Annotated[
        str, typer.Option("--store", envvar="SAFELIGHT_STORE", help="Where readings are kept: an SQLite file or a PostgreSQL URL.")
    ] = "practice.db",
    port: Annotated[int, typer.Option(help="The port of the page; 0 takes a free one.")] = 8440,
    certificate: Annotated[
        Path | None, typer.Option(help="Write what one person practised to this HTML file, and serve no page.")
    ] = None,
    reader: Annotated[str, typer.Option(help="Whose certificate; `me` is who practised without accounts.")] = "me",
    team: Annotated[bool, typer.Option("--team", help="Print where the team misses what, and serve no page.")] = False,
) -> None:
    """Practise reading on written cases in a local web page: mark stages, decide, then see why. No export is needed."""
    if certificate is not None:
        _certificate(store, certificate, reader)
    elif team:
        _team(store)
    else:
        needed()
        from pipeline.review.serve import Place, review

        review([], store=store, place=Place(port=port), single_user=True, say=say)


def _certificate(store: str, file: Path, reader: str) -> None:
    opened = open_existing(store)
    from datetime import UTC, datetime

    from pipeline import __version__
    from pipeline.output import new_file
    from pipeline.practice.cases import practice_taxonomy, read_practice
    from pipeline.practice.certificate import certificate
    from pipeline.review.attempts import attempts

    with opened.reading() as connection:
        mine = attempts(connection, reader=reader)
    if not mine:
        raise ReviewError("this account has not practised", where=reader, do="Give --reader as the account is called")
    page = certificate(mine, read_practice(), practice_taxonomy(), reader=reader, now=datetime.now(UTC), version=__version__)
    with new_file(file, overwrite=False) as beside:
        beside.write_text(page, "utf-8")
    say(file)


def _team(store: str) -> None:
    opened = open_existing(store)
    from pipeline.practice.cases import practice_taxonomy, read_practice
    from pipeline.practice.team import team_view
    from pipeline.review.attempts import attempts

    with opened.reading() as connection:
        made = attempts(connection)
    taxonomy = practice_taxonomy()
    view = team_view(made, read_practice(), taxonomy.keys)
    say(f"{len(view.readers)} readers, {view.together.readings} first readings; decisions right: {view.together.decisions.words}")
    for stage in taxonomy.stages:
        say(f"{stage.name}: found {view.together.found[stage.key].words}; marked wrongly {view.together.false[stage.key]} times")
    for name, mine in view.readers.items():
        say(f"{name}: {mine.readings} cases; decisions right: {mine.decisions.words}")
