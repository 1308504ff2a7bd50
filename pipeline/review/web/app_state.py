"""The state of the web application: the store, the open runs, the templates; and who is asking."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Request
from jinja2 import Environment, PackageLoader
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, RedirectResponse, Response

from pipeline.errors import ReviewError
from pipeline.report.build import page_environment
from pipeline.results import Run
from pipeline.review.audit_head import note_head
from pipeline.review.care import note_work, seen_today
from pipeline.review.explanations import Explainer
from pipeline.review.headlines import title_of
from pipeline.review.notes import open_for
from pipeline.review.original_text import Originals
from pipeline.review.pseudonyms import pseudonym
from pipeline.review.queue import QueueRow, queue_row
from pipeline.review.records import FOUR_EYES, KINDS, REASONS, Decision, Moderator, Role
from pipeline.review.samples import count_to_do, reading_to_do_of
from pipeline.review.sessions import Session, find_session, still_here
from pipeline.review.store import Store

if TYPE_CHECKING:
    from pipeline.review.webhook import Webhook  # it needs the extra that signs packs

COOKIE = "safelight"


class NotLoggedIn(Exception):
    """Nobody is logged in; the page goes to the log-in."""


class NeedsFactor(Exception):
    """Who is logged in must enrol a second factor before anything else."""


class Refused(Exception):
    """The request is not one that our own pages make, or is not for this role."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


@dataclass
class AppState:
    """What the pages work on.

    ``secure``: the cookie goes over TLS alone. ``token``: lets the single user in, once. ``pack_key`` signs referral packs.
    ``reachable``: from other machines, so that leads and admins need a second factor.
    """

    store: Store
    runs: Mapping[str, Run]
    secure: bool = False
    reachable: bool = False
    single_user: Moderator | None = None
    token: str | None = None
    pack_key: Path | None = None
    platforms: Sequence[str] = ()
    has_shadow: bool = False
    webhook: Webhook | None = None
    originals: Originals = field(default_factory=Originals)
    explainer: Explainer = field(default_factory=Explainer)
    environment: Environment = field(default_factory=lambda: _environment())
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def cookie(self) -> str:
        """What the cookie of a session is called; over TLS a browser takes one of this name from this host alone."""
        return f"__Host-{COOKIE}" if self.secure else COOKIE

    def must_enrol(self, reader: Moderator) -> bool:
        """Whether an account must have a second factor, and has none."""
        return self.reachable and self.single_user is None and reader.may("lead") and not reader.has_factor

    def page(self, name: str, asking: Asking | None, /, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Return a page; ``asking`` is who it is for."""
        shared: dict[str, Any] = {
            "session": None,
            "reader": None,
            "today": None,
            "waiting_tasks": 0,
            "to_read_blind": 0,
            "single_user": self.single_user is not None,
            "has_runs": bool(self.runs),
            "has_shadow": self.has_shadow,
        }
        if asking is not None:
            with self.store.reading() as connection:
                today = seen_today(connection, asking.reader)
                tasks = len(open_for(connection, asking.reader))
                blind = count_to_do(connection, asking.reader)
            about = {"today": today, "waiting_tasks": tasks, "to_read_blind": blind, "must_enrol": self.must_enrol(asking.reader)}
            shared |= {"session": asking.session, "reader": asking.reader, **about}
        return HTMLResponse(self.environment.get_template(name).render(**(shared | values)), status)

    def fragment(self, name: str, /, **values: Any) -> HTMLResponse:
        """Return a piece of a page."""
        return HTMLResponse(self.environment.get_template(name).render(**values))

    def conversation(self, number: int) -> tuple[QueueRow, Run, int, int]:
        """Return a conversation of an open run: its row, the run, where its messages and its summary stand.

        Raises
        ------
        ReviewError
            When there is none.
        """
        with self.store.reading() as connection:
            queued = queue_row(connection, number)
        if queued is None or queued[0].key.run_id not in self.runs:
            raise ReviewError(f"there is no conversation {number} in the open runs", do="Go back to the queue")
        row, first_row, summary_row = queued
        return row, self.runs[row.key.run_id], first_row, summary_row

    def name_of(self, reader: Moderator, row: QueueRow, title: str | None = None) -> str:
        """Return what a page calls a conversation: its title in the export where the reader wants that, else a pseudonym."""
        if reader.titles and not reader.content_free and row.key.run_id in self.runs:
            title = title or title_of(self.runs[row.key.run_id], row.summary_row)
            if title:
                return title
        return pseudonym(row.key.run_id, row.key.conversation_id)

    def reads_blind(self, number: int, reader: Moderator) -> bool:
        """Return whether a reader has still to read a conversation blind, so that nothing of the model is shown with its words."""
        with self.store.reading() as connection:
            return reading_to_do_of(connection, number, reader) is not None

    def tell(self, event: str, decision: Decision) -> None:
        """Tell the other system of a decision, where there is one."""
        if self.webhook is not None:
            self.webhook.tell(event, decision)

    def noted(self) -> None:
        """Note the end of the audit log outside of the database; after each change."""
        with self.lock:
            note_head(self.store)


@dataclass(frozen=True)
class Asking:
    """Who asks, and what they sent."""

    session: Session
    form: FormData

    @property
    def reader(self) -> Moderator:
        """The account."""
        return self.session.reader

    def text(self, name: str) -> str:
        """Return a field of the form, empty where it is missing."""
        value = self.form.get(name)
        return value if isinstance(value, str) else ""


def get_app_state(request: Request) -> AppState:
    """Return what the application was made with."""
    return request.app.state.app_state


CurrentAppState = Annotated[AppState, Depends(get_app_state)]


def session_of(request: Request, app_state: CurrentAppState) -> Session:
    """Return the session of the request's cookie.

    Raises
    ------
    NotLoggedIn
        When there is none.
    NeedsFactor
        When the account must enrol a second factor first.
    """
    with app_state.store.reading() as connection:
        session = find_session(connection, request.cookies.get(app_state.cookie))
    if session is None:
        raise NotLoggedIn
    if app_state.must_enrol(session.reader) and request.url.path not in ("/me/factor", "/logout"):
        raise NeedsFactor
    return session


def _looking(session: Annotated[Session, Depends(session_of)]) -> Asking:
    return Asking(session, FormData())


async def _acting(request: Request, session: Annotated[Session, Depends(session_of)]) -> Asking:
    form = await request.form(max_files=0, max_fields=100)
    token = request.headers.get("X-CSRF-Token") or form.get("csrf")
    if not isinstance(token, str) or not session.matches(token):
        raise Refused("The form is not one that this session was given. Load the page again.")
    return Asking(session, form)


Looking = Annotated[Asking, Depends(_looking)]
"""A page is asked for."""

Acting = Annotated[Asking, Depends(_acting)]
"""Something is to be changed; the token of the form was checked."""


def working(app_state: AppState, asking: Asking) -> None:
    """Note that a reader is at work, for the session and for the pauses."""
    with app_state.store.writing() as connection:
        still_here(connection, asking.session)
        note_work(connection, asking.reader)


def require(asking: Asking, role: Role) -> None:
    """Refuse who has not at least this role.

    Raises
    ------
    Refused
        When the role is not enough.
    """
    if not asking.reader.may(role):
        raise Refused(f"This needs the role {role}.")


def to(path: str, **query: str) -> RedirectResponse:
    """Send the browser to a page of ours."""
    text = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items() if value)
    return RedirectResponse(f"{path}?{text}" if text else path, 303)


def ours(path: str | None) -> str:
    """Return a path of ours to go on to; anything else is the queue."""
    if path and path.startswith("/") and not path.startswith(("//", "/\\")) and "\n" not in path and "\r" not in path:
        return path
    return "/"


def signed_in(app_state: AppState, cookie: str, next_: str | None) -> Response:
    """Send the browser on, with the cookie of a new session."""
    response = to(ours(next_))
    response.set_cookie(app_state.cookie, cookie, httponly=True, samesite="strict", secure=app_state.secure, path="/")
    return response


def _environment() -> Environment:
    environment = page_environment(PackageLoader("pipeline.review.web", "templates"))
    environment.globals.update(KINDS=KINDS, REASONS=REASONS, FOUR_EYES=FOUR_EYES)
    environment.filters["minute"] = lambda moment: f"{moment:%Y-%m-%d %H:%M}"
    environment.filters["veil"] = veil
    environment.filters["dict_with"] = lambda kept, other: {**kept, **other}
    environment.filters["line_only"] = lambda source: source.rpartition(":")[2]
    return environment


def veil(text: str) -> str:
    """Return blocks as long as the words they stand for, so that a veiled message has its shape and nothing of its content."""
    words = (text or "").split()[:60] or ["…"]
    return " ".join("█" * min(len(word), 12) for word in words)
