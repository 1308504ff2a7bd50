"""The words and names that a pack may show: where they come from, and what covers them in a redacted pack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.errors import ReviewError
from pipeline.redaction.redactor import Redactor
from pipeline.report.notes import notes_of
from pipeline.results import Run, ScoredConversation, ScoredMessage
from pipeline.schema import Conversation


@dataclass(frozen=True, slots=True)
class MessageWords:
    """The words of a row of the export, who wrote it, and what the export knows besides."""

    speaker: str | None
    text: str | None
    meta: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a conversation, a `MessageWords` a row; ``slots`` are the names of each speaker slot."""

    title: str | None
    messages: Sequence[MessageWords]
    slots: Mapping[str, Sequence[str]]
    has_text: bool


def words_of(run: Run, conversation: ScoredConversation, messages: Sequence[ScoredMessage], original: Conversation | None) -> Words:
    """Return the words and names of a conversation: from the original when it is given, else what the run kept of them.

    Raises
    ------
    ReviewError
        When the original is another conversation.
    """
    kept = run.record["settings"]["text"] == "include"
    if original is not None:
        rows = tuple(original.load().messages)
        if [row.message_id for row in rows] != [message.message_id for message in messages]:
            raise ReviewError(
                "the original conversation is not the one that was scored", do="Give the export that the run was made of"
            )
        words = [MessageWords(row.speaker, row.text, row.meta) for row in rows]
        title = original.title
    elif kept:
        words = [MessageWords(message.speaker, message.text, message.meta) for message in messages]
        title = conversation.title
    else:
        words, title = [MessageWords(None, None, {}) for _ in messages], None
    slots: dict[str, list[str]] = {}
    for message, word in zip(messages, words, strict=True):
        for name in (word.speaker, word.meta.get("speaker_name")):
            if message.speaker_slot and isinstance(name, str) and name not in slots.setdefault(message.speaker_slot, []):
                slots[message.speaker_slot].append(name)
    return Words(title, words, slots, original is not None or kept)


def redactor_of(words: Words, notes: Sequence[str], models: Sequence[tuple[str, Any]] | None) -> Redactor:
    """Return what covers the names and words of a conversation; ``notes`` are the readers' own words."""
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


def shown_notes(meta: Mapping[str, Any], *, redacted: bool) -> Sequence[str]:
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
