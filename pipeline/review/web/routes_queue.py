"""The queue, and the pause that comes before the next conversation."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import cast
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from pipeline.review.accounts import all_readers
from pipeline.review.audit import append
from pipeline.review.care import PAUSE, end_pause, pause_due
from pipeline.review.deadlines import service_level
from pipeline.review.headlines import headline_of
from pipeline.review.precision import dismissals
from pipeline.review.queue import ORDERS, STATES, Order, State, Wanted, counts, digest_of, queue_page
from pipeline.review.samples import readings_to_do
from pipeline.review.saved_filters import filters_for
from pipeline.review.schema import conversations
from pipeline.review.web.app_state import Acting, AppState, CurrentAppState, Looking, ours, to
from pipeline.review.web.conversation_view import said_of

router = APIRouter()


@router.get("/")
def queue(request: Request, app_state: CurrentAppState, asking: Looking) -> Response:
    """Show a page of the queue."""
    if not app_state.runs:  # `safelight practice`
        return to("/practice")
    query = request.query_params
    wanted = wanted_of(app_state, query)
    now = datetime.now(UTC)
    with app_state.store.writing() if wanted.speaker or wanted.text else app_state.store.reading() as connection:
        page = queue_page(connection, wanted, after=query.get("after"), before=query.get("before"))
        tallies = counts(connection, wanted.runs)
        saved = filters_for(connection, asking.reader)
        level = service_level(connection, [conversations.c.run_id.in_(wanted.runs)], now=now)
        drift = dismissals(connection, wanted.runs, now=now) if asking.reader.may("lead") else None
        people = [reader.name for reader in all_readers(connection) if reader.active]
        blind = {reading.conversation for reading in readings_to_do(connection, asking.reader)}
        if wanted.speaker:
            append(connection, asking.reader.name, "search", speaker=digest_of(wanted.speaker), found=len(page.rows))
        elif wanted.text:
            append(connection, asking.reader.name, "search", found=len(page.rows))
    kept = {name: value for name, value in query.items() if name in _FILTERS and value}
    return app_state.page(
        "queue.html",
        asking,
        page=page,
        called={row.number: app_state.name_of(asking.reader, row) for row in page.rows},
        blind=blind,
        headlines={row.number: headline_of(app_state.runs[row.key.run_id], row, asking.reader.language) for row in page.rows},
        wanted=wanted,
        counts=tallies,
        platforms=app_state.platforms,
        people=people,
        states=STATES,
        orders=ORDERS,
        stages=_stages(app_state),
        runs=app_state.runs,
        kept=kept,
        said=said_of(query),
        saved=saved,
        level=level,
        drift=drift,
        query=urlencode(kept),
        bulk=[part for part in query.get("bulk", "").split() if part.isdecimal()],
        names=_NAMES,
        here=_here(request),
    )


_FILTERS = ("state", "order", "stage", "platform", "assignee", "speaker", "q", "flagged", "since", "until", "run")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def wanted_of(app_state: AppState, query: QueryParams) -> Wanted:
    """Return which conversations an address of the queue asks for."""
    state, order = query.get("state", "open"), query.get("order", "risk")
    stage = query.get("stage", "")
    run = query.get("run", "")
    chosen = order if order in ORDERS and (order != "stage" or stage) else "risk"
    return Wanted(
        runs=[run] if run in app_state.runs else list(app_state.runs),
        state=cast(State, state if state in STATES else "open"),
        order=cast(Order, chosen),
        stage=stage if stage in _stages(app_state) else "",
        platform=query.get("platform", ""),
        assignee=query.get("assignee", ""),
        speaker=query.get("speaker", "").strip(),
        text=query.get("q", "").strip()[:200],
        flagged=bool(query.get("flagged")),
        since=_day(query.get("since", "")),
        until=_day(query.get("until", "")),
    )


def _day(text: str) -> str:
    return text if _DAY.fullmatch(text) else ""


def _stages(app_state: AppState) -> dict[str, tuple[int, str]]:
    """Return the stages of the open runs: key -> place among its taxonomy, and name."""
    return {stage.key: (index, stage.name) for run in app_state.runs.values() for index, stage in enumerate(run.taxonomy.stages)}


def _here(request: Request) -> str:
    """Return the page's own address, without what was said on it."""
    said = ("decided", "decision", "of", "bulk")
    kept = [(name, value) for name, value in request.query_params.multi_items() if value and name not in said]
    return f"/?{urlencode(kept)}" if kept else "/"


_NAMES = {
    "open": "Open",
    "awaiting": "Second reader",
    "dismiss": "Dismissed",
    "watch": "Watched",
    "escalate": "Escalated",
    "refer": "Referred",
    "all": "All",
}


@router.get("/pause")
def pause(app_state: CurrentAppState, asking: Looking, next: str = "/") -> Response:  # noqa: A002 - the name in the address
    """Suggest a pause."""
    with app_state.store.reading() as connection:
        why = pause_due(connection, asking.reader)
    return app_state.page("pause.html", asking, why=why, next=ours(next), seconds=int(PAUSE.total_seconds()))


@router.post("/pause")
def pause_over(app_state: CurrentAppState, asking: Acting) -> Response:
    """Go on, after the pause or without it."""
    with app_state.store.writing() as connection:
        end_pause(connection, asking.reader, taken=asking.text("taken") == "yes")
    app_state.noted()
    return to(ours(asking.text("next")))
