"""Logging in and out, the reader's own settings, and the accounts."""

from __future__ import annotations

import hmac
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from pipeline.errors import ReviewError
from pipeline.review.accounts import add_reader, all_readers, change_reader, log_in, prefer, set_password
from pipeline.review.audit import append
from pipeline.review.locks import release
from pipeline.review.policy import alarms, read_policy, reveals_lately
from pipeline.review.records import ROLES, Role
from pipeline.review.second_factor import reset_factor
from pipeline.review.sessions import end_session, start_session
from pipeline.review.web.app_state import Acting, CurrentAppState, Looking, Refused, ours, require, signed_in, to
from pipeline.summaries import LANGUAGES

router = APIRouter()


async def _form(request: Request) -> FormData:
    return await request.form(max_files=0, max_fields=20)


@router.get("/login")
def login_page(app_state: CurrentAppState, next: str = "/") -> Response:  # noqa: A002 - the name in the address
    """Ask for name and password."""
    return app_state.page("login.html", None, next=ours(next), problem=None)


@router.post("/login")
def login(request: Request, app_state: CurrentAppState, form: Annotated[FormData, Depends(_form)]) -> Response:
    """Begin a session."""
    name, password = str(form.get("name", "")), str(form.get("password", ""))
    next_ = ours(str(form.get("next", "/")))
    problem = "This name, password and code do not belong together."
    reader = None
    status = 401
    try:
        address = request.client.host if request.client else ""
        reader = log_in(app_state.store, name, password, address=address, code=str(form.get("code", "")))
    except ReviewError as error:
        problem, status = str(error), 429
    app_state.noted()
    if reader is None:
        return app_state.page("login.html", None, status=status, next=next_, problem=problem)
    with app_state.store.writing() as connection:
        cookie = start_session(connection, reader)
    return signed_in(app_state, cookie, next_)


@router.get("/enter")
def enter(app_state: CurrentAppState, token: str = "") -> Response:
    """Let the single user in by the token that the terminal showed; it serves once."""
    with app_state.lock:
        known, app_state.token = app_state.token, None if _same(app_state.token, token) else app_state.token
    if app_state.single_user is None or not _same(known, token):
        raise Refused("This address serves once. Take the one that `safelight review --single-user` showed last.")
    with app_state.store.writing() as connection:
        cookie = start_session(connection, app_state.single_user)
        append(connection, app_state.single_user.name, "log in", f"reader:{app_state.single_user.name}", single_user=True)
    app_state.noted()
    return signed_in(app_state, cookie, "/")


def _same(known: str | None, token: str) -> bool:
    return known is not None and hmac.compare_digest(known.encode(), token.encode("utf-8", "surrogatepass"))


@router.post("/logout")
def logout(app_state: CurrentAppState, asking: Acting) -> Response:
    """End the session, and give up what the reader worked on."""
    with app_state.store.writing() as connection:
        release(connection, asking.reader)
        end_session(connection, asking.session)
        append(connection, asking.reader.name, "log out", f"reader:{asking.reader.name}")
    app_state.noted()
    response = to("/login")
    response.delete_cookie(app_state.cookie, path="/", secure=app_state.secure, httponly=True, samesite="strict")
    return response


@router.get("/me")
def me(app_state: CurrentAppState, asking: Looking, said: str = "") -> Response:
    """Show the reader's own settings."""
    with app_state.store.reading() as connection:
        policy = read_policy(connection)
    words = {"kept": "Kept.", "password": "The password is changed."}
    return app_state.page("me.html", asking, said=words.get(said), policy=policy, languages=LANGUAGES)


@router.post("/me")
def keep_preferences(app_state: CurrentAppState, asking: Acting) -> Response:
    """Keep how the reader wants to work."""
    try:
        minutes, cases = int(asking.text("pause_minutes")), int(asking.text("pause_cases"))
    except ValueError as error:
        raise ReviewError("minutes and cases are whole numbers", do="Write for example 50 and 5") from error
    with app_state.store.writing() as connection:
        prefer(
            connection,
            asking.reader,
            grey=bool(asking.text("grey")),
            content_free=bool(asking.text("content_free")),
            shortcuts=bool(asking.text("shortcuts")),
            pause_minutes=minutes,
            pause_cases=cases,
            titles=bool(asking.text("titles")),
            language=asking.text("language") or asking.reader.language,
        )
    app_state.noted()
    return to("/me", said="kept")


@router.post("/me/password")
def change_own_password(request: Request, app_state: CurrentAppState, asking: Acting) -> Response:
    """Change the reader's own password; the old one is asked for."""
    if asking.text("new") != asking.text("again"):
        raise ReviewError("the new password was not written alike twice", do="Write it again")
    address = request.client.host if request.client else ""
    if log_in(app_state.store, asking.reader.name, asking.text("old"), address=address, code=None) is None:
        raise ReviewError("the old password is not right", do="Write it again")
    with app_state.store.writing() as connection:
        set_password(connection, asking.reader.name, asking.text("new"), actor=asking.reader.name)
        cookie = start_session(connection, asking.reader)
    app_state.noted()
    return signed_in(app_state, cookie, "/me?said=password")


@router.get("/readers")
def accounts(app_state: CurrentAppState, asking: Looking) -> Response:
    """Show the accounts."""
    require(asking, "admin")
    with app_state.store.reading() as connection:
        accounts = all_readers(connection)
        lately = {account.name: reveals_lately(connection, account.name) for account in accounts}
        raised = alarms(connection)
    return app_state.page("readers.html", asking, readers=accounts, roles=ROLES, lately=lately, alarms=raised)


@router.post("/readers")
def add_account(app_state: CurrentAppState, asking: Acting) -> Response:
    """Add an account."""
    require(asking, "admin")
    with app_state.store.writing() as connection:
        add_reader(
            connection, asking.text("name"), asking.text("password"), role=_role(asking.text("role")), actor=asking.reader.name
        )
    app_state.noted()
    return to("/readers")


@router.post("/readers/{name}")
def change_account(app_state: CurrentAppState, asking: Acting, name: str) -> Response:
    """Change an account's role or password, or close it."""
    require(asking, "admin")
    with app_state.store.writing() as connection:
        change_reader(
            connection, name, role=_role(asking.text("role")), active=bool(asking.text("active")), actor=asking.reader.name
        )
        if asking.text("password"):
            set_password(connection, name, asking.text("password"), actor=asking.reader.name)
        if asking.text("reset_factor"):
            reset_factor(connection, name, actor=asking.reader.name)
    app_state.noted()
    return to("/readers")


def _role(text: str) -> Role:
    if text not in ROLES:
        raise ReviewError("there is no such role", do=f"Choose from {', '.join(ROLES)}")
    return cast(Role, text)
