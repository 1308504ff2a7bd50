"""Accounts: local names with argon2id passwords and a role; log-ins are slowed down after failures."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, Row, delete, func, select, update

from pipeline.digests import sha256_of_text
from pipeline.errors import ReviewError
from pipeline.review.audit import append
from pipeline.review.recorded import recorded
from pipeline.review.records import ROLES, Moderator, Role
from pipeline.review.schema import audit, failures, readers, sessions
from pipeline.review.second_factor import factor_fits
from pipeline.review.store import Store
from pipeline.summaries import LANGUAGES

SHORTEST_PASSWORD = 12

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_HASHER = PasswordHasher()
_NOBODY = _HASHER.hash("nobody has this password")

_FEWEST_SIGNS = 5
_RUNS = "0123456789012345678901234567890123456789 abcdefghijklmnopqrstuvwxyz qwertyuiopasdfghjklzxcvbnm 1q2w3e4r5t6y7u8i9o0p"
_COMMON = frozenset(
    re.findall(
        r"\w+",
        "password passwordpassword passwort kennwort motdepasse contrasena letmein welcome welcomeback qwerty qwertyuiop qwertz "
        "azerty administrator admin adminadmin iloveyou safelight moderator changeme changemenow secret topsecret football "
        "baseball dragon monkey sunshine princess superman trustno test testtest testing default guest login master shadow",
    )
)
"""What is left of the passwords that are tried first when digits and marks are taken away."""

_WITHIN = timedelta(minutes=15)
_TRIES = 5
_TRIES_FROM_ONE_PLACE = 30


def add_reader(connection: Connection, name: str, password: str | None, *, role: Role, actor: str) -> Moderator:
    """Add an account. Without a password nobody can log in to it: `--single-user` works in one.

    Raises
    ------
    ReviewError
        When the name or the password will not do, or the name is taken.
    """
    if not _NAME.fullmatch(name):
        raise ReviewError("the name of an account is letters, digits and ._@-", do="Choose another one, of up to 64")
    if role not in ROLES:
        raise ReviewError(f"there is no role {role!r}", do=f"Choose from {', '.join(ROLES)}")
    if find_reader(connection, name) is not None:
        raise ReviewError(f"there is an account {name} already", do="Choose another name")
    reader = Moderator(name, role, active=True)
    hashed = None if password is None else _hashed(name, password)
    values = {"role": role, "active": True, "created": datetime.now(UTC), "password": hashed, "factor": None, "recovery": None}
    connection.execute(
        readers.insert().values(
            name=name,
            **values,
            grey=reader.grey,
            content_free=reader.content_free,
            shortcuts=reader.shortcuts,
            pause_minutes=reader.pause_minutes,
            pause_cases=reader.pause_cases,
            cases_in_row=0,
            titles=reader.titles,
            language=reader.language,
        )
    )
    append(connection, actor, "add account", f"reader:{name}", sets={f"account/{name}": recorded(**values)}, role=role)
    return reader


def set_password(connection: Connection, name: str, password: str, *, actor: str) -> None:
    """Give an account another password; whoever is logged in to it is logged out."""
    _require(connection, name)
    hashed = _hashed(name, password)
    connection.execute(update(readers).where(readers.c.name == name).values(password=hashed))
    connection.execute(delete(sessions).where(sessions.c.reader == name))
    append(connection, actor, "set password", f"reader:{name}", sets={f"account/{name}": recorded(password=hashed)})


def change_reader(connection: Connection, name: str, *, role: Role | None = None, active: bool | None = None, actor: str) -> None:
    """Change the role of an account, or close it, or open it again.

    Raises
    ------
    ReviewError
        When there is no such account, or no admin would be left.
    """
    before = _require(connection, name)
    after = {"role": role or before.role, "active": before.active if active is None else active}
    if before.role == "admin" and before.active and (after["role"] != "admin" or not after["active"]):
        others = select(func.count()).where(readers.c.role == "admin", readers.c.active, readers.c.name != name)
        if not connection.execute(others).scalar_one():
            raise ReviewError("this is the last admin", do="Make another account an admin first")
    connection.execute(update(readers).where(readers.c.name == name).values(after))
    if not after["active"]:
        connection.execute(delete(sessions).where(sessions.c.reader == name))
    append(connection, actor, "change account", f"reader:{name}", sets={f"account/{name}": recorded(**after)}, **after)


def prefer(
    connection: Connection,
    reader: Moderator,
    *,
    grey: bool,
    content_free: bool,
    shortcuts: bool,
    pause_minutes: int,
    pause_cases: int,
    titles: bool = False,
    language: str = "en",
) -> None:
    """Keep how a reader wants to work. That titles are shown, which may hold names, goes into the audit log.

    Raises
    ------
    ReviewError
        When there are no sentences in the language.
    """
    if language not in LANGUAGES:
        raise ReviewError(f"there is no language {language[:8]!r}", do=f"Choose from {', '.join(LANGUAGES)}")
    if titles != reader.titles:
        append(connection, reader.name, "show titles" if titles else "hide titles", f"reader:{reader.name}")
    values = {
        "grey": grey,
        "content_free": content_free,
        "shortcuts": shortcuts,
        "pause_minutes": min(max(pause_minutes, 5), 120),
        "pause_cases": min(max(pause_cases, 1), 50),
        "titles": titles,
        "language": language,
    }
    connection.execute(update(readers).where(readers.c.name == reader.name).values(values))


def find_reader(connection: Connection, name: str) -> Moderator | None:
    """Return an account by its name."""
    row = connection.execute(select(readers).where(readers.c.name == name)).one_or_none()
    return reader_of(row) if row else None


def all_readers(connection: Connection) -> list[Moderator]:
    """Return the accounts, by name."""
    return [reader_of(row) for row in connection.execute(select(readers).order_by(readers.c.name))]


def reader_of(row: Row[Any]) -> Moderator:
    """Return an account from a row that has its columns."""
    return Moderator(
        name=row.name,
        role=row.role,
        active=row.active,
        grey=row.grey,
        content_free=row.content_free,
        shortcuts=row.shortcuts,
        pause_minutes=row.pause_minutes,
        pause_cases=row.pause_cases,
        has_factor=row.factor is not None,
        titles=row.titles,
        language=row.language,
    )


def _require(connection: Connection, name: str) -> Moderator:
    reader = find_reader(connection, name)
    if reader is None:
        raise ReviewError(f"there is no account {name}", do="See `safelight readers list`")
    return reader


def _hashed(name: str, password: str) -> str:
    """Return the hash of a password that will do by NIST SP 800-63B: long, not of the account's name, not easily guessed."""
    if len(password) < SHORTEST_PASSWORD:
        raise ReviewError(f"a password has at least {SHORTEST_PASSWORD} characters", do="Choose a longer one")
    plain = password.casefold()
    without = re.sub(r"[\W\d_]+", "", plain)
    if name.casefold() in plain and len(plain) - len(name) < SHORTEST_PASSWORD:
        raise ReviewError("the password is made of the account's name", do="Choose other words")
    if len(set(plain)) < _FEWEST_SIGNS or without in _COMMON or plain in _RUNS or plain[::-1] in _RUNS:
        raise ReviewError("this password is among the first that anybody tries", do="Choose for example four words at random")
    return _HASHER.hash(password)


def unlock(connection: Connection, name: str, *, actor: str) -> None:
    """Forget the failed log-ins of an account, and those from every address, so that its person can log in at once.

    Raises
    ------
    ReviewError
        When there is no such account.
    """
    _require(connection, name)
    connection.execute(delete(failures).where((failures.c.who == _who("name", name)) | failures.c.who.startswith("address:")))
    append(connection, actor, "unlock account", f"reader:{name}")


def log_in(store: Store, name: str, password: str, *, address: str, code: str | None = "") -> Moderator | None:
    """Return the account when the password is its own, and the code of its second factor; note a failure otherwise.

    An unknown name takes as long as a known one. ``code=None``: the second factor is not asked for, since the person is logged in.

    Raises
    ------
    ReviewError
        When there were too many failures for this name, or from this address, in the last quarter of an hour.
    """
    places = {_who("name", name): _TRIES, _who("address", address): _TRIES_FROM_ONE_PLACE}
    now = datetime.now(UTC)
    numbers: list[int] = []
    with store.writing() as connection:
        connection.execute(delete(failures).where(failures.c.at < now - _WITHIN))
        full = any(
            connection.execute(select(func.count()).where(failures.c.who == who)).scalar_one() >= allowed
            for who, allowed in places.items()
        )
        row = connection.execute(select(readers).where(readers.c.name == name)).one_or_none()
        if full:
            _log_lock(connection, f"reader:{row.name}" if row else "", address, now)
        else:
            # Noted before the password is looked at, so that tries at the same time count too; taken back when it is right.
            noted = [{"who": who, "at": now} for who in places]
            numbers += connection.execute(failures.insert().returning(failures.c.number), noted).scalars()
    if full:
        raise ReviewError(
            "too many failed log-ins", do="Wait a quarter of an hour, or let somebody run `safelight readers unlock NAME`"
        )
    right = _matches(row.password if row and row.password and row.active else None, password)
    with store.writing() as connection:
        if row is None or not right or not (code is None or factor_fits(connection, row, code)):
            known = f"reader:{row.name}" if row else ""
            append(connection, "", "refuse log-in", known, address=address)
            return None
        connection.execute(delete(failures).where(failures.c.number.in_(numbers)))
        connection.execute(delete(failures).where(failures.c.who == _who("name", name)))
        sets = {}
        if _HASHER.check_needs_rehash(row.password):
            hashed = _HASHER.hash(password)
            connection.execute(update(readers).where(readers.c.name == name).values(password=hashed))
            sets = {f"account/{name}": recorded(password=hashed)}
        append(connection, row.name, "log in", f"reader:{row.name}", sets=sets, address=address)
        return reader_of(row)


def _log_lock(connection: Connection, subject: str, address: str, now: datetime) -> None:
    """Tell the log that log-ins are refused now; once in a while for an account and address, or whoever tries fills it."""
    query = select(audit.c.detail).where(audit.c.subject == subject, audit.c.action == "lock log-in", audit.c.at > now - _WITHIN)
    if not any(json.loads(detail).get("address") == address for detail in connection.execute(query).scalars()):
        append(connection, "", "lock log-in", subject, address=address)


def _matches(hashed: str | None, password: str) -> bool:
    try:
        return _HASHER.verify(hashed or _NOBODY, password) and hashed is not None
    except (VerificationError, InvalidHashError):
        return False


def _who(kind: str, value: str) -> str:
    return f"{kind}:{sha256_of_text(value)}"
