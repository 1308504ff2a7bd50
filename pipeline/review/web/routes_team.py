"""What a lead looks after: the team's queues and how long they wait, and the shadow models."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qsl

from fastapi import APIRouter
from starlette.datastructures import QueryParams
from starlette.responses import Response

from pipeline.review.deadlines import ServiceLevel, service_level
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
    """Show the saved queues: how many wait in each, how many are late, and since when the oldest waits."""
    now = datetime.now(UTC)
    levels: list[tuple[str, str, bool, ServiceLevel]] = []
    with app_state.store.reading() as connection:
        saved = [("Everything", "", True), *((each.name, each.query, each.team) for each in filters_for(connection, asking.reader))]
        for name, query, team in saved:
            wanted = wanted_of(app_state, QueryParams(parse_qsl(query)))
            levels.append((name, query, team, service_level(connection, every_condition(connection, wanted), now=now)))
        policy = read_policy(connection)
    return app_state.page("queues.html", asking, levels=levels, policy=policy, now=now)


@router.get("/shadow")
def shadow_page(app_state: CurrentAppState, asking: Looking) -> Response:
    """Show what shadow models would have flagged, beside what was flagged and decided."""
    require(asking, "lead")
    with app_state.store.reading() as connection:
        compared = [(shadow, compare(connection, shadow)) for shadow in all_shadows(connection, list(app_state.runs))]
    return app_state.page("shadow.html", asking, compared=compared, runs=app_state.runs, cannot_tell=CANNOT_TELL)
