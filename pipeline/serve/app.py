"""The application: routes, keys, limits of size, errors without content, figures."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, cast

from fastapi import FastAPI, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

from pipeline import __version__
from pipeline.errors import SafelightError
from pipeline.serve.batcher import Batcher, QueueFull
from pipeline.serve.body import BodyLimit
from pipeline.serve.jobs import Answerer
from pipeline.serve.jobs import Request as Job
from pipeline.serve.keys import hash_of
from pipeline.serve.metrics import Metrics
from pipeline.serve.wire import Health, Problem, ScoreRequest, ScoreResponse, StepRequest, StepResponse

logger = logging.getLogger(__name__)

MOST_BODY = 32 * 1024 * 1024
"""Bytes of a request."""

MOST_WAITING = 20_000
"""Messages that wait or are being read: a request beyond is told to come again."""

MOST_AT_ONCE = 1024
"""Messages that are read together."""

LOCAL = ("localhost", "127.0.0.1")
_PROBLEMS: dict[int | str, dict[str, object]] = {
    status: {"model": Problem, "description": what}
    for status, what in (
        (401, "The key is missing or unknown."),
        (413, "The request is too large."),
        (422, "A field is wrong, or the state is of another model."),
        (503, "Too much waits; Retry-After says when to come again."),
    )
}


def create_app(
    answerer: Answerer,
    *,
    keys: Mapping[str, str] | None = None,
    most_waiting: int = MOST_WAITING,
    most_at_once: int = MOST_AT_ONCE,
    hosts: tuple[str, ...] = LOCAL,
) -> FastAPI:
    """Return the application. ``keys`` are names of clients by the hashes of their keys; without them, nobody is asked for one."""
    batcher: Batcher[Job] = Batcher(
        answerer.answer, most_waiting=most_waiting, most_at_once=most_at_once, on_batch=lambda messages: metrics.batch(messages)
    )
    metrics = Metrics(lambda: batcher.waiting)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        batcher.start()
        yield
        await batcher.close()

    # No pages of documentation: they would load scripts from the network.
    app = FastAPI(title="Safelight", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.add_middleware(BodyLimit, most=MOST_BODY)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    _handle_errors(app)

    @app.middleware("http")
    async def guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        began = time.perf_counter()
        if keys is not None and request.url.path != "/health" and not _known(request.headers.get("authorization", ""), keys):
            response: Response = JSONResponse(
                {"detail": "the key is missing or unknown"}, 401, headers={"WWW-Authenticate": "Bearer"}
            )
        else:
            try:
                response = await call_next(request)
            except Exception as error:  # noqa: BLE001 - its text may quote a message
                logger.error("a request to %s failed: %s", request.url.path, type(error).__name__)
                response = JSONResponse({"detail": "the request could not be answered"}, 500)
        metrics.request(request.url.path, response.status_code, time.perf_counter() - began)
        return response

    @app.post("/score", responses=_PROBLEMS)
    async def score(request: ScoreRequest) -> ScoreResponse:
        """Score whole conversations."""
        return cast(ScoreResponse, await batcher.submit(request, max(1, request.size)))

    @app.post("/step", responses=_PROBLEMS)
    async def step(request: StepRequest) -> StepResponse:
        """Score the next messages of a conversation, and return the state for those after them."""
        return cast(StepResponse, await batcher.submit(request, len(request.messages)))

    @app.get("/health")
    async def health() -> Health:
        """Say that requests are answered."""
        return Health(status="ok", model=answerer.model, version=__version__)

    @app.get("/metrics", response_class=PlainTextResponse)
    async def figures(accept: Annotated[str | None, Header()] = None) -> Response:
        """Return counts and times as Prometheus reads them."""
        del accept
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return app


def _known(header: str, keys: Mapping[str, str]) -> bool:
    scheme, _, key = header.partition(" ")
    return scheme.lower() == "bearer" and hash_of(key.strip()) in keys


def _handle_errors(app: FastAPI) -> None:
    """Answer errors without anything that a request held."""

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        fields = {*ScoreRequest.model_fields, *StepRequest.model_fields, "message_id", "speaker", "text", "kind", "body"}
        problems = []
        for problem in error.errors()[:20]:
            place = ".".join(str(part) if isinstance(part, int) or part in fields else "?" for part in problem["loc"])
            problems.append({"where": place, "problem": _MESSAGES.get(problem["type"], problem["type"])})
        return JSONResponse({"detail": "the request is not valid", "problems": problems}, 422)

    @app.exception_handler(SafelightError)
    async def refused(_: Request, error: SafelightError) -> Response:
        return JSONResponse({"detail": str(error)}, 422)

    @app.exception_handler(QueueFull)
    async def full(_: Request, error: QueueFull) -> Response:
        headers = {"Retry-After": str(error.retry_after)}
        return JSONResponse({"detail": "too many messages wait: come again later"}, 503, headers=headers)

    @app.exception_handler(HTTPException)
    async def other(_: Request, error: HTTPException) -> Response:
        return JSONResponse({"detail": str(error.detail)}, error.status_code, headers=error.headers)


_MESSAGES = {
    "extra_forbidden": "a field that is not known here",
    "missing": "the field is missing",
    "string_too_long": "the text is too long",
    "too_long": "there are too many",
    "too_short": "there are too few",
    "value_error": "two conversations have the same id, or there are too many messages in all",
    "json_invalid": "not JSON",
}
