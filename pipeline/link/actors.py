"""Who shows stages toward whom: one actor toward many targets, and one target of many actors.

An actor is a person whose risk reaches the alert threshold in a conversation, and who wrote at least `min_signs` messages with a
stage to another there whose own risk is lower. Both rules are those of `pipeline.alerts`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

from pipeline.link.database import rows_of
from pipeline.link.keys import Pseudonyms
from pipeline.link.settings import LinkSettings
from pipeline.link.strength import combined, further, make_pattern
from pipeline.link.tables import MessageReference, Pattern, Reason, Role, message_reference

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_TOWARD = """
CREATE TABLE toward AS
SELECT actor.person AS actor, target.person AS target, sum(writes_to.signs)::BIGINT AS signs, bit_or(writes_to.mask) AS mask,
    make_timestamp(min(writes_to.first_sign)) AS first_sign, max(own.risk) AS risk,
    list_sort(list(DISTINCT writes_to.conversation)) AS conversations, list_sort(list(DISTINCT writes_to.export_id)) AS exports
FROM writes_to
JOIN takes_part AS own ON own.account = writes_to.source AND own.conversation = writes_to.conversation AND own.alert
JOIN takes_part AS other ON other.account = writes_to.target AND other.conversation = writes_to.conversation
    AND other.risk < own.risk
JOIN persons AS actor ON actor.account = writes_to.source
JOIN persons AS target ON target.account = writes_to.target
WHERE writes_to.signs > 0 AND actor.person <> target.person
GROUP BY ALL HAVING sum(writes_to.signs) >= $least
"""

_INTRODUCTIONS = """
CREATE TABLE introductions AS
SELECT DISTINCT introducer.person AS introducer, target.person AS target, introduced.person AS introduced,
    contacts.account AS source_account, contacts.target AS target_account, contacts.conversation,
    reference(contacts, 'speaks of a third person', span(contacts.start, contacts.end)) AS evidence
FROM contacts
JOIN persons AS introducer ON introducer.account = contacts.account
LEFT JOIN persons AS target ON target.account = contacts.target
LEFT JOIN accounts AS third ON third.contact = contacts.contact AND third.account <> contacts.account
LEFT JOIN persons AS introduced ON introduced.account = third.account
WHERE contacts.kind = 'introduction'
"""

_EVIDENCE = """
CREATE TABLE toward_messages AS
SELECT toward.actor, toward.target, reference(message, NULL, NULL) AS evidence
FROM signs AS message
JOIN persons AS a ON a.account = message.account
JOIN persons AS b ON b.account = message.target
JOIN toward ON toward.actor = a.person AND toward.target = b.person
WHERE message.alert
QUALIFY row_number() OVER (
    PARTITION BY toward.actor, toward.target
    ORDER BY (message.mask & $severe) = 0, message.time NULLS LAST, message.conversation, message.position
) <= 3
"""

_ACQUAINTED = """
SELECT DISTINCT a.actor AS one, b.actor AS other
FROM toward AS a JOIN toward AS b ON a.target = b.target AND a.actor < b.actor
WHERE EXISTS (
    FROM takes_part AS x JOIN persons AS p ON p.account = x.account JOIN takes_part AS y ON y.conversation = x.conversation
    JOIN persons AS q ON q.account = y.account WHERE p.person = a.actor AND q.person = b.actor
)
"""

ORDER = "The order is that of the times in the exports; clocks of phones may be wrong."
PERSONS = "Accounts that no strong link joins count as several persons, though they may be one."
SHOWN = "Scores are of a model that errs: read the messages before anything else."


@dataclass(frozen=True, slots=True)
class Toward:
    """What a person shows toward another."""

    actor: str
    target: str
    signs: int
    mask: int
    first_sign: datetime | None
    risk: float
    conversations: tuple[str, ...]
    exports: tuple[str, ...]
    messages: tuple[MessageReference, ...]


def find_toward(connection: DuckDBPyConnection, settings: LinkSettings, severe: int) -> None:
    """Make the tables ``toward``, ``toward_messages`` and ``introductions``; ``severe`` are the bits of the severe stages."""
    connection.execute(_TOWARD, {"least": settings.min_signs})
    connection.execute(_EVIDENCE, {"severe": severe})
    connection.execute(_INTRODUCTIONS)


def read_toward(connection: DuckDBPyConnection, by: str) -> dict[str, list[Toward]]:
    """Return who shows stages toward whom, by ``actor`` or ``target``, for those with at least two of the other, in time."""
    several = f"SELECT {by} FROM toward GROUP BY {by} HAVING count(*) > 1"  # noqa: S608 - a name of ours
    messages: dict[tuple[str, str], list[MessageReference]] = defaultdict(list)
    for row in rows_of(connection, f"SELECT * FROM toward_messages WHERE {by} IN ({several})"):  # noqa: S608
        messages[row["actor"], row["target"]].append(message_reference(row["evidence"]))
    by_actor: dict[str, list[Toward]] = defaultdict(list)
    order = "ORDER BY first_sign NULLS LAST, actor, target"
    for row in rows_of(connection, f"SELECT * FROM toward WHERE {by} IN ({several}) {order}"):  # noqa: S608
        lists = {name: tuple(row[name]) for name in ("conversations", "exports")}
        by_actor[row[by]].append(Toward(**{**row, **lists}, messages=tuple(messages[row["actor"], row["target"]])))
    return by_actor


def accounts_of(connection: DuckDBPyConnection) -> Mapping[str, Sequence[str]]:
    """Return the accounts of every person who shows or is shown stages."""
    query = (
        "SELECT person, list(account ORDER BY account) AS accounts FROM persons WHERE person IN "
        "(SELECT actor FROM toward UNION SELECT target FROM toward) GROUP BY person"
    )
    return {row["person"]: row["accounts"] for row in rows_of(connection, query)}


def roles_of(persons: Mapping[str, Role], accounts: Mapping[str, Sequence[str]]) -> dict[str, Role]:
    """Return the role of each account of some persons."""
    return {account: role for person, role in persons.items() for account in accounts.get(person, (person,))}


def many_targets(connection: DuckDBPyConnection, settings: LinkSettings, severe: int, pseudonyms: Pseudonyms) -> list[Pattern]:
    """Return the persons who show stages toward several others, with the order and how fast they move on."""
    weights, accounts = settings.weights, accounts_of(connection)
    patterns = []
    for actor, shown in read_toward(connection, "actor").items():
        reasons = [Reason("targets", len(shown), f"Shows stages toward {len(shown)} persons.")]
        shares = [further(len(shown), weights.another)]
        shares += _severe(shown, severe, weights.severe, reasons, "toward")
        days = days_between(shown)
        if days is not None:
            reasons.append(Reason("speed", round(days, 2), f"Moves on to the next person after {_days(days)} (median)."))
            shares += [weights.fast] if days <= settings.fast_days else []
        exports = {export for toward in shown for export in toward.exports}
        if len(exports) > 1:
            reasons.append(Reason("exports", len(exports), f"Seen in {len(exports)} exports."))
            shares.append(weights.exports)
        roles: dict[str, Role] = {toward.target: "target" for toward in shown}
        patterns.append(
            make_pattern(
                "one_actor_many_targets",
                pseudonyms,
                strength=combined(shares),
                roles=roles_of({**roles, actor: "actor"}, accounts),
                conversations=(name for toward in shown for name in toward.conversations),
                reasons=reasons,
                unknown=[SHOWN, PERSONS, ORDER if days is not None else "The exports have no times, so the order is not known."],
                messages=(message for toward in shown for message in toward.messages),
            )
        )
    return patterns


def many_actors(connection: DuckDBPyConnection, settings: LinkSettings, severe: int, pseudonyms: Pseudonyms) -> list[Pattern]:
    """Return the persons toward whom several others show stages, and whether those know one another."""
    weights, accounts = settings.weights, accounts_of(connection)
    acquainted = {(row["one"], row["other"]) for row in rows_of(connection, _ACQUAINTED)}
    introductions: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows_of(connection, "SELECT * FROM introductions WHERE introducer IN (SELECT actor FROM toward) ORDER BY ALL"):
        introductions[row["introducer"]].append(row)
    patterns = []
    for target, shown in read_toward(connection, "target").items():
        actors = sorted({toward.actor for toward in shown})
        reasons = [Reason("actors", len(shown), f"{len(shown)} persons show stages toward this one.")]
        shares = [further(len(shown), weights.another)]
        shares += _severe(shown, severe, weights.severe, reasons, "by")
        introduced = [
            row for actor in actors for row in introductions[actor] if target == row["target"] or row["introduced"] in actors
        ]
        if introduced:
            reasons.append(Reason("introduced", len(introduced), "One of them speaks of a friend, or asks to bring one."))
            shares.append(weights.introduced)
        known = [pair for pair in acquainted if pair[0] in actors and pair[1] in actors]
        if known:
            reasons.append(Reason("acquainted", len(known), "Two of them are in one conversation."))
            shares.append(weights.acquainted)
        unknown = (
            [SHOWN, PERSONS]
            if introduced or known
            else [SHOWN, PERSONS, "Whether they know one another does not show in these exports."]
        )
        roles: dict[str, Role] = dict.fromkeys(actors, "actor")
        roles |= {row["introducer"]: "introducer" for row in introduced}
        patterns.append(
            make_pattern(
                "one_target_many_actors",
                pseudonyms,
                strength=combined(shares),
                roles=roles_of({**roles, target: "target"}, accounts),
                conversations=[
                    *(name for toward in shown for name in toward.conversations),
                    *(row["conversation"] for row in introduced),
                ],
                reasons=reasons,
                unknown=unknown,
                messages=[
                    *(message for toward in shown for message in toward.messages),
                    *(message_reference(row["evidence"]) for row in introduced[:5]),
                ],
            )
        )
    return patterns


def days_between(shown: Sequence[Toward]) -> float | None:
    """Return the median number of days from the first sign toward one person to that toward the next; null without times."""
    times = sorted(toward.first_sign for toward in shown if toward.first_sign is not None)
    gaps = [(after - before).total_seconds() / 86400 for before, after in pairwise(times)]
    return median(gaps) if gaps else None


def _days(days: float) -> str:
    return "less than a day" if days < 1 else f"{days:.0f} {'day' if round(days) == 1 else 'days'}"


def _severe(shown: Sequence[Toward], severe: int, weight: float, reasons: list[Reason], how: str) -> list[float]:
    count = sum(bool(toward.mask & severe) for toward in shown)
    if count < 2:
        return []
    reasons.append(Reason("severe", count, f"Severe stages {how} {count} of them."))
    return [weight]
