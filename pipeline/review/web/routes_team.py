"""What a lead looks after: the team's queues and how long they wait, and the shadow models."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qsl

from fastapi import APIRouter
from starlette.datastructures import QueryParams
from starlette.responses import Response

from pipeline.errors import ReviewError
from pipeline.review.deadlines import service_level
from pipeline.review.policy import read_policy
from pipeline.review.precision import CANNOT_TELL
from pipeline.review.queue import every_condition
from pipeline.review.saved_filters import filters_for
from pipeline.review.shadow import all_shadows, compare
from pipeline.review.web.app_state import CurrentAppState, Looking, require
from pipeline.review.web.routes_queue import wanted_of

router = APIRouter()


@router.get("/queues")
def queues(app_state: CurrentAppState, asking: Looking) -> Response:
    """Show the saved queues; what waits in each is asked for by the page, since there may be many."""
    now = datetime.now(UTC)
    with app_state.store.reading() as connection:
        saved = filters_for(connection, asking.reader)
        wanted = wanted_of(app_state, QueryParams())
        level = service_level(connection, every_condition(connection, wanted), now=now)
        policy = read_policy(connection)
    return app_state.page("queues.html", asking, saved=saved, level=level, policy=policy, now=now)


@router.get("/queues/{number:int}")
def one_queue(app_state: CurrentAppState, asking: Looking, number: int) -> Response:
    """Show the row of one saved queue: how many wait in it, how many are late, and since when the oldest waits."""
    now = datetime.now(UTC)
    with app_state.store.reading() as connection:
        saved = next((each for each in filters_for(connection, asking.reader) if each.id == number), None)
        if saved is None:
            raise ReviewError("there is no such queue", do="Go back to the queues")
        wanted = wanted_of(app_state, QueryParams(parse_qsl(saved.query)))
        level = service_level(connection, every_condition(connection, wanted), now=now)
    return app_state.fragment("queue_level.html", name=saved.name, query=saved.query, team=saved.team, level=level, now=now)


@router.get("/shadow")
def shadow_page(app_state: CurrentAppState, asking: Looking) -> Response:
    """Show what shadow models would have flagged, beside what was flagged and decided."""
    require(asking, "lead")
    with app_state.store.reading() as connection:
        compared = [(shadow, compare(connection, shadow)) for shadow in all_shadows(connection, list(app_state.runs))]
    return app_state.page("shadow.html", asking, compared=compared, runs=app_state.runs, cannot_tell=CANNOT_TELL)
