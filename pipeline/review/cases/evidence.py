"""What `safelight link` found, taken into a case: links between accounts, patterns, and what to read first."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, select, update

from pipeline.errors import ResultsError, ReviewError
from pipeline.link.schemas import LINK
from pipeline.link.tables import (
    MessageReference,
    read_accounts,
    read_conversations,
    read_edges,
    read_identity_links,
    read_patterns,
)
from pipeline.review.audit import append
from pipeline.review.case_digest import evidence_digest
from pipeline.review.case_schema import case_links, case_patterns, case_priorities, cases, conversation_accounts
from pipeline.review.cases.cases import require_case, runs_of, subject_of
from pipeline.review.recorded import recorded
from pipeline.review.schema import audit, conversations


def take_evidence(connection: Connection, case: str, folder: Path, *, actor: str) -> dict[str, int]:
    """Take a folder of `safelight link` into a case, in place of the one before; return how much of each kind.

    What people said of accounts stays. Only what is about runs of the case is taken.

    Raises
    ------
    ReviewError
        When it is no such folder, or it was not made of the runs of the case as they are now.
    """
    require_case(connection, case)
    record = _record(folder)
    ours = {run_id for run_id, _ in runs_of(connection, case)}
    linked = {about["run"] for about in record["runs"]}
    if missing := ours - linked:
        raise ReviewError(
            f"{len(missing)} of {len(ours)} runs of the case are not in it", where=str(folder), do="Link all runs of the case again"
        )
    _require_not_purged_since(connection, folder, record, ours)
    try:
        numbers = _Numbers(connection, folder, ours)
        links, patterns, priorities = numbers.links(folder), numbers.patterns(folder), numbers.priorities(folder)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ResultsError("the links are damaged", where=str(folder), do="Run `safelight link` again") from error
    before = {f"case/{case}": {"index": evidence_digest(connection, case)}}
    for table, rows in ((case_links, links), (case_patterns, patterns), (case_priorities, priorities)):
        connection.execute(delete(table).where(table.c.case_name == case))
        if rows:
            connection.execute(table.insert(), [{"case_name": case, **row} for row in rows])
    taken = json.dumps({"runs": sorted(linked & ours), "taken": datetime.now(UTC).isoformat(timespec="seconds")})
    connection.execute(update(cases).where(cases.c.name == case).values(evidence=taken))
    sets = {f"case/{case}": recorded(evidence=taken) | {"index": evidence_digest(connection, case)}}
    counts = {"links": len(links), "patterns": len(patterns), "accounts": len(priorities)}
    append(connection, actor, "link case", subject_of(case), found=before, sets=sets, **counts)
    return counts


def _record(folder: Path) -> dict[str, Any]:
    try:
        record = json.loads((folder / LINK).read_text("utf-8"))
        if not all(isinstance(about["run"], str) for about in record["runs"]):
            raise KeyError("run")
        if datetime.fromisoformat(record["started"]).tzinfo is None:
            raise ValueError("no zone")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReviewError(f"this has no {LINK} of ours", where=str(folder), do="Give the --out of `safelight link`") from error
    return record


def _require_not_purged_since(connection: Connection, folder: Path, record: dict[str, Any], ours: set[str]) -> None:
    """Refuse where a run was purged after it was linked: rows have moved, and what was deleted would come back."""
    started = datetime.fromisoformat(record["started"])
    query = select(audit.c.detail).where(audit.c.action == "purge", audit.c.at >= started)
    for detail in connection.execute(query).scalars():
        if any(f"run/{run_id}" in json.loads(detail).get("sets", {}) for run_id in ours):
            raise ReviewError(
                "`safelight purge` or `forget` ran after the links were made, so they may name what was deleted",
                where=str(folder),
                do="Run `safelight link` again",
            )


class _Numbers:
    """Turns the pseudonyms of a link run into the store's own numbers."""

    def __init__(self, connection: Connection, folder: Path, ours: set[str]) -> None:
        columns = conversations.c
        query = select(columns.run_id, columns.summary_row, columns.number).where(columns.run_id.in_(ours))
        rows = {(row.run_id, row.summary_row): row.number for row in connection.execute(query)}
        nodes = read_conversations(folder)
        self.conversation = {node.conversation: rows[node.run, node.run_row] for node in nodes if (node.run, node.run_row) in rows}
        numbers = set(self.conversation.values())
        slots = {
            (row.conversation, row.slot): row.account
            for row in connection.execute(select(conversation_accounts))
            if row.conversation in numbers
        }
        self.account: dict[str, int] = {}
        for edge in read_edges(folder):
            if edge.kind == "takes_part" and edge.slot is not None and edge.conversation in self.conversation:
                number = slots.get((self.conversation[edge.conversation], edge.slot))
                if number is not None:
                    self.account[edge.source] = number

    def links(self, folder: Path) -> list[dict[str, Any]]:
        """Return the links between accounts that the store has; of two of one reason on a pair the stronger."""
        links: dict[tuple[int, int, str], dict[str, Any]] = {}
        for link in read_identity_links(folder):
            pair = sorted(self.account[name] for name in (link.source, link.target) if name in self.account)
            if len(set(pair)) == 2:
                about = {"strength": link.strength, "words": link.text, "evidence": json.dumps(self._places(link.evidence))}
                key = (pair[0], pair[1], link.reason)
                links.setdefault(key, dict(zip(("source", "target", "reason"), key, strict=True)) | about)
        return list(links.values())

    def patterns(self, folder: Path) -> list[dict[str, Any]]:
        """Return the patterns that are wholly about accounts and conversations that the store has."""
        patterns = []
        for pattern in read_patterns(folder):
            names = [part.account for part in pattern.accounts]
            if not (self.account.keys() >= set(names) and self.conversation.keys() >= set(pattern.conversations)):
                continue
            content = {
                "accounts": [[self.account[part.account], part.role] for part in pattern.accounts],
                "conversations": sorted(self.conversation[name] for name in pattern.conversations),
                "reasons": [asdict(reason) for reason in pattern.reasons],
                "unknown": list(pattern.unknown),
                "messages": self._places(pattern.messages),
            }
            about = {"pattern": pattern.pattern, "kind": pattern.kind, "strength": pattern.strength}
            patterns.append(about | {"content": json.dumps(content)})
        return patterns

    def priorities(self, folder: Path) -> list[dict[str, Any]]:
        """Return what to read first: an account, its priority in [0, 1] and the reasons."""
        priorities: dict[int, dict[str, Any]] = {}
        for account in read_accounts(folder):
            number = self.account.get(account.account)
            if number is not None and account.priority > priorities.get(number, {"priority": 0.0})["priority"]:
                reasons = json.dumps([asdict(reason) for reason in account.priority_reasons])
                priorities[number] = {"account": number, "priority": account.priority, "reasons": reasons}
        return list(priorities.values())

    def _places(self, evidence: Iterable[MessageReference]) -> list[dict[str, Any]]:
        return [
            {
                "conversation": self.conversation[message.conversation],
                "position": message.position,
                "line": message.line,
                "row": message.row,
                "note": message.note,
            }
            for message in evidence
            if message.conversation in self.conversation
        ]
