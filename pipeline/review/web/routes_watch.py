"""What leads and admins look after: the audit log, and what holds for everybody."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from pipeline.errors import ReviewError
from pipeline.review.audit import entries, verify
from pipeline.review.audit_head import log_end
from pipeline.review.decisions import awaiting_others
from pipeline.review.policy import Policy, read_policy, set_policy
from pipeline.review.web.app_state import Acting, CurrentAppState, Looking, require, to
from pipeline.review.web.conversation_view import in_place

router = APIRouter()

_LINES = 200
_NUMBERS = ("pause_minutes", "pause_cases", "reveals_an_hour", "hours_severe", "hours_flagged")


@router.get("/audit")
def audit_page(app_state: CurrentAppState, asking: Looking, before: int = 0) -> Response:
    """Show the audit log, the newest lines first. Whether it is whole takes longer to say, and comes after.

    What waits for a second reader is not told here either: whoever looks may become that reader.
    """
    require(asking, "lead")
    with app_state.store.reading() as connection:
        last = before - 1 if before > 1 else log_end(connection).number
        first = max(0, last - _LINES)
        lines = [entry for entry in entries(connection, after=first) if entry.number <= last]
        hidden = awaiting_others(connection, asking.reader)
    return app_state.page("audit.html", asking, lines=lines[::-1], first=first, before=before, hidden=hidden)


@router.get("/audit/verdict")
def audit_verdict(request: Request, app_state: CurrentAppState, asking: Looking) -> Response:
    """Show whether the log is whole: every line is read, and the tables are compared with it."""
    require(asking, "lead")
    verdict = verify(app_state.store, index=False)
    if in_place(request):
        return app_state.fragment("verdict.html", verdict=verdict)
    return app_state.page("audit_verdict.html", asking, verdict=verdict)


@router.get("/policy")
def policy_page(app_state: CurrentAppState, asking: Looking, said: str = "") -> Response:
    """Show what holds for everybody."""
    require(asking, "admin")
    with app_state.store.reading() as connection:
        policy = read_policy(connection)
    return app_state.page("policy.html", asking, policy=policy, said="Set." if said == "set" else None)


@router.post("/policy")
def keep_policy(app_state: CurrentAppState, asking: Acting) -> Response:
    """Set what holds for everybody."""
    require(asking, "admin")
    try:
        numbers = {name: int(asking.text(name)) for name in _NUMBERS}
    except ValueError as error:
        raise ReviewError("minutes, hours, conversations and reveals are whole numbers", do="Write for example 50 or 5") from error
    wanted = Policy(grey=bool(asking.text("grey")), content_free=bool(asking.text("content_free")), **numbers)
    with app_state.store.writing() as connection:
        set_policy(connection, wanted, actor=asking.reader.name)
    app_state.noted()
    return to("/policy", said="set")
