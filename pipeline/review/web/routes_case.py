"""One conversation: reading it, revealing a message, deciding, correcting, and handing it on."""

from __future__ import annotations

import hashlib
from typing import Any, cast

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from pipeline.errors import DecidedMeanwhile, ReviewError
from pipeline.report.view import ConversationView, GapView, MessageView, conversation_view
from pipeline.results import CONVERSATIONS, SCORES, Run
from pipeline.review.accounts import all_readers
from pipeline.review.audit import append, entries
from pipeline.review.care import note_work, pause_due
from pipeline.review.decisions import confirm, correct, current_decision, decide, read_corrections, read_decisions, undo
from pipeline.review.locks import assign, lock_of, release, take_lock
from pipeline.review.queue import QueueRow, same_speaker
from pipeline.review.records import Kind
from pipeline.review.sessions import still_here
from pipeline.review.web.desk import Acting, AtDesk, Looking, Refused, ours, require, to, working

router = APIRouter(prefix="/c/{number:int}")


@router.get("")
def conversation(request: Request, desk: AtDesk, asking: Looking, number: int) -> Response:
    """Show a conversation, and take it to work on unless somebody else does. A pause comes first when one is due."""
    row, run, first_row, summary_row = desk.conversation(number)
    with desk.store.reading() as connection:
        if pause_due(connection, asking.reader):
            return to("/pause", next=f"/c/{number}")
    view = _view(run, row, first_row, summary_row)
    with desk.store.writing() as connection:
        locked_by = take_lock(connection, number, asking.reader)
        append(connection, asking.reader.name, "view", row.key.subject)
        still_here(connection, asking.session)
        severe = row.flagged and any(stage.found and stage.index * 2 >= len(view.stages) for stage in view.stages)
        note_work(connection, asking.reader, opened=True, severe=severe)
        made = list(read_decisions(connection, number=number))
        corrected = list(read_corrections(connection, number=number))
        others = same_speaker(connection, number, list(desk.runs))
        people = [reader.name for reader in all_readers(connection) if reader.active]
        history = list(entries(connection, subject=row.key.subject))
    desk.noted()
    return desk.page(
        "case.html",
        asking,
        row=row,
        c=view,
        locked_by=locked_by,
        decisions=made,
        current=next((decision for decision in reversed(made) if decision.current), None),
        corrections={(correction.position, correction.reader): correction for correction in corrected},
        others=others,
        people=people,
        history=history,
        packs=desk.pack_key is not None,
        back=ours(request.query_params.get("back")),
        **_of_run(run),
    )


def _view(run: Run, row: QueueRow, first_row: int, summary_row: int, *, whole: bool = False) -> ConversationView:
    messages = run.rows_at(SCORES, first_row, row.messages)
    (summary,) = run.rows_at(CONVERSATIONS, summary_row, 1) or [None]
    ours = summary is not None and summary["conversation_id"] == row.key.conversation_id
    if summary is None or not ours or any(message["conversation_id"] != row.key.conversation_id for message in messages):
        raise ReviewError("the results are not those that the store knows", do="Start `safelight review` again on this run")
    return conversation_view(run, summary, messages, row.number, **({"shown_whole": row.messages} if whole else {}))


def _of_run(run: Run) -> dict[str, Any]:
    """Return what a page says of the run: stages by index and by key, the threshold, the model, whether text was kept."""
    return {
        "taxonomy": run.taxonomy,
        "stage_names": {stage.key: stage.name for stage in run.taxonomy.stages},
        "threshold": run.thresholds.risk,
        "model": run.record["model"],
        "text": run.record["settings"]["text"],
    }


@router.get("/rows")
def more_rows(desk: AtDesk, asking: Looking, number: int, first: int, last: int) -> Response:
    """Show rows that a long conversation left out, at most 200 at once."""
    row, run, first_row, summary_row = desk.conversation(number)
    view = _view(run, row, first_row, summary_row, whole=True)
    until = min(last, first + 199)
    rows: list[MessageView | GapView] = [
        message for message in view.rows if isinstance(message, MessageView) and first <= message.position <= until
    ]
    if until < last:
        rows.append(GapView(until + 1, last))
    return desk.fragment("rows.html", rows=rows, c=view, reader=asking.reader, corrections={}, **_of_run(run))


@router.post("/reveal/{position:int}")
def reveal(desk: AtDesk, asking: Acting, number: int, position: int) -> Response:
    """Show the words of one message."""
    if asking.reader.content_free:
        raise Refused("Content-free mode shows no words. Leave it in your settings to read.")
    row, run, first_row, summary_row = desk.conversation(number)
    if not 1 <= position <= row.messages:
        raise ReviewError("there is no such message", do="Load the page again")
    view = _view(run, row, first_row, summary_row, whole=True)
    message = cast(MessageView, view.rows[position - 1])
    with desk.store.writing() as connection:
        append(connection, asking.reader.name, "reveal", row.key.subject, position=position)
    working(desk, asking)
    desk.noted()
    return desk.fragment("words.html", m=message)


@router.post("/name/{slot}")
def reveal_name(desk: AtDesk, asking: Acting, number: int, slot: str) -> Response:
    """Show the name of a speaker."""
    if asking.reader.content_free:
        raise Refused("Content-free mode shows no names. Leave it in your settings to read.")
    row, run, first_row, summary_row = desk.conversation(number)
    view = _view(run, row, first_row, summary_row)
    with desk.store.writing() as connection:
        append(connection, asking.reader.name, "reveal name", row.key.subject, slot=slot[:8])
    desk.noted()
    return desk.fragment("name.html", name=next((speaker.name for speaker in view.speakers if speaker.slot == slot), None))


@router.post("/decide")
def make_decision(desk: AtDesk, asking: Acting, number: int) -> Response:
    """Keep a decision, and go back to the queue."""
    desk.conversation(number)
    kind, seen, note = asking.text("kind"), asking.text("seen"), asking.text("note")
    try:
        with desk.store.writing() as connection:
            made = decide(
                connection,
                number,
                cast(Kind, kind),
                reason=asking.text(f"reason-{kind}"),
                note=note,
                reader=asking.reader,
                seen=int(seen) if seen.isdecimal() else None,
            )
    except DecidedMeanwhile as error:  # what the reader wrote is given back
        about = {"title": "Somebody was quicker", "what": error.what, "do": error.do, "back": f"/c/{number}", "note": note}
        return desk.page("problem.html", asking, status=409, **about)
    working(desk, asking)
    desk.noted()
    return _on(asking, decided=made.kind, decision=str(made.id), of=str(number))


@router.post("/confirm/{decision:int}")
def second_reader(desk: AtDesk, asking: Acting, number: int, decision: int) -> Response:
    """Note that a second reader agrees."""
    desk.conversation(number)
    with desk.store.writing() as connection:
        _require_seen(current_decision(connection, number), decision)
        confirm(connection, decision, reader=asking.reader)
    working(desk, asking)
    desk.noted()
    return to(f"/c/{number}")


@router.post("/undo/{decision:int}")
def take_back(desk: AtDesk, asking: Acting, number: int, decision: int) -> Response:
    """Take a decision back."""
    desk.conversation(number)
    with desk.store.writing() as connection:
        _require_seen(current_decision(connection, number), decision)
        undo(connection, decision, reader=asking.reader)
    desk.noted()
    return to(f"/c/{number}")


def _require_seen(current: Any, decision: int) -> None:
    if current is None or current.id != decision:
        raise ReviewError("this is not the decision that holds", do="Look at the conversation again")


@router.post("/correct/{position:int}")
def correct_stages(desk: AtDesk, asking: Acting, number: int, position: int) -> Response:
    """Keep which stages a message carries by the reader's judgement."""
    row, run, first_row, _ = desk.conversation(number)
    message = next(iter(run.rows_at(SCORES, first_row + position - 1, 1)), None)
    if message is None or message["conversation_id"] != row.key.conversation_id or message["position"] != position:
        raise ReviewError("there is no such message", do="Load the page again")
    stages = [stage for stage in asking.form.getlist("stage") if stage in run.taxonomy.keys]
    with desk.store.writing() as connection:
        kept = correct(
            connection,
            number,
            message_id=message["message_id"],
            position=position,
            stages=[str(stage) for stage in stages],
            reader=asking.reader,
        )
    desk.noted()
    return desk.fragment("corrected.html", kept=kept, stage_names={stage.key: stage.name for stage in run.taxonomy.stages})


@router.post("/pack")
def referral_pack(desk: AtDesk, asking: Acting, number: int) -> Response:
    """Make the referral pack of a decided conversation; the unredacted one is a lead's right."""
    from pipeline.review.pack import make_pack
    from pipeline.review.referral.signing import read_private_key

    row, run, *_ = desk.conversation(number)
    redacted = not asking.text("unredacted")
    if not redacted:
        require(asking, "lead")
    if desk.pack_key is None:
        raise ReviewError("packs are signed, and there is no key", do="Start the review with --pack-key")
    key = read_private_key(desk.pack_key)
    with desk.store.reading() as connection:
        made = list(read_decisions(connection, number=number))
        lines = list(entries(connection, subject=row.key.subject))
    content = make_pack(run, row.key.conversation_id, decisions=made, audit=lines, key=key, redacted=redacted)
    digest = hashlib.sha256(content).hexdigest()
    with desk.store.writing() as connection:
        append(connection, asking.reader.name, "export", row.key.subject, redacted=redacted, sha256=digest)
    desk.noted()
    name = f"referral-{number}{'' if redacted else '-unredacted'}.zip"
    return Response(content, media_type="application/zip", headers={"Content-Disposition": f'attachment; filename="{name}"'})


@router.post("/assign")
def assign_to(desk: AtDesk, asking: Acting, number: int) -> Response:
    """Say whose a conversation is."""
    row, *_ = desk.conversation(number)
    with desk.store.writing() as connection:
        assign(connection, row.key, number, asking.text("assignee") or None, reader=asking.reader)
    desk.noted()
    return to(f"/c/{number}")


@router.post("/here")
def still_reading(desk: AtDesk, asking: Acting, number: int) -> Response:
    """Keep the lock while the page is open; the page says so every few minutes."""
    with desk.store.writing() as connection:
        if lock_of(connection, number) == asking.reader.name:
            take_lock(connection, number, asking.reader)
            still_here(connection, asking.session)
    return Response(status_code=204)


@router.post("/leave")
def leave(desk: AtDesk, asking: Acting, number: int) -> Response:
    """Give the conversation free and go back to the queue."""
    del number
    with desk.store.writing() as connection:
        release(connection, asking.reader)
    return _on(asking)


@router.post("/take-over")
def take_over(desk: AtDesk, asking: Acting, number: int) -> Response:
    """Take a conversation from whoever works on it: a lead's right."""
    require(asking, "lead")
    row, *_ = desk.conversation(number)
    with desk.store.writing() as connection:
        before = lock_of(connection, number)
        take_lock(connection, number, asking.reader, over=True)
        append(connection, asking.reader.name, "take over", row.key.subject, before=before)
    desk.noted()
    return to(f"/c/{number}")


def _on(asking: Any, **query: str) -> Response:
    """Go back to the queue that the reader came from."""
    back = ours(asking.text("back"))
    path, _, before = back.partition("?")
    response = to(path, **query)
    if before and path == "/":
        glue = "&" if "?" in response.headers["location"] else "?"
        response.headers["location"] += f"{glue}{before}"
    return response
