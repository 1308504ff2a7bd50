"""What the pages of one conversation share: its view, what must be read of it, and the card on which it is decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from pipeline.errors import ReviewError, SafelightError
from pipeline.report.page import ConversationView, MessageView
from pipeline.report.view import conversation_view
from pipeline.results import Run, ScoredConversation, ScoredMessage
from pipeline.results.strengths import worth
from pipeline.review.accounts import all_readers
from pipeline.review.audit import entries
from pipeline.review.cases.cases import cases_of_conversation
from pipeline.review.decisions import read_corrections, read_decisions
from pipeline.review.four_eyes import is_hidden, unread
from pipeline.review.notes import notes_on
from pipeline.review.queue import QueueRow, same_speaker
from pipeline.review.records import KINDS
from pipeline.review.similar import same_script, similar
from pipeline.review.web.app_state import AppState, Asking, ours, to

Form = dict[str, str]
"""What stands in the form of a decision: kind, reason, note."""

WHY_SEVERAL = {
    "sign": "To understand a sign",
    "decide": "To decide",
    "second": "To read as the second reader",
    "lead": "To check the work of others",
}
"""Why somebody reveals several messages at once."""

EMPTY: Form = {"kind": "", "reason": "", "note": ""}


@dataclass(frozen=True)
class Case:
    """A conversation as its pages show it. ``missing`` is why its words cannot be read, where they cannot."""

    row: QueueRow
    run: Run
    conversation: ScoredConversation
    messages: Sequence[ScoredMessage]
    view: ConversationView
    missing: str | None


def open_case(app_state: AppState, number: int, *, whole: bool = False, words: bool = False, language: str = "en") -> Case:
    """Return a conversation of an open run. ``whole``: with the rows far from any sign too; ``words``: read from the exports.

    Raises
    ------
    ReviewError
        When there is none, the run's files are not those that the store knows, or the words were asked for and cannot be read.
    """
    row, run, first_row, summary_row = app_state.conversation(number)
    messages = run.messages_at(first_row, row.messages)
    conversations = run.conversations_at(summary_row, 1)
    if not conversations or any(scored.conversation_id != row.key.conversation_id for scored in (*conversations, *messages)):
        raise ReviewError("the results are not those that the store knows", do="Start `safelight review` again on this run")
    (conversation,) = conversations
    missing, verbatim = None, run.record["settings"]["text"] == "include"
    if not verbatim:
        missing = app_state.originals.why_not(run, conversation)
        if words:
            messages, verbatim = _read_words(app_state, run, conversation, messages), True
    about = {"shown_whole": row.messages} if whole else {}
    view = conversation_view(run, conversation, messages, row.number, verbatim=verbatim, language=language, **about)
    return Case(row, run, conversation, messages, view, missing)


def with_messages(case: Case, messages: Sequence[ScoredMessage]) -> ConversationView:
    """Return the view of a conversation, whole and with its words, with other messages than the results hold."""
    return conversation_view(
        case.run, case.conversation, messages, case.row.number, verbatim=True, shown_whole=max(case.row.messages, 1)
    )


def _read_words(
    app_state: AppState, run: Run, conversation: ScoredConversation, messages: Sequence[ScoredMessage]
) -> list[ScoredMessage]:
    try:
        return app_state.originals.read(run, conversation, messages)
    except ReviewError:
        raise
    except SafelightError as error:
        raise ReviewError(error.what, where=error.where, do=error.do) from error


def has_words(message: MessageView, case: Case) -> bool:
    """Return whether the words of a message can be shown, or what else is known of it."""
    if case.run.record["settings"]["text"] == "include":
        return bool(message.text or message.notes)
    return case.missing is None and message.slot is not None and message.kind in ("message", "media")


def must_read(case: Case) -> list[int]:
    """Return what a second reader must have revealed, by position: the message of the alert, and those that carry stages.

    A message whose words cannot be shown cannot be revealed, and is left out.
    """
    rows = (row for row in case.view.rows if isinstance(row, MessageView))
    return [row.position for row in rows if (row.found or row.alert) and has_words(row, case)]


def of_case(case: Case) -> dict[str, Any]:
    """Return what a page says of the run: stages by index and by key, the threshold, the model; and whether words can be shown."""
    run = case.run
    return {
        "taxonomy": run.taxonomy,
        "stage_names": {stage.key: stage.name for stage in run.taxonomy.stages},
        "threshold": run.thresholds.risk,
        "model": run.record["model"],
        "text": run.record["settings"]["text"],
        "missing": case.missing,
        "worth": worth(run),
        "readable": lambda message: has_words(message, case),
    }


def deciding(connection: Connection, asking: Asking, case: Case) -> dict[str, Any]:
    """Return what the card of the decision shows: the decision that holds, or that one waits and what is left to read."""
    row = case.row
    made = list(read_decisions(connection, number=row.number))
    current = next((decision for decision in reversed(made) if decision.current), None)
    left = unread(connection, current, asking.reader, must_read(case)) if current else None
    return {"row": row, "decisions": made, "current": current, "left": left, "hidden": is_hidden(current, asking.reader, left)}


def case_page(
    app_state: AppState,
    asking: Asking,
    case: Case,
    *,
    back: str,
    locked_by: str | None,
    form: Form = EMPTY,
    problem: str | None = None,
    said: dict[str, str] | None = None,
    status: int = 200,
) -> HTMLResponse:
    """Return the page of a conversation; ``form`` and ``problem`` are what was sent and why it did not do."""
    row = case.row
    with app_state.store.reading() as connection:
        card = deciding(connection, asking, case)
        corrected = list(read_corrections(connection, number=row.number))
        others = same_speaker(connection, row.number, list(app_state.runs))
        written = notes_on(connection, row.number)
        alike = similar(connection, row, list(app_state.runs))
        who = {"reader": asking.reader.name, "since": asking.session.started}
        scripts = same_script(connection, row, list(app_state.runs), **who)
        people = [reader.name for reader in all_readers(connection) if reader.active]
        history = list(entries(connection, subject=row.key.subject))
        in_cases = cases_of_conversation(connection, row.number)
    return app_state.page(
        "conversation.html",
        asking,
        status=status,
        c=case.view,
        name=app_state.name_of(asking.reader, row, case.view.title),
        locked_by=locked_by,
        corrections={(correction.position, correction.reader): correction for correction in corrected},
        others=others,
        in_cases=in_cases,
        people=people,
        history=history,
        notes=[] if card["hidden"] else written,
        alike=alike,
        scripts=scripts,
        packs=app_state.pack_key is not None,
        back=back,
        form=form,
        problem=problem,
        said=said,
        why_several=WHY_SEVERAL,
        **card,
        **of_case(case),
    )


def decision_card(
    app_state: AppState,
    asking: Asking,
    case: Case,
    *,
    back: str,
    locked_by: str | None,
    form: Form = EMPTY,
    problem: str | None = None,
    status: int = 200,
) -> HTMLResponse:
    """Return the card of the decision alone, for a page that stays as it is: what was revealed on it is still there."""
    with app_state.store.reading() as connection:
        card = deciding(connection, asking, case)
    about = {"back": back, "locked_by": locked_by, "form": form, "problem": problem}
    return app_state.page("decision.html", asking, status=status, **about, **card)


def in_place(request: Request) -> bool:
    """Return whether htmx asks, which puts a piece into the page instead of loading another."""
    return "hx-request" in request.headers


def said_of(query: QueryParams) -> dict[str, str] | None:
    """Return what was decided just now, for the line that offers to take it back."""
    said = {name: query.get(name, "") for name in ("decided", "decision", "of")}
    return said if said["decided"] in KINDS and said["decision"].isdecimal() and said["of"].isdecimal() else None


def on(request: Request, asking: Asking, **query: str) -> Response:
    """Go back to the queue that the reader came from."""
    path, _, before = ours(asking.text("back")).partition("?")
    address = to(path, **query).headers["location"]
    if before and path == "/":
        address += f"{'&' if '?' in address else '?'}{before}"
    if in_place(request):
        return Response(status_code=200, headers={"HX-Redirect": address})
    return Response(status_code=303, headers={"location": address})
