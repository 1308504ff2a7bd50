"""The application: routes, the headers of every answer, and what an error looks like."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

from pipeline.errors import DecidedMeanwhile, ReviewError
from pipeline.report.build import stage_colours
from pipeline.review.web import (
    routes_account,
    routes_blind,
    routes_cases,
    routes_conversation,
    routes_decide,
    routes_factor,
    routes_practice,
    routes_queue,
    routes_read,
    routes_team,
    routes_watch,
    routes_work,
)
from pipeline.review.web.app_state import AppState, NeedsFactor, NotLoggedIn, Refused, to

logger = logging.getLogger(__name__)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), display-capture=()",
}

_LARGEST_FORM = 256 * 1024


def create_app(app_state: AppState, *, hosts: Sequence[str]) -> FastAPI:
    """Return the application on a store and its runs. ``hosts`` are the names it answers to, so that no other name leads to it."""
    app = FastAPI(title="Safelight review", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.app_state = app_state
    for module in (
        routes_account,
        routes_factor,
        routes_queue,
        routes_conversation,
        routes_cases,
        routes_read,
        routes_decide,
        routes_work,
        routes_watch,
        routes_practice,
        routes_blind,
        routes_team,
    ):
        app.include_router(module.router)
    static = Path(str(files("pipeline.review.web").joinpath("static")))
    style = files("pipeline.report").joinpath("report.css").read_text("utf-8")
    taxonomies = [routes_practice.stages_of_practice(), *(run.taxonomy for run in app_state.runs.values())]
    colours = stage_colours(max(len(taxonomy.stages) for taxonomy in taxonomies))

    @app.get("/static/report.css")
    def report_style() -> Response:
        return Response(style + colours, media_type="text/css", headers={"Cache-Control": "no-cache"})

    app.mount("/static", StaticFiles(directory=static), name="static")

    @app.middleware("http")
    async def guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        return await _guard(app_state, request, call_next)

    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)
    _answer_errors(app, app_state)
    return app


async def _guard(app_state: AppState, request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Refuse what another site's page sends, and put the headers on every answer."""
    if refusal := _foreign(request):
        response: Response = PlainTextResponse(refusal, 403)
    elif refusal := _malformed(request):
        response = PlainTextResponse(refusal, 400)
    elif _beyond(request):
        response = PlainTextResponse("There is nothing with this number.", 404)
    else:
        try:
            response = await call_next(request)
        except Exception as error:  # noqa: BLE001 - the last resort: a page instead of nothing, and no chat text in the log
            response = _failed(app_state, request, error)
    for name, value in HEADERS.items():
        response.headers[name] = value
    if app_state.secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    if not request.url.path.startswith("/static/"):
        response.headers["Cache-Control"] = "no-store"
    return response


def _foreign(request: Request) -> str | None:
    if request.method in ("GET", "HEAD"):
        return None
    length = request.headers.get("content-length") or "0"
    if length.isdecimal() and int(length[:20]) > _LARGEST_FORM:
        return "The form is too large."
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return "This came from another site."
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        return "This came from another site."
    return None


_LARGEST_NUMBER = 2**31 - 1
"""Of an id in the store."""

_PLACES = ("before", "after", "first", "last")


def _beyond(request: Request) -> bool:
    """Return whether an address has a number that no database holds."""
    path = request.url.path
    numbers = (
        path.split("/")
        if path.startswith(("/c/", "/tasks/", "/filters/", "/practice/", "/blind/", "/samples/", "/queues/"))
        else []
    )
    if path.startswith("/cases/"):
        numbers += path.split("/")[3:]
    for name in _PLACES:
        numbers.append(request.query_params.get(name, "").partition("~")[0])
    return any(text.isdecimal() and (len(text) > 10 or int(text) > _LARGEST_NUMBER) for text in numbers)


_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def _malformed(request: Request) -> str | None:
    if not (request.headers.get("content-length") or "0").isdecimal():
        return "The length of the form is no number."
    content_type = request.headers.get("content-type", "").lower()
    has_body = int((request.headers.get("content-length") or "0")[:20]) > 0 or "transfer-encoding" in request.headers
    if has_body and content_type.partition(";")[0].strip() not in _FORMS:
        return "What is sent is not a form."  # starlette would take it for an empty one, without waiting for it
    _, _, charset = content_type.partition("charset=")
    if charset.strip(' ";') not in ("", "utf-8", "utf8"):
        return "Forms are sent in UTF-8."
    return None


def _failed(app_state: AppState, request: Request, error: Exception) -> Response:
    """Answer what nobody foresaw. The log gets its kind and place: its words, and the address, may hold a chat's."""
    route = getattr(request.scope.get("route"), "path", "")
    frame = traceback.extract_tb(error.__traceback__)[-1]
    logger.error("%s %s: %s at %s:%d", request.method, route, type(error).__name__, frame.filename, frame.lineno)
    about = {
        "title": "Something broke in Safelight",
        "what": "This page could not be made. What you did before is kept; what you just sent may be lost",
        "do": "Load the page again; if it happens again, tell whoever runs Safelight, and run `safelight audit verify`",
    }
    return app_state.page("problem.html", None, status=500, **about, back="/", note="")


def _answer_errors(app: FastAPI, app_state: AppState) -> None:
    @app.exception_handler(NotLoggedIn)
    def not_logged_in(request: Request, _: Exception) -> Response:
        if "hx-request" in request.headers:
            return Response(status_code=401, headers={"HX-Redirect": "/login"})
        return to("/login", next=request.url.path if request.method == "GET" else "/")

    @app.exception_handler(NeedsFactor)
    def needs_factor(request: Request, _: Exception) -> Response:
        if "hx-request" in request.headers:
            return Response(status_code=401, headers={"HX-Redirect": "/me/factor"})
        return to("/me/factor")

    @app.exception_handler(Refused)
    def refused(_: Request, error: Exception) -> Response:
        return app_state.page(
            "problem.html", None, status=403, title="Not for this account", what=str(error), do="", back="/", note=""
        )

    @app.exception_handler(DecidedMeanwhile)
    def decided_meanwhile(request: Request, error: Exception) -> Response:
        return _problem(app_state, request, error, 409, "Somebody was quicker")

    @app.exception_handler(ReviewError)
    def not_so(request: Request, error: Exception) -> Response:
        return _problem(app_state, request, error, 404 if request.method == "GET" else 400, "That did not work")


def _problem(app_state: AppState, request: Request, error: Exception, status: int, title: str) -> Response:
    what, do = (error.what, error.do or "") if isinstance(error, ReviewError) else (str(error), "")
    referer = urlsplit(request.headers.get("referer", ""))
    back = referer.path if referer.netloc == request.headers.get("host") and referer.path.startswith(("/c/", "/cases/")) else "/"
    return app_state.page("problem.html", None, status=status, title=title, what=what, do=do, back=back, note="")
