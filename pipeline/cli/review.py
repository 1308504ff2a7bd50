"""`safelight review`, `readers`, `audit`: the review, its accounts and its log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipeline.cli.console import say
from pipeline.cli.exit_codes import ExitCode
from pipeline.cli.model_options import NAME_OR_PATH
from pipeline.errors import ReviewError
from pipeline.package_data import MODEL_VARIABLE

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pipeline.review.store import Store

app = typer.Typer(rich_markup_mode=None)
readers_app = typer.Typer(help="Add, list and change the accounts of the review.", no_args_is_help=True, rich_markup_mode=None)
audit_app = typer.Typer(help="Check the audit log of the review.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(readers_app, name="readers")
app.add_typer(audit_app, name="audit")

StoreOption = Annotated[
    str, typer.Option("--store", envvar="SAFELIGHT_STORE", help="The store: an SQLite file, or postgresql://name@host/database.")
]
STORE = "review.db"


def needed() -> None:
    """Say which extra is missing, where one is."""
    from importlib.util import find_spec

    needed = ("fastapi", "sqlalchemy", "alembic", "argon2", "uvicorn", "python_multipart", "pyotp", "segno", "fsrs")
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise ReviewError(
            f"the review is not installed ({missing[0]} is missing)", do="Install it: pip install 'safelight[review]'"
        )


def open_existing(store: str, *, new: bool = False) -> Store:
    """Open a store that is there, or with ``new`` make it; a missing extra or store is an error."""
    needed()
    from pipeline.review.store import open_store

    if not new and "://" not in store and not Path(store).is_file():
        raise ReviewError("there is no store", where=store, do="Give --store as you gave it to `safelight review`")
    return open_store(store)


@contextmanager
def changing(store: Store) -> Iterator[tuple[Connection, str]]:
    """Change a store from the command line: yields the connection, and who the log names; the end of the log is noted behind it."""
    from pipeline.review.audit_head import note_head
    from pipeline.review.serve import actor_name

    with store.writing() as connection:
        yield connection, actor_name()
    note_head(store)


@app.command()
def review(
    runs: Annotated[list[Path], typer.Argument(help="Folders of finished runs.", show_default=False)],
    store: StoreOption = STORE,
    single_user: Annotated[bool, typer.Option("--single-user", help="One person on one machine: no accounts.")] = False,
    host: Annotated[str, typer.Option(help="Where to serve; beyond this machine only with a certificate.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 takes a free one.")] = 8440,
    tls_cert: Annotated[Path | None, typer.Option(help="The certificate, in PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its key, in PEM.")] = None,
    pack_key: Annotated[Path | None, typer.Option(help="The key that signs referral packs: see `safelight pack`.")] = None,
    export: Annotated[
        list[Path] | None, typer.Option(help="Where an export lies now, to read words that a run did not keep. May be repeated.")
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            envvar=MODEL_VARIABLE,
            metavar=NAME_OR_PATH,
            help="The model of the runs, to explain signs that a run did not explain; the default one unless it is given.",
        ),
    ] = None,
    webhook: Annotated[
        str | None, typer.Option(help="Tell this address of decisions, signed with --pack-key; ids alone, no word of a chat.")
    ] = None,
    shadow: Annotated[
        list[Path] | None,
        typer.Option(
            help="A run of another model on the same exports, or a threshold file: what it would flag is kept for leads to compare."
        ),
    ] = None,
    name: Annotated[
        list[str] | None, typer.Option(help="A host name that the page answers to. May be given several times.")
    ] = None,
) -> None:
    """Serve a local web page on which people read what was flagged, decide, and have their decisions kept."""
    needed()
    from pipeline.review.serve import Place
    from pipeline.review.serve import review as serve

    place = Place(host=host, port=port, certificate=tls_cert, key=tls_key, names=name or [])
    if pack_key is not None and not pack_key.is_file():
        raise ReviewError("there is no key", where=str(pack_key), do="Make one with `safelight pack key`")
    for path in export or []:
        if not path.exists():
            raise ReviewError("there is no such export", where=str(path), do="Check the path")
    for path in shadow or []:
        if not path.exists():
            raise ReviewError("there is no such run or threshold file", where=str(path), do="Check the path")
    serve(
        runs,
        store=store,
        place=place,
        single_user=single_user,
        pack_key=pack_key,
        exports=export or [],
        model=model,
        webhook=webhook,
        shadows=shadow or [],
        say=say,
    )


RoleOption = Annotated[Literal["reader", "lead", "admin"], typer.Option(help="What the account may do.")]
PasswordOption = Annotated[str | None, typer.Option(envvar="SAFELIGHT_PASSWORD", help="Asked for when left out.")]


def _asked(password: str | None) -> str:
    """Return the password, asked for twice where it was not given; not before it is known that there is something to give it to."""
    return typer.prompt("Password", hide_input=True, confirmation_prompt=True) if password is None else password


@readers_app.command("add")
def add(name: str, role: RoleOption = "reader", password: PasswordOption = None, store: StoreOption = STORE) -> None:
    """Add an account."""
    opened = open_existing(store, new=True)
    chosen = _asked(password)
    from pipeline.review.accounts import add_reader

    with changing(opened) as (connection, actor):
        add_reader(connection, name, chosen, role=role, actor=actor)
    say(f"{name}: {role}")


@readers_app.command("list")
def list_readers(store: StoreOption = STORE) -> None:
    """List the accounts."""
    opened = open_existing(store)
    from pipeline.review.accounts import all_readers

    with opened.reading() as connection:
        for reader in all_readers(connection):
            say(f"{reader.name}: {reader.role}{'' if reader.active else ', closed'}")


@readers_app.command("change")
def change(
    name: str,
    role: Annotated[Literal["reader", "lead", "admin"] | None, typer.Option(help="Another role.")] = None,
    active: Annotated[bool | None, typer.Option("--open/--close", help="Close the account, or open it again.")] = None,
    store: StoreOption = STORE,
) -> None:
    """Change the role of an account, close it, or open it again."""
    opened = open_existing(store)
    from pipeline.review.accounts import change_reader

    with changing(opened) as (connection, actor):
        change_reader(connection, name, role=role, active=active, actor=actor)


@readers_app.command("password")
def password(name: str, password: PasswordOption = None, store: StoreOption = STORE) -> None:
    """Give an account another password; whoever is logged in to it is logged out."""
    opened = open_existing(store)
    chosen = _asked(password)
    from pipeline.review.accounts import set_password

    with changing(opened) as (connection, actor):
        set_password(connection, name, chosen, actor=actor)


@readers_app.command("unlock")
def unlock(name: str, store: StoreOption = STORE) -> None:
    """Let an account log in again at once after too many wrong passwords."""
    opened = open_existing(store)
    from pipeline.review.accounts import unlock as unlock_account

    with changing(opened) as (connection, actor):
        unlock_account(connection, name, actor=actor)
    say(f"{name} can log in again")


@readers_app.command("reset-factor")
def reset_factor(name: str, store: StoreOption = STORE) -> None:
    """Take the second factor of an account away, such as of a lost phone; whoever is logged in to it is logged out."""
    opened = open_existing(store)
    from pipeline.review.second_factor import reset_factor as reset

    with changing(opened) as (connection, actor):
        reset(connection, name, actor=actor)
    say(f"{name} has no second factor now")


@audit_app.command("verify")
def verify(
    store: StoreOption = STORE,
    head: Annotated[str | None, typer.Option(help="An end of the log that was kept elsewhere: number:hash.")] = None,
) -> None:
    """Check that no line of the audit log was changed, moved or cut off, and that the tables hold what the log says."""
    opened = open_existing(store)
    from pipeline.review.audit import verify as verify_log
    from pipeline.review.audit_head import read_head

    verdict = verify_log(opened, noted=read_head(head, where="--head") if head else None)
    for problem in verdict.problems:
        say(problem)
    for note in verdict.notes:
        say(f"note {note}")
    if verdict.problems:
        raise typer.Exit(ExitCode.FOUND)
    say(f"{verdict.head.number} lines, none changed, and the tables are as they say; the end is {verdict.head}")


@audit_app.command("renew-head")
def renew_head(
    reason: Annotated[str, typer.Option(help="Why: kept in the log for ever. Name nobody from a chat.")],
    store: StoreOption = STORE,
) -> None:
    """Note the end of the log anew, where the file that notes it was lost or the store came back from a backup."""
    if not reason.strip():
        raise ReviewError("--reason is empty", do="Say why the end of the log is noted anew")
    opened = open_existing(store)
    from pipeline.review.audit import renew_head as renew
    from pipeline.review.serve import actor_name

    renew(opened, actor=actor_name(), reason=reason.strip())
    say("the end of the log is noted anew; `safelight audit verify` will tell of it from now on")
