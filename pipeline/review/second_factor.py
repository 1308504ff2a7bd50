"""A second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes that each serve once."""

from __future__ import annotations

import hmac
import json
import secrets
import time
from typing import Any

import pyotp
import segno
from pyotp.totp import TOTP
from sqlalchemy import Connection, Row, or_, select, update

from pipeline.digests import sha256_of_text
from pipeline.errors import ReviewError
from pipeline.review.audit import append
from pipeline.review.recorded import recorded
from pipeline.review.schema import readers, sessions

STEP_SECONDS = 30
RECOVERY_CODES = 10

_STEPS_OFF = (0, -1, 1)
"""Clocks differ: the code before and the one after are taken too."""


def begin_factor(connection: Connection, session_digest: str) -> str:
    """Return the secret that a session may enrol; the same one until it is used."""
    pending = connection.execute(select(sessions.c.pending_factor).where(sessions.c.digest == session_digest)).scalar_one()
    if pending is None:
        pending = pyotp.random_base32()
        connection.execute(update(sessions).where(sessions.c.digest == session_digest).values(pending_factor=pending))
    return pending


def address_of(secret: str, name: str) -> str:
    """Return the ``otpauth://`` address that an authenticator app takes."""
    return TOTP(secret).provisioning_uri(name=name, issuer_name="Safelight review")


def picture_of(address: str) -> str:
    """Return the QR code of an address, as SVG to stand in a page."""
    return segno.make(address, error="m").svg_inline(scale=4, border=2, svgclass=None, lineclass=None, light="#fff")


def set_factor(connection: Connection, name: str, session_digest: str, code: str) -> list[str]:
    """Give an account the second factor that its session began to enrol, and return its recovery codes, which are shown once.

    Raises
    ------
    ReviewError
        When the account has one, or the code does not belong to the secret.
    """
    row = connection.execute(select(readers.c.factor).where(readers.c.name == name)).one()
    if row.factor is not None:
        raise ReviewError("there is a second factor already", do="Let an admin take it away first")
    secret = begin_factor(connection, session_digest)
    step = _step_of(secret, code)
    if step is None:
        raise ReviewError("the code is not right", do="Write the six digits that the app shows now; check the clock of the phone")
    codes = [f"{secrets.token_hex(4)}-{secrets.token_hex(4)}" for _ in range(RECOVERY_CODES)]
    values = {"factor": secret, "recovery": json.dumps(sorted(map(_digest, codes)))}
    connection.execute(update(readers).where(readers.c.name == name).values(factor_step=step, **values))
    connection.execute(update(sessions).where(sessions.c.digest == session_digest).values(pending_factor=None))
    append(connection, name, "set second factor", f"reader:{name}", sets={f"account/{name}": recorded(**values)})
    return codes


def reset_factor(connection: Connection, name: str, *, actor: str) -> None:
    """Take the second factor of an account away; whoever is logged in to it is logged out.

    Raises
    ------
    ReviewError
        When there is no such account, or it has none.
    """
    row = connection.execute(select(readers.c.factor).where(readers.c.name == name)).one_or_none()
    if row is None or row.factor is None:
        raise ReviewError(f"there is no account {name} with a second factor", do="See `safelight readers list`")
    values = {"factor": None, "recovery": None}
    connection.execute(update(readers).where(readers.c.name == name).values(factor_step=None, **values))
    connection.execute(sessions.delete().where(sessions.c.reader == name))
    append(connection, actor, "reset second factor", f"reader:{name}", sets={f"account/{name}": recorded(**values)})


def factor_fits(connection: Connection, account: Row[Any], code: str) -> bool:
    """Return whether a code belongs to an account now; each serves once. An account without a second factor needs none."""
    if account.factor is None:
        return True
    code = "".join(code.split()).lower()
    step = _step_of(account.factor, code)
    if step is not None:
        newer = or_(readers.c.factor_step.is_(None), readers.c.factor_step < step)
        taken = connection.execute(update(readers).where(readers.c.name == account.name, newer).values(factor_step=step))
        return taken.rowcount == 1
    return _take_recovery(connection, account.name, code)


def _take_recovery(connection: Connection, name: str, code: str) -> bool:
    kept = json.loads(connection.execute(select(readers.c.recovery).where(readers.c.name == name)).scalar_one() or "[]")
    digest = _digest(code)
    if not any(hmac.compare_digest(digest, other) for other in kept):
        return False
    left = json.dumps([other for other in kept if other != digest])
    connection.execute(update(readers).where(readers.c.name == name).values(recovery=left))
    sets = {f"account/{name}": recorded(recovery=left)}
    append(connection, name, "use recovery code", f"reader:{name}", sets=sets, left=len(kept) - 1)
    return True


def _step_of(secret: str, code: str) -> int | None:
    """Return the step of time that a code belongs to."""
    code = "".join(code.split())
    if not (code.isascii() and code.isdecimal()):
        return None
    now = int(time.time()) // STEP_SECONDS
    codes = TOTP(secret, interval=STEP_SECONDS)
    fits = [now + off for off in _STEPS_OFF if hmac.compare_digest(codes.at((now + off) * STEP_SECONDS), code)]
    return fits[0] if fits else None


def _digest(code: str) -> str:
    return sha256_of_text(code)
