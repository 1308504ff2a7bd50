"""The tables of a link run, written from the database: rows in one order, whatever the order of the runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.link.database import table_of
from pipeline.link.priority import Ranked
from pipeline.link.schemas import (
    ACCOUNTS,
    ACCOUNTS_SCHEMA,
    CONVERSATIONS,
    CONVERSATIONS_SCHEMA,
    EDGES,
    EDGES_SCHEMA,
    IDENTITY_LINKS,
    IDENTITY_LINKS_SCHEMA,
    PATTERNS,
    PATTERNS_SCHEMA,
)
from pipeline.link.tables import Pattern

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_PRIORITY = pa.schema(
    [
        ("account", pa.string()),
        ("priority", pa.float64()),
        ("reasons", pa.list_(pa.struct([("reason", pa.string()), ("value", pa.float64()), ("text", pa.string())]))),
    ]
)
_COMMUNITY = pa.schema([("person", pa.string()), ("community", pa.int64())])

_ACCOUNTS = """
SELECT accounts.account, persons.person, speaker, platform, export, identifier_kind, name, conversations, messages, signs, alerts,
    risk, stages_of(mask) AS stages, coalesce(shown.targets, 0) AS targets, make_timestamp(first) AS first,
    make_timestamp(last) AS last, community, coalesce(priority, 0) AS priority, coalesce(reasons, []) AS priority_reasons
FROM accounts JOIN persons USING (account)
LEFT JOIN given_communities USING (person)
LEFT JOIN given_priorities USING (account)
LEFT JOIN (
    SELECT writes_to.source AS account, count(DISTINCT toward.target) AS targets
    FROM writes_to JOIN persons AS a ON a.account = writes_to.source JOIN persons AS b ON b.account = writes_to.target
    JOIN toward ON toward.actor = a.person AND toward.target = b.person
    WHERE writes_to.signs > 0 GROUP BY writes_to.source
) AS shown USING (account)
ORDER BY priority DESC, accounts.account
"""

_CONVERSATIONS = """
SELECT conversation, run, run_row, platform, export, accounts, messages, signs, risk, alert, stages_of(mask) AS stages,
    coalesce(counted.indicators, []) AS indicators, make_timestamp(first) AS first, make_timestamp(last) AS last,
    conversation_id, title, source_file
FROM conversations LEFT JOIN (
    SELECT conversation, list(struct_pack(indicator := indicator, messages := messages) ORDER BY indicator) AS indicators
    FROM (SELECT conversation, indicator, count(*) AS messages FROM indicators GROUP BY ALL) GROUP BY conversation
) AS counted USING (conversation)
ORDER BY conversation
"""

_EDGES = """
SELECT 'takes_part' AS kind, account AS source, conversation AS target, conversation, slot, messages, signs,
    stages_of(mask) AS stages, risk, make_timestamp(first) AS first, make_timestamp(last) AS last,
    make_timestamp(first_sign) AS first_sign, first_position
FROM takes_part
UNION ALL
SELECT 'writes_to', source, target, conversation, NULL, messages, signs, stages_of(mask), risk, make_timestamp(first),
    make_timestamp(last), make_timestamp(first_sign), first_position
FROM writes_to
UNION ALL
SELECT 'introduces', introductions.source_account, introductions.target_account, introductions.conversation, NULL, count(*), 0, [],
    any_value(takes_part.risk), min(evidence.time), max(evidence.time), NULL, min(evidence.position)
FROM introductions JOIN takes_part
    ON takes_part.account = introductions.source_account AND takes_part.conversation = introductions.conversation
WHERE introductions.target_account IS NOT NULL
GROUP BY introductions.source_account, introductions.target_account, introductions.conversation
ORDER BY kind, source, target, conversation
"""

_LINKS = "SELECT * FROM links ORDER BY strength DESC, source, target, reason"


def write_tables(
    connection: DuckDBPyConnection,
    folder: Path,
    *,
    communities: Mapping[str, int],
    priorities: Iterable[tuple[str, Ranked]],
    patterns: Sequence[Pattern],
) -> None:
    """Write all tables into a folder."""
    known = [{"person": person, "community": community} for person, community in communities.items()]
    first = [
        {"account": account, "priority": ranked.priority, "reasons": [asdict(why) for why in ranked.reasons]}
        for account, ranked in priorities
    ]
    given = {"given_communities": (known, _COMMUNITY), "given_priorities": (first, _PRIORITY)}
    for name, (rows, schema) in given.items():
        connection.register(name, pa.Table.from_pylist(rows, schema=schema))
    tables = {
        ACCOUNTS: (_ACCOUNTS, ACCOUNTS_SCHEMA),
        CONVERSATIONS: (_CONVERSATIONS, CONVERSATIONS_SCHEMA),
        EDGES: (_EDGES, EDGES_SCHEMA),
        IDENTITY_LINKS: (_LINKS, IDENTITY_LINKS_SCHEMA),
    }
    for name, (query, schema) in tables.items():
        _write(folder / name, table_of(connection, query, schema))
    for name in given:
        connection.unregister(name)
    write_patterns(folder, patterns)


def write_patterns(folder: Path, patterns: Sequence[Pattern]) -> None:
    """Write the patterns, strongest first."""
    rows: list[dict[str, Any]] = [asdict(pattern) for pattern in patterns]
    _write(folder / PATTERNS, pa.Table.from_pylist(rows, schema=PATTERNS_SCHEMA))


def _write(path: Path, table: pa.Table) -> None:
    pq.write_table(table, path, compression="zstd")
