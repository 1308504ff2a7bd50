"""Open the review in a browser: runs and a store in, a local web page out.

::

    safelight review out/ --store review.db
"""

from __future__ import annotations

import ipaddress
import os
import secrets
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI

from pipeline.errors import ReviewError
from pipeline.results import open_run
from pipeline.review.accounts import add_reader, all_readers, find_reader
from pipeline.review.audit import verify
from pipeline.review.audit_head import note_head
from pipeline.review.explanations import Explainer
from pipeline.review.index import open_in_store
from pipeline.review.original_text import Originals
from pipeline.review.queue import platforms
from pipeline.review.records import Moderator
from pipeline.review.shadow import add_shadow, all_shadows
from pipeline.review.slow_clients import TimedLoop, TimedProtocol
from pipeline.review.store import Store, open_store
from pipeline.review.web.app import create_app
from pipeline.review.web.app_state import AppState

if TYPE_CHECKING:
    from pipeline.review.webhook import Webhook

PORT = 8440


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the page is served. Beyond this machine only over TLS; ``names`` are the host names that it answers to."""

    host: str = "127.0.0.1"
    port: int = PORT
    certificate: Path | None = None
    key: Path | None = None
    names: Sequence[str] = ()

    @property
    def secure(self) -> bool:
        """Whether it is served over TLS."""
        return self.certificate is not None

    def checked(self) -> Place:
        """Return the same place, if it is one that we serve at.

        Raises
        ------
        ReviewError
            When it is beyond this machine without a certificate, or the certificate or its key is not there.
        """
        if (self.certificate is None) != (self.key is None):
            raise ReviewError("--tls-cert and --tls-key go together", do="Give both")
        for file in (self.certificate, self.key):
            if file is not None and not file.is_file():
                raise ReviewError("there is no such file", where=str(file), do="Check the path")
        if not self.secure and not _is_loopback(self.host):
            raise ReviewError(
                f"--host {self.host} can be reached from other machines, and nothing would be encrypted",
                do="Give --tls-cert and --tls-key, or leave --host out",
            )
        return self


def review(
    runs: Sequence[Path],
    *,
    store: str | Path,
    place: Place | None = None,
    single_user: bool = False,
    pack_key: Path | None = None,
    exports: Sequence[Path] = (),
    model: Path | None = None,
    webhook: str | None = None,
    shadows: Sequence[Path] = (),
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve the review of finished runs until it is stopped.

    Raises
    ------
    SafelightError
        When a run or the store cannot be opened, the place will not do, or there is no account yet.
    """
    place = (place or Place()).checked()
    opened = open_store(store)
    try:
        reachable = not _is_loopback(place.host)
        app_state = prepare(opened, runs, single_user=single_user, secure=place.secure, reachable=reachable, say=say)
        app_state.pack_key = pack_key
        for shadow in shadows:
            _add_shadow(app_state, shadow)
        app_state.originals = Originals(exports)
        app_state.explainer = Explainer(model)
        if webhook is not None:
            app_state.webhook = _webhook(webhook, pack_key)
        with opened.reading() as connection:
            app_state.has_shadow = bool(all_shadows(connection, list(app_state.runs)))
        names = [*place.names, "localhost", "127.0.0.1", "[::1]", *([] if place.host in ("0.0.0.0", "::") else [place.host])]  # noqa: S104
        listening = _listen(place)
        scheme = "https" if place.secure else "http"
        shown = "127.0.0.1" if place.host in ("0.0.0.0", "::") else place.host  # noqa: S104
        address = f"{scheme}://{shown}:{listening.getsockname()[1]}"
        say(f"{address}/enter?token={app_state.token}" if app_state.token else address)
        uvicorn.Server(server_config(create_app(app_state, hosts=names), place)).run(sockets=[listening])
    finally:
        opened.close()


def _add_shadow(app_state: AppState, path: Path) -> None:
    """Bring a shadow into the store for each run that it has conversations of."""
    problem: ReviewError | None = None
    added = 0
    for run in app_state.runs.values():
        try:
            add_shadow(app_state.store, run, path, actor=actor_name())
            added += 1
        except ReviewError as error:
            problem = error
    note_head(app_state.store)
    if problem is not None and not added:
        raise problem


def _webhook(url: str, key: Path | None) -> Webhook:
    if key is None:
        raise ReviewError("--webhook is signed, and there is no key", do="Give --pack-key too")
    from pipeline.review.referral.signing import read_private_key
    from pipeline.review.webhook import Webhook

    return Webhook(url, read_private_key(key))


def server_config(
    app: FastAPI, place: Place, *, protocol: type[TimedProtocol] = TimedProtocol, loop: type[TimedLoop] = TimedLoop
) -> uvicorn.Config:
    """Return how the application is served."""
    return uvicorn.Config(
        app,
        http=protocol,
        loop=f"{loop.__module__}:{loop.__qualname__}",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ssl_certfile=place.certificate,
        ssl_keyfile=place.key,
    )


def prepare(
    store: Store,
    runs: Sequence[Path],
    *,
    single_user: bool,
    secure: bool,
    reachable: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> AppState:
    """Bring the runs into the store and return what the pages stand on.

    Raises
    ------
    ReviewError
        When nobody could log in.
    """
    actor = actor_name()
    opened = {}
    for path in runs:
        run = open_run(path)
        run_id = open_in_store(store, run, actor=actor)
        opened[run_id] = run
    alone = _single_user(store) if single_user else None
    if alone is not None and opened:
        say(
            "note escalate and refer need a second person: with --single-user they wait, and no pack can be made of them. Dismiss "
            "and watch hold. For the rest, `safelight readers add NAME`, and start without --single-user"
        )
    with store.reading() as connection:
        if alone is None and not any(reader.role == "admin" and reader.active for reader in all_readers(connection)):
            raise ReviewError(
                "there is no account yet", do="Add one: safelight readers add NAME --role admin; or use --single-user"
            )
        kinds = platforms(connection, list(opened))
    problems = verify(store).problems
    note_head(store)
    for problem in problems[:5]:
        say(f"warning audit log: {problem}")
    return AppState(
        store,
        opened,
        secure=secure,
        reachable=reachable,
        single_user=alone,
        token=secrets.token_urlsafe(24) if alone else None,
        platforms=kinds,
    )


def actor_name() -> str:
    """Return what the audit log calls who works on the command line: the system's own account, by its number and name."""
    if sys.platform == "win32":
        return f"cli:{os.getlogin()}"[:64]
    import pwd

    uid = os.getuid()  # not LOGNAME or USER, which anybody sets
    try:
        return f"cli:{uid}:{pwd.getpwuid(uid).pw_name}"[:64]
    except KeyError:
        return f"cli:{uid}"


def _single_user(store: Store) -> Moderator:
    """Return the account of the one person, made when it is new; a lead, so that every page is open to them."""
    name = "me"
    with store.writing() as connection:
        moderator = find_reader(connection, name)
        return moderator or add_reader(connection, name, None, role="lead", actor=actor_name())


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(place: Place) -> socket.socket:
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((place.host, place.port))
    except OSError as error:
        listening.close()
        raise ReviewError(
            f"port {place.port} of {place.host} cannot be used ({error.strerror})", do="Give another --port, or --host"
        ) from error
    return listening
