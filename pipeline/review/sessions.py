"""Sessions: a random cookie, of which the store holds a digest, and a token that every form sends back."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, select, update

from pipeline.digests import sha256_of_text
from pipeline.review.accounts import reader_of
from pipeline.review.policy import read_policy
from pipeline.review.records import Moderator
from pipeline.review.schema import readers, sessions

_IDLE = timedelta(hours=1)
_LONGEST = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Session:
    """Who is logged in, and the token of their forms."""

    digest: str
    reader: Moderator
    csrf: str
    started: datetime

    def matches(self, token: str) -> bool:
        """Return whether a form was made for this session."""
        return hmac.compare_digest(self.csrf.encode(), token.encode("utf-8", "surrogatepass"))


def start_session(connection: Connection, reader: Moderator) -> str:
    """Return the cookie of a new session."""
    cookie, now = secrets.token_urlsafe(32), datetime.now(UTC)
    connection.execute(delete(sessions).where((sessions.c.started < now - _LONGEST) | (sessions.c.seen < now - _IDLE)))
    connection.execute(
        sessions.insert().values(digest=_digest(cookie), reader=reader.name, csrf=secrets.token_urlsafe(32), started=now, seen=now)
    )
    return cookie


def find_session(connection: Connection, cookie: str | None) -> Session | None:
    """Return the session of a cookie, unless it is over or its account is closed."""
    if not cookie:
        return None
    now = datetime.now(UTC)
    query = (
        select(readers, sessions.c.digest, sessions.c.csrf, sessions.c.started)
        .join(sessions, sessions.c.reader == readers.c.name)
        .where(sessions.c.digest == _digest(cookie), readers.c.active)
        .where(sessions.c.started > now - _LONGEST, sessions.c.seen > now - _IDLE)
    )
    row = connection.execute(query).one_or_none()
    return Session(row.digest, read_policy(connection).applied_to(reader_of(row)), row.csrf, row.started) if row else None


def still_here(connection: Connection, session: Session) -> None:
    """Note that a session is in use."""
    connection.execute(update(sessions).where(sessions.c.digest == session.digest).values(seen=datetime.now(UTC)))


def end_session(connection: Connection, session: Session) -> None:
    """Forget a session."""
    connection.execute(delete(sessions).where(sessions.c.digest == session.digest))


def _digest(cookie: str) -> str:
    return sha256_of_text(cookie)
