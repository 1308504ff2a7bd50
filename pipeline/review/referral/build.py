"""Make what a referral pack says from results, decisions and audit entries; knows no file format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.alerts import first_alert
from pipeline.errors import ReviewError
from pipeline.redaction.redactor import Redactor
from pipeline.results import Run, ScoredMessage
from pipeline.review.records import AuditEntry, Decision
from pipeline.review.referral.content import Content, ExportLine, MessageLine, SpeakerLine
from pipeline.review.referral.readers import ReaderNames, audit_line, decision_line
from pipeline.review.referral.redacted_words import MessageWords, redactor_of, shown_notes, words_of
from pipeline.schema import Conversation
from pipeline.summaries.sentence import sentence
from pipeline.summaries.summary import summarise
from pipeline.thresholds import Thresholds


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
    scored = next(run.read([conversation_id]), None)
    if scored is None:
        raise ReviewError(
            "the run has no such conversation", where=str(run.path), do="Give an id as it stands in conversations.parquet"
        )
    conversation, rows = scored
    words = words_of(run, conversation, rows, original)
    notes = [decision.note for decision in decisions if decision.note]
    redactor = redactor_of(words, notes, models) if redacted else None
    readers = ReaderNames(decisions, audit, redacted=redacted)
    stage_names = {stage.key: stage.name for stage in run.taxonomy.stages}
    exports = {entry["file"]: number for number, entry in reversed([*enumerate(run.record["inputs"], 1)])}
    messages = [
        _message(row, word, redactor, run.thresholds, stage_names, exports) for row, word in zip(rows, words.messages, strict=True)
    ]
    files = {row.source.file for row in rows}
    summary = summarise(rows, run.taxonomy, run.thresholds)
    stages = {stage.key: stage.name for stage in run.taxonomy.stages}
    return Content(
        reference=reference,
        redacted=redacted,
        how_redacted=redactor.how if redactor else None,
        has_text=words.has_text,
        conversation_id=None if redacted else conversation_id,
        title=words.title if words.title is None or redactor is None else redactor.redact(words.title).text,
        platform=conversation.platform,
        first=conversation.first_timestamp,
        last=conversation.last_timestamp,
        risk=conversation.risk,
        risk_slot=conversation.risk_slot,
        threshold=run.thresholds.risk,
        alert=first_alert([row.risk for row in rows], run.thresholds.risk),
        speakers=_speakers(messages),
        found=_counted(messages),
        messages=messages,
        decisions=[decision_line(decision, readers, redactor) for decision in decisions],
        audit=[audit_line(entry, readers) for entry in audit],
        exports=[
            ExportLine(number, None if redacted else entry["file"], entry["format"], entry["sha256"])
            for number, entry in enumerate(run.record["inputs"], 1)
            if entry["file"] in files
        ],
        stages=[(stage.name, stage.definition, "; ".join(stage.looks_alike)) for stage in run.taxonomy.stages],
        model_name=run.record["model"]["name"],
        model_kind=run.record["model"]["kind"],
        model_id=run.record["model"]["id"],
        model_files=run.record["model"]["files"],
        version=run.record["versions"]["safelight"],
        scored=run.record["finished"],
        warnings=len(run.record["warnings"]),
        severity=summary.level if summary else None,
        sentence=sentence(summary, stages) if summary else None,
    )


def _message(
    message: ScoredMessage,
    word: MessageWords,
    redactor: Redactor | None,
    thresholds: Thresholds,
    stage_names: Mapping[str, str],
    exports: Mapping[str, int],
) -> MessageLine:
    file, line, row = message.source.file, message.source.line, message.source.row
    export = exports.get(file)
    place = f"export {export}" if redactor or export is None else file
    if line is not None:
        place += f", line {line}"
    elif row is not None:
        place += f", record {row}"
    text = word.text
    return MessageLine(
        position=message.position,
        message_id=None if redactor else message.message_id,
        timestamp=message.timestamp,
        slot=message.speaker_slot,
        name=word.speaker if redactor is None else None,
        kind=message.kind,
        text=redactor.redact(text).text if redactor and text else text,
        found=[stage_names[key] for key in message.stages_over(thresholds)],
        stages={stage_names[key]: probability for key, probability in (message.stages or {}).items()},
        risk=message.risk,
        speaker_risk=message.speaker_risk,
        notes=shown_notes(word.meta, redacted=redactor is not None),
        export=export,
        source=place,
        source_line=line,
        source_row=row,
    )


def _speakers(messages: Sequence[MessageLine]) -> list[SpeakerLine]:
    lines: dict[str, list[MessageLine]] = {}
    for message in messages:
        if message.slot is not None:
            lines.setdefault(message.slot, []).append(message)
    return [
        SpeakerLine(slot, theirs[0].name, len(theirs), max(m.speaker_risk or 0.0 for m in theirs), _counted(theirs))
        for slot, theirs in lines.items()
    ]


def _counted(messages: Iterable[MessageLine]) -> list[tuple[str, int]]:
    return Counter(stage for message in messages for stage in message.found).most_common()
