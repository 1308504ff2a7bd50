"""What the joined runs tell of each account with an alert, and its priority (`pipeline.link.priority`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pipeline.config import Taxonomy
from pipeline.link.actors import days_between, read_toward
from pipeline.link.database import rows_of
from pipeline.link.priority import AccountFacts, Ranked, account_priority
from pipeline.link.settings import LinkSettings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ALERTED = """
SELECT accounts.account, persons.person, accounts.risk, stages_of(accounts.mask) AS stages, make_timestamp(accounts.last) AS last,
    coalesce(shown.targets, 0) AS targets
FROM accounts JOIN persons USING (account)
LEFT JOIN (SELECT actor AS person, count(*) AS targets FROM toward GROUP BY actor) AS shown USING (person)
WHERE accounts.alerts > 0
ORDER BY accounts.account
"""


def account_priorities(connection: DuckDBPyConnection, settings: LinkSettings, taxonomy: Taxonomy) -> Iterator[tuple[str, Ranked]]:
    """Yield each account with an alert, and its priority; the others have none. What is old counts less: see ``recent_days``."""
    speed = {actor: days_between(shown) for actor, shown in read_toward(connection, "actor").items()}
    rows = rows_of(connection, _ALERTED)
    newest = max((row["last"] for row in rows if row["last"] is not None), default=None)
    for row in rows:
        old = (newest - row["last"]).total_seconds() / 86400 if newest is not None and row["last"] is not None else None
        yield row["account"], account_priority(_facts(row, settings, taxonomy, speed.get(row["person"]), old), settings)


def _facts(
    row: dict[str, Any], settings: LinkSettings, taxonomy: Taxonomy, days_to_next: float | None, days_old: float | None
) -> AccountFacts:
    names = {stage.key: stage.name for stage in taxonomy.stages}
    return AccountFacts(
        risk=row["risk"],
        targets=row["targets"],
        severe=[names[key] for key in row["stages"] if key in taxonomy.severe],
        meeting=[names[key] for key in row["stages"] if key in settings.meeting_stages],
        days_to_next=days_to_next,
        days_old=days_old,
    )
