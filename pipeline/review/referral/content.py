"""What a referral pack says, whole or redacted: types alone, and the limits of the system in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LIMITS: tuple[str, ...] = (
    "A sign says that a message's words are like words that carried a stage in training. It is a reason to read, never a finding.",
    "The risk is an order for reading, not a chance that something happened.",
    "The software does not know who anybody is, how old, what two people are to each other, or what was meant. It reads words.",
    "It does not know whether the export is complete or true. In a text export of WhatsApp or Signal a participant can forge "
    "another's message.",
    "It does not know what was said elsewhere, in calls or in pictures. Media are never opened.",
    "It can be wrong in both directions, more so in languages, slang and platforms unlike those it learned from.",
    "The absence of a flag, or of a sign in a message or for a speaker, does not clear anyone.",
)
"""What the system cannot know, in plain words."""


@dataclass(frozen=True, slots=True)
class MessageLine:
    """A row of the export. ``source`` says where it stands: in a redacted pack by the export's number, else by its file."""

    position: int
    message_id: str | None
    timestamp: str | None
    slot: str | None
    name: str | None
    kind: str
    text: str | None
    found: Sequence[str]
    stages: Mapping[str, float]
    risk: float
    speaker_risk: float | None
    notes: Sequence[str]
    export: int | None
    source: str
    source_line: int | None
    source_row: int | None


@dataclass(frozen=True, slots=True)
class SpeakerLine:
    """A speaker: rows, the highest risk of the speaker's own messages, and in how many each stage was found."""

    slot: str
    name: str | None
    messages: int
    risk: float
    found: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """A decision, in words."""

    kind: str
    reason: str
    note: str | None
    reader: str
    at: str
    second_reader: str | None
    second_at: str | None
    state: str


@dataclass(frozen=True, slots=True)
class AuditLine:
    """A line of the audit log; ``hash`` and ``previous`` are those of the log, where nothing is redacted."""

    number: int
    at: str
    actor: str
    action: str
    subject: str
    detail: str
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class ExportLine:
    """An original export."""

    number: int
    file: str | None
    format: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Content:
    """Everything that a pack says. ``alert`` is the position at which the running risk first reached the threshold.

    ``severity`` is how urgent it is, and ``sentence`` what the signs say, composed by rule; both nothing where it is not flagged.
    """

    reference: str
    redacted: bool
    how_redacted: str | None
    has_text: bool
    conversation_id: str | None
    title: str | None
    platform: str
    first: str | None
    last: str | None
    risk: float
    risk_slot: str | None
    threshold: float
    alert: int | None
    speakers: Sequence[SpeakerLine]
    found: Sequence[tuple[str, int]]
    messages: Sequence[MessageLine]
    decisions: Sequence[DecisionLine]
    audit: Sequence[AuditLine]
    exports: Sequence[ExportLine]
    stages: Sequence[tuple[str, str, str]]
    model_name: str
    model_kind: str
    model_id: str
    model_files: Mapping[str, str]
    version: str
    scored: str
    warnings: int
    severity: str | None = None
    sentence: str | None = None
    limits: Sequence[str] = LIMITS

    @property
    def other_slot(self) -> str | None:
        """The other speaker, where there are exactly two and one has the highest risk."""
        others = [speaker.slot for speaker in self.speakers if speaker.slot != self.risk_slot]
        return others[0] if len(others) == 1 and self.risk_slot else None
