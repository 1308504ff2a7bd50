"""What the pages of one conversation share: its view, what must be read of it, and the card on which it is decided."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from pipeline.errors import ReviewError
from pipeline.report.page import ConversationView, MessageView
from pipeline.report.view import conversation_view
from pipeline.results import Run
from pipeline.review.accounts import all_readers
from pipeline.review.audit import entries
from pipeline.review.decisions import read_corrections, read_decisions
from pipeline.review.four_eyes import is_hidden, unread
from pipeline.review.queue import QueueRow, same_speaker
from pipeline.review.web.app_state import AppState, Asking, ours, to

Form = dict[str, str]
"""What stands in the form of a decision: kind, reason, note."""

EMPTY: Form = {"kind": "", "reason": "", "note": ""}


def view_of(run: Run, row: QueueRow, first_row: int, summary_row: int, *, whole: bool = False) -> ConversationView:
    """Return a conversation as a page shows it; ``whole``: with the rows far from any sign too.

    Raises
    ------
    ReviewError
        When the run's files are not those that the store knows.
    """
    messages = run.messages_at(first_row, row.messages)
    conversations = run.conversations_at(summary_row, 1)
    if not conversations or any(scored.conversation_id != row.key.conversation_id for scored in (*conversations, *messages)):
        raise ReviewError("the results are not those that the store knows", do="Start `safelight review` again on this run")
    return conversation_view(run, conversations[0], messages, row.number, **({"shown_whole": row.messages} if whole else {}))


def must_read(view: ConversationView) -> list[int]:
    """Return what a second reader must have revealed, by position: the message of the alert, and those that carry stages.

    A message of which nothing was kept cannot be revealed, and is left out.
    """
    rows = (row for row in view.rows if isinstance(row, MessageView))
    return [row.position for row in rows if (row.found or row.alert) and (row.text or row.notes)]


def of_run(run: Run) -> dict[str, Any]:
    """Return what a page says of the run: stages by index and by key, the threshold, the model, whether text was kept."""
    return {
        "taxonomy": run.taxonomy,
        "stage_names": {stage.key: stage.name for stage in run.taxonomy.stages},
        "threshold": run.thresholds.risk,
        "model": run.record["model"],
        "text": run.record["settings"]["text"],
    }


def deciding(connection: Connection, asking: Asking, row: QueueRow, view: ConversationView) -> dict[str, Any]:
    """Return what the card of the decision shows: the decision that holds, or that one waits and what is left to read."""
    made = list(read_decisions(connection, number=row.number))
    current = next((decision for decision in reversed(made) if decision.current), None)
    left = unread(connection, current, asking.reader, must_read(view)) if current else None
    return {"row": row, "decisions": made, "current": current, "left": left, "hidden": is_hidden(current, asking.reader, left)}


def case_page(
    app_state: AppState,
    asking: Asking,
    row: QueueRow,
    run: Run,
    view: ConversationView,
    *,
    back: str,
    locked_by: str | None,
    form: Form = EMPTY,
    problem: str | None = None,
    status: int = 200,
) -> HTMLResponse:
    """Return the page of a conversation; ``form`` and ``problem`` are what was sent and why it did not do."""
    with app_state.store.reading() as connection:
        card = deciding(connection, asking, row, view)
        corrected = list(read_corrections(connection, number=row.number))
        others = same_speaker(connection, row.number, list(app_state.runs))
        people = [reader.name for reader in all_readers(connection) if reader.active]
        history = list(entries(connection, subject=row.key.subject))
    return app_state.page(
        "case.html",
        asking,
        status=status,
        c=view,
        locked_by=locked_by,
        corrections={(correction.position, correction.reader): correction for correction in corrected},
        others=others,
        people=people,
        history=history,
        packs=app_state.pack_key is not None,
        back=back,
        form=form,
        problem=problem,
        **card,
        **of_run(run),
    )


def decision_card(
    app_state: AppState,
    asking: Asking,
    row: QueueRow,
    view: ConversationView,
    *,
    back: str,
    locked_by: str | None,
    form: Form = EMPTY,
    problem: str | None = None,
    status: int = 200,
) -> HTMLResponse:
    """Return the card of the decision alone, for a page that stays as it is: what was revealed on it is still there."""
    with app_state.store.reading() as connection:
        card = deciding(connection, asking, row, view)
    about = {"back": back, "locked_by": locked_by, "form": form, "problem": problem}
    return app_state.page("decision.html", asking, status=status, **about, **card)


def in_place(request: Request) -> bool:
    """Return whether htmx asks, which puts a piece into the page instead of loading another."""
    return "hx-request" in request.headers


def on(request: Request, asking: Asking, **query: str) -> Response:
    """Go back to the queue that the reader came from."""
    path, _, before = ours(asking.text("back")).partition("?")
    address = to(path, **query).headers["location"]
    if before and path == "/":
        address += f"{'&' if '?' in address else '?'}{before}"
    if in_place(request):
        return Response(status_code=200, headers={"HX-Redirect": address})
    return Response(status_code=303, headers={"location": address})
