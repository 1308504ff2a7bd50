"""Deciding on a conversation: the decision, the second reader, taking it back, and corrections of stages."""

from __future__ import annotations

from typing import Any, cast

from fastapi import APIRouter
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from pipeline.errors import DecidedMeanwhile, ReviewError
from pipeline.review.decisions import confirm, correct, current_decision, decide, undo
from pipeline.review.locks import lock_of
from pipeline.review.queue import queue_page
from pipeline.review.records import KINDS, Kind
from pipeline.review.web.app_state import Acting, AppState, Asking, CurrentAppState, Looking, ours, to, working
from pipeline.review.web.conversation_view import Form, case_page, decision_card, in_place, must_read, on, open_case
from pipeline.review.web.routes_queue import wanted_of

router = APIRouter(prefix="/c/{number:int}")


@router.get("/decision")
def decision(request: Request, app_state: CurrentAppState, asking: Looking, number: int) -> Response:
    """Show the card of the decision again, after the messages that a second reader must read were revealed."""
    case = open_case(app_state, number, whole=True)
    back = ours(request.query_params.get("back"))
    return decision_card(app_state, asking, case, back=back, locked_by=_other(app_state, asking, number))


@router.post("/decide")
def make_decision(request: Request, app_state: CurrentAppState, asking: Acting, number: int) -> Response:
    """Keep a decision, and go back to the queue. What will not do is said on the form, which stays as it was filled in."""
    app_state.conversation(number)
    kind, seen, note = asking.text("kind"), asking.text("seen"), asking.text("note")
    if kind not in ("", *KINDS):
        raise ReviewError("there is no such decision", do=f"Choose from {', '.join(KINDS)}")
    form = {"kind": kind, "reason": asking.text(f"reason-{kind}"), "note": note}
    try:
        if not kind:
            raise ReviewError("no decision was chosen", do="Choose one")
        with app_state.store.writing() as connection:
            made = decide(
                connection,
                number,
                cast(Kind, kind),
                reason=form["reason"],
                note=note,
                reader=asking.reader,
                seen=int(seen) if seen.isdecimal() else None,
            )
    except DecidedMeanwhile as error:  # what the reader wrote is given back
        if in_place(request):
            return _again(request, app_state, asking, number, form, error, status=409)
        about = {"title": "Somebody was quicker", "what": error.what, "do": error.do, "back": f"/c/{number}", "note": note}
        return app_state.page("problem.html", asking, status=409, **about)
    except ReviewError as error:
        return _again(request, app_state, asking, number, form, error, status=422)
    working(app_state, asking)
    app_state.noted()
    app_state.tell("decide", made)
    said = {"decided": made.kind, "decision": str(made.id), "of": str(number)}
    if asking.text("go") == "next" and (following := _next(app_state, asking)) is not None:
        address = to(f"/c/{following}", back=ours(asking.text("back")), **said).headers["location"]
        if in_place(request):
            return Response(status_code=200, headers={"HX-Redirect": address})
        return Response(status_code=303, headers={"location": address})
    return on(request, asking, **said)


def _next(app_state: AppState, asking: Asking) -> int | None:
    """Return the first conversation of the queue that the reader came from, that nobody else works on."""
    wanted = wanted_of(app_state, QueryParams(ours(asking.text("back")).partition("?")[2]))
    with app_state.store.reading() as connection:
        rows = queue_page(connection, wanted).rows
    return next((row.number for row in rows if row.locked_by in (None, asking.reader.name)), None)


def _again(
    request: Request, app_state: AppState, asking: Asking, number: int, form: Form, error: ReviewError, *, status: int
) -> Response:
    """Show the form as it was filled in, with what is wrong; alone where htmx asks, else on the page."""
    about = {"back": ours(asking.text("back")), "locked_by": _other(app_state, asking, number), "form": form, "problem": str(error)}
    if in_place(request):
        return decision_card(app_state, asking, open_case(app_state, number, whole=True), status=status, **about)
    return case_page(app_state, asking, open_case(app_state, number, language=asking.reader.language), status=status, **about)


def _other(app_state: AppState, asking: Asking, number: int) -> str | None:
    with app_state.store.reading() as connection:
        held = lock_of(connection, number)
    return None if held == asking.reader.name else held


@router.post("/confirm/{decision_id:int}")
def second_reader(app_state: CurrentAppState, asking: Acting, number: int, decision_id: int) -> Response:
    """Note that a second reader agrees."""
    needed = must_read(open_case(app_state, number, whole=True))
    with app_state.store.writing() as connection:
        _require_seen(current_decision(connection, number), decision_id)
        made = confirm(connection, decision_id, reader=asking.reader, must_read=needed)
    working(app_state, asking)
    app_state.noted()
    app_state.tell("confirm", made)
    return to(f"/c/{number}")


@router.post("/undo/{decision_id:int}")
def take_back(app_state: CurrentAppState, asking: Acting, number: int, decision_id: int) -> Response:
    """Take a decision back."""
    app_state.conversation(number)
    with app_state.store.writing() as connection:
        _require_seen(current_decision(connection, number), decision_id)
        undone = undo(connection, decision_id, reader=asking.reader)
    app_state.noted()
    app_state.tell("undo", undone)
    return to(f"/c/{number}")


def _require_seen(current: Any, decision_id: int) -> None:
    if current is None or current.id != decision_id:
        raise ReviewError("this is not the decision that holds", do="Look at the conversation again")


@router.post("/correct/{position:int}")
def correct_stages(app_state: CurrentAppState, asking: Acting, number: int, position: int) -> Response:
    """Keep which stages a message carries by the reader's judgement."""
    row, run, first_row, _ = app_state.conversation(number)
    message = next(iter(run.messages_at(first_row + position - 1, 1)), None)
    if message is None or message.conversation_id != row.key.conversation_id or message.position != position:
        raise ReviewError("there is no such message", do="Load the page again")
    stages = [stage for stage in asking.form.getlist("stage") if stage in run.taxonomy.keys]
    with app_state.store.writing() as connection:
        kept = correct(
            connection,
            number,
            message_id=message.message_id,
            position=position,
            stages=[str(stage) for stage in stages],
            reader=asking.reader,
        )
    app_state.noted()
    return app_state.fragment(
        "correction_kept.html", kept=kept, stage_names={stage.key: stage.name for stage in run.taxonomy.stages}
    )
