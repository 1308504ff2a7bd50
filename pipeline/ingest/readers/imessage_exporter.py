"""iMessage and SMS as the tool imessage-exporter writes them to text or to pages: a file a chat, a block a message.

::

    Feb 13, 2024  9:05:11 PM (Read by you after 3 seconds)
    +447700900123
    words
    Tapbacks:
    Loved by Me

    Feb 13, 2024  9:07:00 PM Kim named the conversation Bakers

The answers to a message stand twice: indented below it, and as a block of their own, which is the one that is read. An indented one
without such a block, as in an export of a part of the time, is a row behind its message. Times are the computer's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.readers.imessage_exporter_grammar import FORMAT
from pipeline.ingest.readers.imessage_pages import page_messages
from pipeline.ingest.readers.text_log import read_text
from pipeline.ingest.times.written import read_written
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Message

_HEAD = 1 << 10


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the one conversation of a file.

    Raises
    ------
    ExportError
        When a line is not UTF-8, or no line begins a message.
    """
    file = unit.file
    if file.head(_HEAD).lstrip(b"\xef\xbb\xbf \r\n").startswith(b"<"):
        yield _page(file, options)
        return
    title = PurePosixPath(file.member or file.path.name).stem
    once = read_text(file, FORMAT, options, ReadLog())
    answered = _answered(once.messages)
    conversation = read_text(file, FORMAT, options, log, title=title)
    yield replace(conversation, messages=_with_replies(conversation.messages, answered, options))


def _page(file: ExportFile, options: ReadOptions) -> Conversation:
    answered = _answered(page_messages(file, options))
    title = PurePosixPath(file.member or file.path.name).stem
    messages = _with_replies(page_messages(file, options), answered, options)
    return Conversation(conversation_id=file.sha256[:12], platform="imessage", title=title, messages=messages)


def _answered(messages: Iterable[Message]) -> frozenset[int]:
    """Return what stands for each answer that has a block of its own."""
    return frozenset(hash((message.timestamp, message.speaker)) for message in messages if message.meta.get("reply"))


def _with_replies(messages: Iterable[Message], answered: frozenset[int], options: ReadOptions) -> Iterator[Message]:
    """Yield the messages, and behind each the answers below it that have no block of their own."""
    for message in messages:
        replies = message.meta.get("replies")
        meta = {name: value for name, value in message.meta.items() if name != "replies"}
        yield replace(message, meta=meta) if replies else message
        for number, reply in enumerate(replies if isinstance(replies, list) else [], 1):
            row = _row(reply, message, number, options)
            if hash((row.timestamp, row.speaker)) not in answered:
                yield row


def _row(reply: Mapping[str, str], parent: Message, number: int, options: ReadOptions) -> Message:
    written = read_written(reply["time"])
    return Message(
        message_id=f"{parent.message_id}~{number + 1}",
        speaker=reply["speaker"] or None,
        timestamp=written.moment("mdy", options.timezone) if written else None,
        text=reply["text"],
        kind="message" if reply["speaker"] else "unsupported",
        source=parent.source,
        meta={"reply_to": parent.message_id},
    )
