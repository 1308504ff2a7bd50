"""What leads and admins look after: the audit log."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from pipeline.review.audit import entries, log_end, verify
from pipeline.review.web.desk import AtDesk, Looking, require

router = APIRouter()

_LINES = 200


@router.get("/audit")
def audit_page(desk: AtDesk, asking: Looking, before: int = 0) -> Response:
    """Show the audit log, the newest lines first, and whether it is whole."""
    require(asking, "lead")
    with desk.store.reading() as connection:
        last = before - 1 if before > 1 else log_end(connection).number
        first = max(0, last - _LINES)
        lines = [entry for entry in entries(connection, after=first) if entry.number <= last]
    return desk.page("audit.html", asking, lines=lines[::-1], first=first, verdict=verify(desk.store) if not before else None)
