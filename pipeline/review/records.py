"""What passes between the parts of the review: conversations by key, decisions, corrections, accounts, audit entries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pipeline.digests import sha256_of_text

Kind = Literal["dismiss", "watch", "escalate", "refer"]
"""What a reader can decide of a conversation."""

KINDS: tuple[Kind, ...] = ("dismiss", "watch", "escalate", "refer")

FOUR_EYES: frozenset[Kind] = frozenset({"escalate", "refer"})
"""Decisions that hold once a second reader agreed."""

Role = Literal["reader", "lead", "admin"]
"""Each may do what the one before may, and more."""

ROLES: tuple[Role, ...] = ("reader", "lead", "admin")

REASONS: Mapping[Kind, Mapping[str, str]] = {
    "dismiss": {
        "friends": "Friends or family of one another",
        "adults": "Adults among themselves",
        "work": "Teaching, coaching, care or another duty",
        "banter": "Jokes, a game, fiction or a quotation",
        "model": "The model misread harmless words",
        "other": "Another reason (say which)",
    },
    "watch": {
        "unclear": "Too little to tell",
        "early": "Early signs, nothing that would hold",
        "incomplete": "The export is incomplete",
        "other": "Another reason (say which)",
    },
    "escalate": {
        "signs": "Several stages from one speaker towards another",
        "age": "An adult, it seems, and a child",
        "secrecy": "Secrecy or isolation is asked for",
        "pressure": "Pressure, threats or debt",
        "meeting": "A meeting, a call or travel is arranged",
        "other": "Another reason (say which)",
    },
    "refer": {
        "danger": "A child may be in danger now",
        "meeting": "A meeting is arranged or has taken place",
        "pressure": "Threats or extortion",
        "images": "Images are asked for or were sent",
        "law": "The law asks for a report",
        "other": "Another reason (say which)",
    },
}
"""The list of reasons for each decision: key and words."""


@dataclass(frozen=True, slots=True)
class ConversationKey:
    """A conversation of a run. ``run_id`` is the SHA-256 of the run's ``run.json``, cut to 16 digits."""

    run_id: str
    conversation_id: str

    @property
    def subject(self) -> str:
        """What the audit log calls it: a digest, since an export's own id may hold a name, and the log is never rewritten."""
        digest = sha256_of_text(f"{self.run_id}\n{self.conversation_id}")
        return f"conversation:{digest[:24]}"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a reader decided of a conversation.

    ``reason`` is a key of ``REASONS[kind]``. ``second_reader`` is who read it too and agreed; one of ``FOUR_EYES`` does not hold
    before. ``undone`` is when it was taken back; ``replaced_by`` the id of another reader's decision that came in its place, so
    that it stays this reader's judgement without being what holds.
    """

    id: int
    key: ConversationKey
    kind: Kind
    reason: str
    note: str | None
    reader: str
    at: datetime
    second_reader: str | None
    second_at: datetime | None
    undone: datetime | None
    replaced_by: int | None

    @property
    def current(self) -> bool:
        """Whether it is the last word on the conversation."""
        return self.undone is None and self.replaced_by is None

    @property
    def holds(self) -> bool:
        """Whether it is the last word, and read by as many as it needs."""
        return self.current and (self.kind not in FOUR_EYES or self.second_reader is not None)


@dataclass(frozen=True, slots=True)
class StageCorrection:
    """The stages that a message carries by a reader's judgement; none of them when ``stages`` is empty."""

    key: ConversationKey
    message_id: str
    position: int
    stages: tuple[str, ...]
    reader: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit log; ``number`` counts from 1, ``previous`` is the hash of the line before.

    ``subject`` is ``conversation:…``, ``run:…``, ``reader:…`` or empty. ``detail`` holds ids, numbers and digests, never a text or
    name out of a chat.
    """

    number: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Moderator:
    """An account. The preferences are care for the person: see ``pipeline.review.care``."""

    name: str
    role: Role
    active: bool
    grey: bool = False
    content_free: bool = False
    shortcuts: bool = True
    pause_minutes: int = 50
    pause_cases: int = 5
    has_factor: bool = False
    titles: bool = False
    language: str = "en"

    def may(self, role: Role) -> bool:
        """Return whether the account has at least this role."""
        return ROLES.index(self.role) >= ROLES.index(role)
