"""The work around the reading: notes and tasks, many dismissals at once, saved filters, and how many alerts a cut makes a day."""

from __future__ import annotations

import json

import numpy as np
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from pipeline.errors import ReviewError
from pipeline.results.budget import CANNOT_KNOW, days_spanned, risks_of
from pipeline.review.bulk import dismiss_all, undo_all
from pipeline.review.notes import add_note, end_note, open_for
from pipeline.review.precision import CANNOT_TELL, CUTS, precision_by_cut
from pipeline.review.saved_filters import drop_filter, save_filter
from pipeline.review.web.app_state import Acting, CurrentAppState, Looking, ours, to, working

router = APIRouter()

_STEPS = 201


@router.post("/c/{number:int}/note")
def keep_note(app_state: CurrentAppState, asking: Acting, number: int) -> Response:
    """Keep a note on a conversation, without a decision."""
    app_state.conversation(number)
    with app_state.store.writing() as connection:
        add_note(connection, number, asking.text("note"), task=bool(asking.text("task")), reader=asking.reader)
    working(app_state, asking)
    app_state.noted()
    return to(f"/c/{number}", back=ours(asking.text("back")))


@router.get("/tasks")
def tasks(app_state: CurrentAppState, asking: Looking) -> Response:
    """Show the open notes and tasks for the reader."""
    with app_state.store.reading() as connection:
        open_tasks = open_for(connection, asking.reader)
    return app_state.page("tasks.html", asking, tasks=open_tasks)


@router.post("/tasks/{note_id:int}/done")
def done(app_state: CurrentAppState, asking: Acting, note_id: int) -> Response:
    """Say that a task is done, or that a note was read."""
    with app_state.store.writing() as connection:
        end_note(connection, note_id, reader=asking.reader)
    app_state.noted()
    return to("/tasks")


@router.post("/bulk/dismiss")
def dismiss_many(app_state: CurrentAppState, asking: Acting) -> Response:
    """Dismiss the chosen conversations of a page of the queue for one reason."""
    chosen = [text for text in asking.form.getlist("number") if isinstance(text, str) and text.isdecimal() and len(text) < 10]
    for text in chosen:
        app_state.conversation(int(text))
    with app_state.store.writing() as connection:
        made = dismiss_all(
            connection, list(map(int, chosen)), reason=asking.text("reason"), note=asking.text("note"), reader=asking.reader
        )
    working(app_state, asking)
    app_state.noted()
    for decision in made:
        app_state.tell("decide", decision)
    path, _, query = ours(asking.text("back")).partition("?")
    address = to(path, bulk=" ".join(str(decision.id) for decision in made)).headers["location"]
    return Response(status_code=303, headers={"location": f"{address}&{query}" if query else address})


@router.post("/bulk/undo")
def undo_many(app_state: CurrentAppState, asking: Acting) -> Response:
    """Take the dismissals back that were made at once."""
    ids = [int(text) for text in asking.text("decisions").split() if text.isdecimal() and len(text) < 10]
    with app_state.store.writing() as connection:
        taken = undo_all(connection, ids[:100], reader=asking.reader)
    app_state.noted()
    for decision in taken:
        app_state.tell("undo", decision)
    return to("/")


@router.post("/filters")
def keep_filter(app_state: CurrentAppState, asking: Acting) -> Response:
    """Keep the filter of the queue under a name."""
    query = asking.text("query")
    with app_state.store.writing() as connection:
        save_filter(connection, asking.text("name"), query, team=bool(asking.text("team")), reader=asking.reader)
    app_state.noted()
    return Response(status_code=303, headers={"location": ours(f"/?{query}")})


@router.post("/filters/{filter_id:int}/delete")
def delete_filter(app_state: CurrentAppState, asking: Acting, filter_id: int) -> Response:
    """Delete a saved filter."""
    with app_state.store.writing() as connection:
        drop_filter(connection, filter_id, reader=asking.reader)
    app_state.noted()
    return to("/")


@router.get("/cuts")
def cuts(request: Request, app_state: CurrentAppState, asking: Looking) -> Response:
    """Show how many alerts a day each threshold of the risk makes, by the scores of the open runs."""
    run_id = request.query_params.get("run", "")
    run = app_state.runs.get(run_id) or next(iter(app_state.runs.values()), None)
    if run is None:
        raise ReviewError("no run is open", do="Start the review with one")
    risks = risks_of(run)
    days = days_spanned(run)
    per_day = request.query_params.get("per_day", "")
    chosen = int(per_day) if per_day.isdecimal() and 0 < len(per_day) < 9 and int(per_day) else None
    daily = chosen or max(1, round(len(risks) / (days or 1)))
    steps = np.linspace(0.0, 1.0, _STEPS)
    flagged = len(risks) - np.searchsorted(risks[::-1], steps, side="left") if len(risks) else np.zeros(_STEPS, int)
    shares = [round(float(count) / max(1, len(risks)), 6) for count in flagged]
    now = float(run.thresholds.risk)
    with app_state.store.reading() as connection:
        decided = precision_by_cut(connection, [run.id])
    at_now = float((risks >= now).sum()) / max(1, len(risks))
    return app_state.page(
        "alert_budget.html",
        asking,
        run=run,
        run_id=run_id,
        runs=app_state.runs,
        total=len(risks),
        days=days,
        per_day=daily,
        shares=json.dumps(shares),
        rows=[(step, round(shares[int(step * 200)] * daily, 1)) for step in CUTS],
        now=now,
        at_now=at_now * daily,
        cannot_know=CANNOT_KNOW,
        decided=decided,
        cannot_tell=CANNOT_TELL,
    )
