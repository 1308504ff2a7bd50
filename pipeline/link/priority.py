"""What to read first: accounts that show stages, by reasons that are named. Never a verdict on anybody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipeline.link.actors import days_between, read_toward
from pipeline.link.database import rows_of
from pipeline.link.settings import LinkSettings
from pipeline.link.strength import combined, further
from pipeline.link.tables import Reason

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ALERTED = """
SELECT accounts.account, persons.person, accounts.risk, accounts.mask, make_timestamp(accounts.last) AS last,
    coalesce(shown.targets, 0) AS targets
FROM accounts JOIN persons USING (account)
LEFT JOIN (SELECT actor AS person, count(*) AS targets FROM toward GROUP BY actor) AS shown USING (person)
WHERE accounts.alerts > 0
ORDER BY accounts.account
"""

_RISK = 0.4
"""What an alert alone is worth, times its risk."""


@dataclass(frozen=True, slots=True)
class Priority:
    """How early an account should be read, in [0, 1], and why."""

    account: str
    priority: float
    reasons: tuple[Reason, ...]


def priorities(connection: DuckDBPyConnection, settings: LinkSettings, severe: int) -> Iterator[Priority]:
    """Yield the priority of each account with an alert; the others have none. What is old counts less: see ``recent_days``."""
    speed = {actor: days_between(shown) for actor, shown in read_toward(connection, "actor").items()}
    rows = rows_of(connection, _ALERTED)
    newest = max((row["last"] for row in rows if row["last"] is not None), default=None)
    for row in rows:
        yield _priority(row, settings, severe, speed.get(row["person"]), newest)


def _priority(row: dict[str, Any], settings: LinkSettings, severe: int, days: float | None, newest: datetime | None) -> Priority:
    weights = settings.weights
    reasons = [Reason("alert", round(row["risk"], 4), f"An alert, at risk {row['risk']:.2f}.")]
    shares = [_RISK * row["risk"]]
    if row["targets"] > 1:
        reasons.append(Reason("targets", row["targets"], f"Shows stages toward {row['targets']} persons."))
        shares.append(further(row["targets"], weights.another))
    if row["mask"] & severe:
        reasons.append(Reason("severe", (row["mask"] & severe).bit_count(), "Severe stages."))
        shares.append(weights.severe)
    if days is not None and days <= settings.fast_days:
        reasons.append(Reason("speed", round(days, 2), f"Moves on to the next person within {settings.fast_days:g} days."))
        shares.append(weights.fast)
    recent = 1.0
    if newest is not None and row["last"] is not None:
        age = (newest - row["last"]).total_seconds() / 86400
        recent = 0.5 + 0.5 * 2 ** (-age / settings.recent_days)
        reasons.append(Reason("recent", round(age, 1), f"Last seen {age:.0f} days before the newest alert's account."))
    return Priority(row["account"], round(combined(shares) * recent, 4), tuple(reasons))
