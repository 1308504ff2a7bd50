"""What an admin sets for everybody: care for the readers, which each may make stricter for themselves, and the alarm on reveals."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, func, select, update

from pipeline.errors import ReviewError
from pipeline.review.audit import append
from pipeline.review.deadlines import set_deadlines
from pipeline.review.recorded import recorded
from pipeline.review.records import Moderator
from pipeline.review.schema import audit, policy

HOUR = timedelta(hours=1)
ALARM = "alarm on reveals"
_REVEALS = ("reveal", "reveal name")
_LIMITS = {
    "pause_minutes": (5, 120),
    "pause_cases": (1, 50),
    "reveals_an_hour": (1, 10_000),
    "hours_severe": (1, 1000),
    "hours_flagged": (1, 1000),
}


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings of the whole store.

    ``grey`` and ``content_free`` hold for everybody where they are on. ``pause_minutes`` and ``pause_cases`` are the most that a
    reader may set. ``reveals_an_hour`` is how many messages and names one account may reveal in an hour before the log and the
    page of the accounts raise an alarm. A flagged conversation is to be read within ``hours_severe`` where it has a severe stage,
    else within ``hours_flagged``.
    """

    grey: bool = False
    content_free: bool = False
    pause_minutes: int = 120
    pause_cases: int = 50
    reveals_an_hour: int = 120
    hours_severe: int = 4
    hours_flagged: int = 24

    def applied_to(self, reader: Moderator) -> Moderator:
        """Return an account as it may work: its own settings, or these where they are stricter."""
        return replace(
            reader,
            grey=reader.grey or self.grey,
            content_free=reader.content_free or self.content_free,
            pause_minutes=min(reader.pause_minutes, self.pause_minutes),
            pause_cases=min(reader.pause_cases, self.pause_cases),
        )


@dataclass(frozen=True, slots=True)
class Alarm:
    """An account that revealed more than the policy allows in an hour, and when that was noted."""

    reader: str
    at: datetime


def read_policy(connection: Connection) -> Policy:
    """Return what is set for everybody."""
    row = connection.execute(select(policy)).one_or_none()
    return Policy(*row[1:]) if row is not None else Policy()


def set_policy(connection: Connection, wanted: Policy, *, actor: str) -> None:
    """Set what holds for everybody.

    Raises
    ------
    ReviewError
        When a number is not one that makes sense.
    """
    values = asdict(wanted)
    for name, (least, most) in _LIMITS.items():
        if not least <= values[name] <= most:
            raise ReviewError(f"{name.replace('_', ' ')} is not between {least} and {most:,}", do="Give a number between them")
    before = read_policy(connection)
    if connection.execute(update(policy).where(policy.c.one == 1).values(values)).rowcount == 0:
        connection.execute(policy.insert().values(one=1, **values))
    if (before.hours_severe, before.hours_flagged) != (wanted.hours_severe, wanted.hours_flagged):
        set_deadlines(connection, severe=wanted.hours_severe, flagged=wanted.hours_flagged)
    append(connection, actor, "set policy", sets={"policy/1": recorded(**values)}, **values)


def reveals_lately(connection: Connection, reader: str) -> int:
    """Return how many messages and names an account revealed in the last hour."""
    query = select(func.count()).where(audit.c.actor == reader, audit.c.at > datetime.now(UTC) - HOUR, audit.c.action.in_(_REVEALS))
    return connection.execute(query).scalar_one()


def watch_reveals(connection: Connection, reader: Moderator) -> None:
    """Raise an alarm in the log where an account reveals more than the policy allows in an hour; once an hour."""
    most, count = read_policy(connection).reveals_an_hour, reveals_lately(connection, reader.name)
    subject = f"reader:{reader.name}"
    if count <= most:
        return
    raised = select(audit.c.number).where(
        audit.c.subject == subject, audit.c.action == ALARM, audit.c.at > datetime.now(UTC) - HOUR
    )
    if connection.execute(raised.limit(1)).first() is None:
        append(connection, "", ALARM, subject, revealed=count, allowed=most)


def alarms(connection: Connection, *, days: int = 30) -> list[Alarm]:
    """Return the alarms of the last days, the newest first."""
    since = datetime.now(UTC) - timedelta(days=days)
    query = select(audit.c.subject, audit.c.at).where(audit.c.actor == "", audit.c.action == ALARM, audit.c.at > since)
    return [Alarm(row.subject.removeprefix("reader:"), row.at) for row in connection.execute(query.order_by(audit.c.number.desc()))]
