"""Decisions and audit entries as lines of a pack, with the readers by name or by number."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.redaction.redactor import Redactor
from pipeline.review.records import REASONS, AuditEntry, Decision
from pipeline.review.referral.content import AuditLine, DecisionLine


class ReaderNames:
    """Calls readers by their names, or in a redacted pack by numbers in the order in which they appear."""

    def __init__(self, decisions: Sequence[Decision], audit: Sequence[AuditEntry], *, redacted: bool) -> None:
        names = [name for decision in decisions for name in (decision.reader, decision.second_reader) if name]
        names += [entry.actor for entry in audit if entry.actor]
        self.redacted = redacted
        self._names = {name: f"READER {number}" if redacted else name for number, name in enumerate(dict.fromkeys(names), 1)}

    def name(self, reader: str) -> str:
        """Return what a reader is called in the pack."""
        return self._names.get(reader, reader)

    def within(self, value: Any) -> Any:
        """Return a value of JSON with every name of a reader in it replaced."""
        if isinstance(value, str):
            return self._names.get(value, value)
        if isinstance(value, Mapping):
            return {key: self.within(part) for key, part in value.items()}
        return [self.within(part) for part in value] if isinstance(value, (list, tuple)) else value


def decision_line(decision: Decision, readers: ReaderNames, redactor: Redactor | None) -> DecisionLine:
    """Return a decision in words."""
    note = decision.note
    state = (
        "holds"
        if decision.holds
        else "taken back"
        if decision.undone
        else "replaced"
        if decision.replaced_by
        else "awaits a second reader"
    )
    return DecisionLine(
        kind=decision.kind,
        reason=REASONS[decision.kind].get(decision.reason, decision.reason),
        note=redactor.redact(note).text if redactor and note else note,
        reader=readers.name(decision.reader),
        at=decision.at.isoformat(timespec="seconds"),
        second_reader=readers.name(decision.second_reader) if decision.second_reader else None,
        second_at=decision.second_at.isoformat(timespec="seconds") if decision.second_at else None,
        state=state,
    )


def audit_line(entry: AuditEntry, readers: ReaderNames) -> AuditLine:
    """Return an entry of the audit log as a line."""
    return AuditLine(
        number=entry.number,
        at=entry.at.isoformat(timespec="microseconds"),
        actor=readers.name(entry.actor),
        action=entry.action,
        subject=readers.within(entry.subject.removeprefix("reader:")) if entry.subject.startswith("reader:") else entry.subject,
        # What the line set in the tables names accounts inside of its keys; a redacted pack leaves it out.
        detail=json.dumps(
            readers.within({name: value for name, value in entry.detail.items() if name != "sets" or not readers.redacted}),
            sort_keys=True,
            ensure_ascii=False,
        ),
        previous=entry.previous,
        hash=entry.hash,
    )
