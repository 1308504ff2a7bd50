"""What is in a referral pack, whole or redacted: made from results, decisions and audit entries; knows no file format."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.errors import ReviewError
from pipeline.redaction.redactor import Redactor
from pipeline.report.notes import notes_of
from pipeline.results import Run, stage_column
from pipeline.review.records import REASONS, AuditEntry, Decision
from pipeline.schema import Conversation

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
    """Everything that a pack says. ``alert`` is the position at which the running risk first reached the threshold."""

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
    limits: Sequence[str] = LIMITS

    @property
    def other_slot(self) -> str | None:
        """The other speaker, where there are exactly two and one has the highest risk."""
        others = [speaker.slot for speaker in self.speakers if speaker.slot != self.risk_slot]
        return others[0] if len(others) == 1 and self.risk_slot else None


def content_of(
    run: Run,
    conversation_id: str,
    *,
    decisions: Sequence[Decision],
    audit: Sequence[AuditEntry],
    reference: str,
    original: Conversation | None,
    redacted: bool,
    models: Sequence[tuple[str, Any]] | None = None,
) -> Content:
    """Return the content of a pack. ``original`` brings words and names where the run kept none; ``models`` find names.

    Raises
    ------
    ReviewError
        When the run has no such conversation, or the original is another one.
    """
    row = next((row for row in run.conversations() if row["conversation_id"] == conversation_id), None)
    if row is None:
        raise ReviewError(
            "the run has no such conversation", where=str(run.path), do="Give an id as it stands in conversations.parquet"
        )
    rows = next((rows for _, rows in run.messages([conversation_id])), [])
    words = _words(run, row, rows, original)
    notes = [decision.note for decision in decisions if decision.note]
    redactor = _redactor(words, notes, models) if redacted else None
    told = _Readers(redacted, (decisions, audit))
    messages = [_message(run, message, word, redactor) for message, word in zip(rows, words.messages, strict=True)]
    alert = next((message["position"] for message in rows if message["risk"] >= run.thresholds.risk), None)
    return Content(
        reference=reference,
        redacted=redacted,
        how_redacted=redactor.how if redactor else None,
        has_text=words.has_text,
        conversation_id=None if redacted else conversation_id,
        title=words.title if words.title is None or redactor is None else redactor.redact(words.title).text,
        platform=row["platform"],
        first=row["first_timestamp"],
        last=row["last_timestamp"],
        risk=row["risk"],
        risk_slot=row["risk_slot"],
        threshold=run.thresholds.risk,
        alert=alert,
        speakers=_speakers(messages),
        found=_counted(messages),
        messages=messages,
        decisions=[_decision(decision, told, redactor) for decision in decisions],
        audit=[_entry(entry, told) for entry in audit],
        exports=[
            ExportLine(number, None if redacted else entry["file"], entry["format"], entry["sha256"])
            for number, entry in enumerate(run.record["inputs"], 1)
            if entry["file"] in {message["source_file"] for message in rows}
        ],
        stages=[(stage.name, stage.definition, "; ".join(stage.looks_alike)) for stage in run.taxonomy.stages],
        model_name=run.record["model"]["name"],
        model_kind=run.record["model"]["kind"],
        model_id=run.record["model"]["id"],
        model_files=run.record["model"]["files"],
        version=run.record["versions"]["safelight"],
        scored=run.record["finished"],
        warnings=len(run.record["warnings"]),
    )


@dataclass(frozen=True, slots=True)
class _Word:
    speaker: str | None
    text: str | None
    meta: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Words:
    title: str | None
    messages: Sequence[_Word]
    slots: Mapping[str, Sequence[str]]
    has_text: bool


def _words(run: Run, row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], original: Conversation | None) -> _Words:
    """Return the words and names of a conversation: from the original when it is given, else what the run kept of them."""
    if original is not None:
        messages = tuple(original.load().messages)
        if [m.message_id for m in messages] != [r["message_id"] for r in rows]:
            raise ReviewError(
                "the original conversation is not the one that was scored", do="Give the export that the run was made of"
            )
        words = [_Word(m.speaker, m.text, m.meta) for m in messages]
        title = original.title
    elif run.record["settings"]["text"] == "include":
        words = [_Word(r["speaker"], r["text"], json.loads(r["meta"]) if r["meta"] else {}) for r in rows]
        title = row["title"]
    else:
        words, title = [_Word(None, None, {}) for _ in rows], None
    slots: dict[str, list[str]] = {}
    for message, word in zip(rows, words, strict=True):
        for name in (word.speaker, word.meta.get("speaker_name")):
            if message["speaker_slot"] and isinstance(name, str) and name not in slots.setdefault(message["speaker_slot"], []):
                slots[message["speaker_slot"]].append(name)
    has_text = original is not None or run.record["settings"]["text"] == "include"
    return _Words(title, words, slots, has_text)


def _redactor(words: _Words, notes: Sequence[str], models: Sequence[tuple[str, Any]] | None) -> Redactor:
    people: dict[str, list[str]] = {f"SPEAKER {slot}": list(names) for slot, names in words.slots.items()}
    known = {name for names in people.values() for name in names}
    others = sorted({name for word in words.messages for name in _named(word.meta)} - known)
    people |= {f"OTHER PERSON {number}": [name] for number, name in enumerate(others, 1)}
    if words.title and words.title not in known:
        people["TITLE"] = [words.title]
    redactor = Redactor(people, models=models)
    redactor.learn([*(word.text for word in words.messages if word.text), *notes])
    return redactor


def _named(meta: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of people that stand beside a message: forwarded from whom, who reacted."""
    for value in (meta.get("forwarded_from"), meta.get("actor"), meta.get("recipient")):
        if isinstance(value, str) and value:
            yield value
    reactions = meta.get("reactions")
    for reaction in reactions if isinstance(reactions, list) else ():
        if isinstance(reaction, Mapping) and isinstance(reaction.get("speaker"), str):
            yield reaction["speaker"]


def _message(run: Run, message: Mapping[str, Any], word: _Word, redactor: Redactor | None) -> MessageLine:
    stages = {
        stage.name: message[stage_column(stage.key)]
        for stage in run.taxonomy.stages
        if message[stage_column(stage.key)] is not None
    }
    found = [
        stage.name
        for stage in run.taxonomy.stages
        if stages and message[stage_column(stage.key)] >= run.thresholds.stages.get(stage.key, 1.0)
    ]
    inputs = [entry["file"] for entry in run.record["inputs"]]
    export = inputs.index(message["source_file"]) + 1 if message["source_file"] in inputs else None
    place = f"export {export}" if redactor or export is None else message["source_file"]
    if message["source_line"] is not None:
        place += f", line {message['source_line']}"
    elif message["source_row"] is not None:
        place += f", record {message['source_row']}"
    text = word.text
    return MessageLine(
        position=message["position"],
        message_id=None if redactor else message["message_id"],
        timestamp=message["timestamp"],
        slot=message["speaker_slot"],
        name=word.speaker if redactor is None else None,
        kind=message["kind"],
        text=redactor.redact(text).text if redactor and text else text,
        found=found,
        stages=stages,
        risk=message["risk"],
        speaker_risk=message["speaker_risk"],
        notes=_notes(word.meta, redacted=redactor is not None),
        export=export,
        source=place,
        source_line=message["source_line"],
        source_row=message["source_row"],
    )


def _notes(meta: Mapping[str, Any], *, redacted: bool) -> Sequence[str]:
    """Return the notes of a message; a redacted pack says that there is an attachment or a forward, and not its name."""
    if not redacted:
        return notes_of(meta)
    quiet = {key: meta[key] for key in ("edited", "deleted", "view_once", "media_type") if isinstance(meta.get(key), (str, bool))}
    notes = list(notes_of(quiet))
    if meta.get("reply_to") not in (None, ""):
        notes.append("a reply")
    if "forwarded_from" in meta:
        notes.append("forwarded")
    if attachments := meta.get("attachments"):
        count = len(attachments) if isinstance(attachments, list) else 1
        notes.append(f"{count} file" + ("s" if count > 1 else ""))
    if meta.get("reactions"):
        notes.append("reactions")
    return notes


def _speakers(messages: Sequence[MessageLine]) -> list[SpeakerLine]:
    lines: dict[str, list[MessageLine]] = {}
    for message in messages:
        if message.slot is not None:
            lines.setdefault(message.slot, []).append(message)
    return [
        SpeakerLine(slot, own[0].name, len(own), max((m.speaker_risk or 0.0 for m in own), default=0.0), _counted(own))
        for slot, own in lines.items()
    ]


def _counted(messages: Iterable[MessageLine]) -> list[tuple[str, int]]:
    return Counter(stage for message in messages for stage in message.found).most_common()


class _Readers:
    """Calls readers by their names, or in a redacted pack by numbers in the order in which they appear."""

    def __init__(self, redacted: bool, told: tuple[Sequence[Decision], Sequence[AuditEntry]]) -> None:
        names = [name for decision in told[0] for name in (decision.reader, decision.second_reader) if name]
        names += [entry.actor for entry in told[1] if entry.actor]
        self.redacted = redacted
        self._names = {name: f"READER {number}" if redacted else name for number, name in enumerate(dict.fromkeys(names), 1)}

    def name(self, reader: str) -> str:
        return self._names.get(reader, reader)

    def within(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._names.get(value, value)
        if isinstance(value, Mapping):
            return {key: self.within(part) for key, part in value.items()}
        return [self.within(part) for part in value] if isinstance(value, (list, tuple)) else value


def _decision(decision: Decision, told: _Readers, redactor: Redactor | None) -> DecisionLine:
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
        reader=told.name(decision.reader),
        at=decision.at.isoformat(timespec="seconds"),
        second_reader=told.name(decision.second_reader) if decision.second_reader else None,
        second_at=decision.second_at.isoformat(timespec="seconds") if decision.second_at else None,
        state=state,
    )


def _entry(entry: AuditEntry, told: _Readers) -> AuditLine:
    return AuditLine(
        number=entry.number,
        at=entry.at.isoformat(timespec="microseconds"),
        actor=told.name(entry.actor),
        action=entry.action,
        subject=told.within(entry.subject.removeprefix("reader:")) if entry.subject.startswith("reader:") else entry.subject,
        # What the line set in the tables names accounts inside of its keys; a redacted pack leaves it out.
        detail=json.dumps(
            told.within({name: value for name, value in entry.detail.items() if name != "sets" or not told.redacted}),
            sort_keys=True,
            ensure_ascii=False,
        ),
        previous=entry.previous,
        hash=entry.hash,
    )
