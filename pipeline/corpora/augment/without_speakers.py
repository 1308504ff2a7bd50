"""A conversation as some exports leave it: nobody knows who speaks, and what one person sends in a row is one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.corpora.labelled import LabelledConversation
from pipeline.ingest.own_words import own_words
from pipeline.schema import Message

UNKNOWN = "?"
"""The speaker of every line."""

LabelledMessage = tuple[Message, frozenset[str] | None]
"""A message and its stages, ``None`` where the corpus does not say."""


def scorable_messages(conversation: LabelledConversation) -> list[LabelledMessage]:
    """Return the messages with words, their speakers' own alone, each with its stages."""
    read = (
        (message, own_words(message.kind, message.text), stages)
        for message, stages in zip(conversation.messages, conversation.stages, strict=True)
    )
    return [(replace(message, text=words), stages) for message, words, stages in read if message.speaker is not None and words]


def merge_bursts(messages: Sequence[LabelledMessage]) -> list[LabelledMessage]:
    """Return one line for all that a speaker sends in a row, by nobody known, with the stages of all of it."""
    lines: list[LabelledMessage] = []
    last_speaker: str | None = None
    for message, stages in messages:
        if lines and message.speaker == last_speaker:
            line, line_stages = lines[-1]
            known = None if line_stages is None or stages is None else line_stages | stages
            lines[-1] = replace(line, text=f"{line.text} {message.text}"), known
        else:
            lines.append((replace(message, speaker=UNKNOWN), stages))
        last_speaker = message.speaker
    return lines


def without_speakers(
    conversation: LabelledConversation, lines: Sequence[LabelledMessage], conversation_id: str
) -> LabelledConversation:
    """Return a conversation of ``lines`` of `merge_bursts`; its groomer, if any, is the one unknown speaker, of unknown age."""
    changed = replace(conversation.conversation, conversation_id=conversation_id, messages=tuple(line for line, _ in lines))
    return replace(
        conversation,
        conversation=changed,
        stages=tuple(stages for _, stages in lines),
        groomers=frozenset({UNKNOWN}) if conversation.is_grooming else conversation.groomers,
        ages={},
        flagged=None,
        unsure={},
    )
