"""`safelight purge` and `safelight forget`: what is deleted, shown before, and asked about."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.console import say
from pipeline.cli.review import STORE, StoreOption, open_existing
from pipeline.errors import ReviewError

if TYPE_CHECKING:
    from pipeline.review.retention import Deletion
    from pipeline.review.store import Store

app = typer.Typer(rich_markup_mode=None)

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be deleted, and delete nothing.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
ReferredOption = Annotated[
    str | None,
    typer.Option(
        "--even-if-referred",
        metavar="REASON",
        help="Delete referred conversations too, for this reason; it stays in the audit log, so name nobody from a chat.",
    ),
]


@app.command()
def purge(
    older_than: Annotated[int, typer.Option(help="Days since a conversation came in or was last decided.", min=0, max=100_000)],
    keep: Annotated[
        list[str] | None,
        typer.Option(help="Keep conversations so decided: dismiss, watch, escalate or refer. May be given several times."),
    ] = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    even_if_referred: ReferredOption = None,
    store: StoreOption = STORE,
) -> None:
    """Delete old conversations from the store and from the runs' own files. Exports and referral packs are not touched."""
    opened = open_existing(store)
    from datetime import timedelta

    from pipeline.review.records import KINDS, Kind
    from pipeline.review.retention import plan_purge

    unknown = set(keep or ()) - set(KINDS)
    if unknown:
        raise ReviewError(f"--keep {unknown.pop()} is no decision", do=f"Choose from {', '.join(KINDS)}")
    kinds: list[Kind] = [kind for kind in KINDS if kind in (keep or ())]
    planned = plan_purge(opened, older_than=timedelta(days=older_than), keep=kinds)
    _delete(opened, planned, dry_run=dry_run, yes=yes, even_if_referred=even_if_referred)


@app.command()
def forget(
    person: Annotated[
        str | None,
        typer.Argument(
            help="The person's name or id as the export has it, or its SHA-256. Asked for when left out; - reads it from the "
            "standard input: then the list of processes does not show it.",
            show_default=False,
        ),
    ] = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    even_if_referred: ReferredOption = None,
    store: StoreOption = STORE,
) -> None:
    """Delete what one person said from the store and from the runs' own files. Exports and referral packs are not touched."""
    opened = open_existing(store)
    from pipeline.review.retention import plan_forget

    name = person
    if name == "-":
        name = sys.stdin.readline().rstrip("\r\n")
        if not (yes or dry_run):
            raise ReviewError("the name came from the standard input, so nobody can be asked", do="Give --yes or --dry-run too")
    elif name is None:
        name = str(typer.prompt("Name or id, as the export has it"))
    if not name.strip():
        raise ReviewError("no person was named", do="Give a name or id as the export has it")
    _delete(opened, plan_forget(opened, name), dry_run=dry_run, yes=yes, even_if_referred=even_if_referred)


def _delete(store: Store, planned: Deletion, *, dry_run: bool, yes: bool, even_if_referred: str | None) -> None:
    from pipeline.review.retention import delete
    from pipeline.review.serve import actor_name

    what = f"{planned.conversations} conversations{f', {planned.in_part} in part' if planned.speaker else ''}"
    with_ = f"with {planned.decisions} decisions"
    for path in planned.missing:
        say(f"warning {path}: the run is not there any more, so nothing of it is deleted; bring it back and run this again")
    if planned.referred:
        say(f"{planned.referred} of them are referred, so they may be evidence")
    if dry_run:
        say(f"{what} would be deleted, {with_}; nothing was")
        return
    if planned.referred and not (even_if_referred or "").strip():
        delete(store, planned, actor=actor_name())  # refuses, and says what to do
    if not (yes or typer.confirm(f"Delete {what}, {with_}? This cannot be undone")):
        raise ReviewError("nothing was deleted", do="Give --yes, or answer y")
    removed = delete(store, planned, actor=actor_name(), even_if_referred=even_if_referred)
    say(f"{what} deleted, with {removed} decisions")
    say("Exports, backups and referral packs are not touched: look after those yourself.")
