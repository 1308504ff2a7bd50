"""One conversation: reading it, revealing a message, and handing it on."""

from __future__ import annotations

import hashlib
from typing import cast

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from pipeline.errors import ReviewError
from pipeline.report.page import GapView, MessageView
from pipeline.review.audit import append, entries
from pipeline.review.care import note_work, pause_due
from pipeline.review.decisions import read_decisions
from pipeline.review.locks import assign, lock_of, release, take_lock
from pipeline.review.policy import watch_reveals
from pipeline.review.samples import reading_to_do_of
from pipeline.review.sessions import still_here
from pipeline.review.translate import is_installed
from pipeline.review.web.app_state import Acting, CurrentAppState, Looking, Refused, ours, require, to, working
from pipeline.review.web.conversation_view import case_page, of_case, on, open_case, said_of
from pipeline.text.slang import spelled_out

router = APIRouter(prefix="/c/{number:int}")


@router.get("")
def conversation(request: Request, app_state: CurrentAppState, asking: Looking, number: int) -> Response:
    """Show a conversation, and take it to work on unless somebody else does. A pause comes first when one is due."""
    with app_state.store.reading() as connection:
        if pause_due(connection, asking.reader):
            return to("/pause", next=f"/c/{number}")
        if (reading := reading_to_do_of(connection, number, asking.reader)) is not None:
            return to(f"/blind/{reading}")
    case = open_case(app_state, number, language=asking.reader.language)
    row = case.row
    with app_state.store.writing() as connection:
        locked_by = take_lock(connection, number, asking.reader)
        append(connection, asking.reader.name, "view", row.key.subject)
        still_here(connection, asking.session)
        note_work(connection, asking.reader, opened=True, severe=row.severe)
    app_state.noted()
    back = ours(request.query_params.get("back"))
    return case_page(app_state, asking, case, back=back, locked_by=locked_by, said=said_of(request.query_params))


@router.get("/rows")
def more_rows(app_state: CurrentAppState, asking: Looking, number: int, first: int, last: int) -> Response:
    """Show rows that a long conversation left out, at most 200 at once."""
    case = open_case(app_state, number, whole=True)
    until = min(last, first + 199)
    rows: list[MessageView | GapView] = [
        message for message in case.view.rows if isinstance(message, MessageView) and first <= message.position <= until
    ]
    if until < last:
        rows.append(GapView(until + 1, last))
    return app_state.fragment("timeline_rows.html", rows=rows, c=case.view, reader=asking.reader, corrections={}, **of_case(case))


@router.post("/reveal/{position:int}")
def reveal(app_state: CurrentAppState, asking: Acting, number: int, position: int) -> Response:
    """Show the words of one message."""
    if asking.reader.content_free:
        raise Refused("Content-free mode shows no words. Leave it in your settings to read.")
    row, *_ = app_state.conversation(number)
    if not 1 <= position <= row.messages:
        raise ReviewError("there is no such message", do="Load the page again")
    case = open_case(app_state, number, whole=True, words=True)
    message = cast(MessageView, case.view.rows[position - 1])
    with app_state.store.writing() as connection:
        append(connection, asking.reader.name, "reveal", row.key.subject, position=position)
        watch_reveals(connection, asking.reader)
    working(app_state, asking)
    app_state.noted()
    about = {"spelled_out": spelled_out, "translates": is_installed(), "blind": app_state.reads_blind(number, asking.reader)}
    return app_state.fragment("revealed_words.html", m=message, number=number, oob=False, **about)


@router.post("/name/{slot}")
def reveal_name(app_state: CurrentAppState, asking: Acting, number: int, slot: str) -> Response:
    """Show the name of a speaker."""
    if asking.reader.content_free:
        raise Refused("Content-free mode shows no names. Leave it in your settings to read.")
    case = open_case(app_state, number, words=True)
    with app_state.store.writing() as connection:
        append(connection, asking.reader.name, "reveal name", case.row.key.subject, slot=slot[:8])
        watch_reveals(connection, asking.reader)
    app_state.noted()
    name = next((speaker.name for speaker in case.view.speakers if speaker.slot == slot), None)
    return app_state.fragment("revealed_name.html", name=name)


@router.post("/pack")
def referral_pack(app_state: CurrentAppState, asking: Acting, number: int) -> Response:
    """Make the referral pack of a decided conversation; the unredacted one is a lead's right."""
    from pipeline.review.pack import make_pack
    from pipeline.review.referral.signing import read_private_key

    case = open_case(app_state, number)
    row, run = case.row, case.run
    redacted = not asking.text("unredacted")
    if not redacted:
        require(asking, "lead")
    if app_state.pack_key is None:
        raise ReviewError("packs are signed, and there is no key", do="Start the review with --pack-key")
    key = read_private_key(app_state.pack_key)
    original = None
    if run.record["settings"]["text"] != "include" and case.missing is None:
        original = app_state.originals.conversation(run, case.conversation, case.messages)
    with app_state.store.reading() as connection:
        made = list(read_decisions(connection, number=number))
        lines = list(entries(connection, subject=row.key.subject))
    content = make_pack(run, row.key.conversation_id, decisions=made, audit=lines, key=key, redacted=redacted, original=original)
    digest = hashlib.sha256(content).hexdigest()
    with app_state.store.writing() as connection:
        append(connection, asking.reader.name, "export", row.key.subject, redacted=redacted, sha256=digest)
    app_state.noted()
    name = f"referral-{number}{'' if redacted else '-unredacted'}.zip"
    return Response(content, media_type="application/zip", headers={"Content-Disposition": f'attachment; filename="{name}"'})


@router.post("/assign")
def assign_to(app_state: CurrentAppState, asking: Acting, number: int) -> Response:
    """Say whose a conversation is."""
    row, *_ = app_state.conversation(number)
    with app_state.store.writing() as connection:
        assign(connection, row.key, number, asking.text("assignee") or None, reader=asking.reader)
    app_state.noted()
    return to(f"/c/{number}")


@router.post("/here")
def still_reading(app_state: CurrentAppState, asking: Acting, number: int) -> Response:
    """Keep the lock while the page is open; the page says so every few minutes."""
    with app_state.store.writing() as connection:
        if lock_of(connection, number) == asking.reader.name:
            take_lock(connection, number, asking.reader)
            still_here(connection, asking.session)
    return Response(status_code=204)


@router.post("/leave")
def leave(request: Request, app_state: CurrentAppState, asking: Acting, number: int) -> Response:
    """Give the conversation free and go back to the queue."""
    del number
    with app_state.store.writing() as connection:
        release(connection, asking.reader)
    return on(request, asking)


@router.post("/take-over")
def take_over(app_state: CurrentAppState, asking: Acting, number: int) -> Response:
    """Take a conversation from whoever works on it: a lead's right."""
    require(asking, "lead")
    row, *_ = app_state.conversation(number)
    with app_state.store.writing() as connection:
        before = lock_of(connection, number)
        take_lock(connection, number, asking.reader, over=True)
        append(connection, asking.reader.name, "take over", row.key.subject, before=before)
    app_state.noted()
    return to(f"/c/{number}")
