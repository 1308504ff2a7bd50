"""A decided conversation in a few lines, for the tests of packs and of labels from reviews."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline.review.records import AuditEntry, ConversationKey, Decision, Kind, StageCorrection

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
"""A key for tests: everybody knows it."""


def decision(key: ConversationKey, kind: Kind = "refer", *, reader: str = "ana", number: int = 1, **fields: Any) -> Decision:
    """Return a decision of a reader, with a second one where it needs one."""
    reasons: dict[Kind, str] = {"dismiss": "friends", "watch": "unclear", "escalate": "signs", "refer": "meeting"}
    about = {
        "reason": reasons[kind],
        "note": None,
        "second_reader": "ben" if kind in ("escalate", "refer") else None,
        "second_at": AT + timedelta(minutes=5) if kind in ("escalate", "refer") else None,
        "undone": None,
        "replaced_by": None,
    }
    return Decision(id=number, key=key, kind=kind, reader=reader, at=AT + timedelta(minutes=number), **(about | fields))


def entry(key: ConversationKey, number: int = 1, **fields: Any) -> AuditEntry:
    """Return a line of the audit log about a conversation."""
    about = {
        "actor": "ana",
        "action": "view",
        "subject": key.subject,
        "detail": {"positions": [1, 2], "reader": "ana"},
        "previous": "0" * 64,
        "hash": f"{number:064x}",
    }
    return AuditEntry(number=number, at=AT, **(about | fields))


def correction(key: ConversationKey, position: int, stages: tuple[str, ...], reader: str = "ana", **fields: Any) -> StageCorrection:
    """Return what a reader says that a message carries."""
    return StageCorrection(
        key=key, message_id=fields.get("message_id", str(position)), position=position, stages=stages, reader=reader, at=AT
    )
