"""Digests of what a case holds beside its recorded rows: the sources of its runs; links, patterns and priorities."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from sqlalchemy import Connection, Select, Table, column, select

from pipeline.review.case_schema import (
    case_links,
    case_patterns,
    case_priorities,
    conversation_accounts,
    conversation_sources,
)


def sources_digest(connection: Connection, run_id: str) -> str:
    """Return the digest of where the conversations of a run came from, and of the accounts in them."""
    ours = select(conversation_sources.c.conversation).where(conversation_sources.c.run_id == run_id)
    return _digest(
        connection,
        [
            _raw(conversation_sources).where(column("run_id") == run_id),
            _raw(conversation_accounts).where(column("conversation").in_(ours)),
        ],
    )


def evidence_digest(connection: Connection, case: str) -> str:
    """Return the digest of the links, patterns and priorities of a case."""
    tables = (case_links, case_patterns, case_priorities)
    return _digest(connection, [_raw(table).where(column("case_name") == case) for table in tables])


def _raw(table: Table) -> Select[tuple[object, ...]]:
    return select(*(column(field.name) for field in table.columns)).select_from(table)


def _digest(connection: Connection, queries: Iterable[Select[tuple[object, ...]]]) -> str:
    digest = hashlib.sha256()
    for query in queries:
        for row in sorted(repr(tuple(row)) for row in connection.execute(query)):  # databases sort text each in their own way
            digest.update(row.encode("utf-8", "surrogatepass"))
        digest.update(b"\n")
    return digest.hexdigest()
