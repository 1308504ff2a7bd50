"""Reading on in a conversation: several messages at once with a reason, a search in it, a translation."""

from __future__ import annotations

from typing import cast

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from pipeline.errors import ReviewError
from pipeline.report.page import MessageView
from pipeline.review.audit import append
from pipeline.review.policy import watch_reveals
from pipeline.review.translate import is_installed, translated
from pipeline.review.web.app_state import Acting, Asking, CurrentAppState, Refused, working
from pipeline.review.web.conversation_view import WHY_SEVERAL, has_words, in_place, of_case, open_case, with_messages
from pipeline.text.slang import spelled_out

router = APIRouter(prefix="/c/{number:int}")

_AT_ONCE = 200
_FOUND = 50


@router.post("/reveal-several")
def reveal_several(app_state: CurrentAppState, asking: Acting, number: int) -> Response:
    """Show the words of several messages at once; each is in the log, with the reason."""
    _require_words(asking)
    reason = asking.text("reason")
    if reason not in WHY_SEVERAL:
        raise ReviewError("no reason was chosen", do="Choose why several messages are revealed at once")
    case = open_case(app_state, number, whole=True, words=True)
    numbers = [int(part) for part in asking.text("positions").split() if part.isdecimal() and len(part) < 10]
    wanted = [position for position in dict.fromkeys(numbers) if 1 <= position <= case.row.messages]
    if len(wanted) > _AT_ONCE:
        raise ReviewError(f"{len(wanted)} messages are too many at once", do=f"Reveal {_AT_ONCE} at most")
    shown = [cast(MessageView, case.view.rows[position - 1]) for position in wanted]
    shown = [message for message in shown if has_words(message, case)]
    with app_state.store.writing() as connection:
        for message in shown:
            append(connection, asking.reader.name, "reveal", case.row.key.subject, position=message.position, reason=reason)
        watch_reveals(connection, asking.reader)
    working(app_state, asking)
    app_state.noted()
    about = {"spelled_out": spelled_out, "translates": is_installed(), "blind": app_state.reads_blind(number, asking.reader)}
    return app_state.fragment("revealed_several.html", messages=shown, number=number, **about)


@router.post("/search")
def search(app_state: CurrentAppState, asking: Acting, number: int) -> Response:
    """Say in which messages words stand, and show none of them."""
    _require_words(asking)
    words = asking.text("words").strip().casefold()
    if len(words) < 2:
        raise ReviewError("there is nothing to search for", do="Write two letters or more")
    case = open_case(app_state, number, whole=True, words=True)
    rows = [row for row in case.view.rows if isinstance(row, MessageView)]
    matching = [row for row in rows if words in (row.text or "").casefold()]
    with app_state.store.writing() as connection:
        append(connection, asking.reader.name, "search words", case.row.key.subject, found=len(matching))
    app_state.noted()
    return app_state.fragment("search_results.html", found=matching[:_FOUND], total=len(matching), number=number)


@router.post("/translate/{position:int}")
def translate(app_state: CurrentAppState, asking: Acting, number: int, position: int) -> Response:
    """Show a message in the reader's language."""
    _require_words(asking)
    if not is_installed():
        raise ReviewError("Argos Translate is not installed", do="Ask whoever runs Safelight")
    case = open_case(app_state, number, whole=True, words=True)
    if not 1 <= position <= case.row.messages:
        raise ReviewError("there is no such message", do="Load the page again")
    texts = [row.text for row in case.view.rows if isinstance(row, MessageView) and row.text]
    text = cast(MessageView, case.view.rows[position - 1]).text or ""
    try:
        said, problem = translated(text, around=texts[:_FOUND], to=asking.reader.language), None
    except ReviewError as error:
        said, problem = None, str(error)
    with app_state.store.writing() as connection:
        append(connection, asking.reader.name, "translate", case.row.key.subject, position=position)
    app_state.noted()
    return app_state.fragment("translation.html", said=said, problem=problem, language=asking.reader.language)


@router.post("/why/{position:int}")
def why(request: Request, app_state: CurrentAppState, asking: Acting, number: int, position: int) -> Response:
    """Show a message with the words that make it a sign, computed now: the run explained others. It counts as revealed."""
    _require_words(asking)
    if app_state.reads_blind(number, asking.reader):
        raise Refused("You read this conversation blind: nothing of the model is shown with its words.")
    case = open_case(app_state, number, whole=True, words=True)
    if not 1 <= position <= case.row.messages:
        raise ReviewError("there is no such message", do="Load the page again")
    message, problem = None, None
    try:
        messages = list(case.messages)
        messages[position - 1] = app_state.explainer.explain(case.run, messages, position)
        message = cast(MessageView, with_messages(case, messages).rows[position - 1])
    except ReviewError as error:
        problem = str(error)
    if message is not None:
        with app_state.store.writing() as connection:
            append(connection, asking.reader.name, "reveal", case.row.key.subject, position=position)
            append(connection, asking.reader.name, "explain", case.row.key.subject, position=position)
            watch_reveals(connection, asking.reader)
        working(app_state, asking)
        app_state.noted()
    about = {"m": message, "problem": problem, "c": case.view, "position": position, "stage_names": of_case(case)["stage_names"]}
    if in_place(request):
        return app_state.fragment("explained_words.html", **about)
    return app_state.page("explained.html", asking, **about)


def _require_words(asking: Asking) -> None:
    if asking.reader.content_free:
        raise Refused("Content-free mode shows no words. Leave it in your settings to read.")
