"""What leads and admins look after: the audit log."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from pipeline.review.audit import entries, verify
from pipeline.review.decisions import awaiting_others
from pipeline.review.head import log_end
from pipeline.review.web.app_state import CurrentAppState, Looking, require

router = APIRouter()

_LINES = 200


@router.get("/audit")
def audit_page(app_state: CurrentAppState, asking: Looking, before: int = 0) -> Response:
    """Show the audit log, the newest lines first, and whether it is whole.

    What waits for a second reader is not told here either: whoever looks may become that reader.
    """
    require(asking, "lead")
    with app_state.store.reading() as connection:
        last = before - 1 if before > 1 else log_end(connection).number
        first = max(0, last - _LINES)
        lines = [entry for entry in entries(connection, after=first) if entry.number <= last]
        hidden = awaiting_others(connection, asking.reader)
    verdict = verify(app_state.store, index=False) if not before else None
    return app_state.page("audit.html", asking, lines=lines[::-1], first=first, verdict=verdict, hidden=hidden)
