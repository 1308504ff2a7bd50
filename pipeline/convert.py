"""Write what was read in a form that other tools read: our canonical JSON Lines or Parquet, or a ConvoKit corpus.

::

    safelight convert exports/ --to jsonl --out chats.jsonl

What is written holds the words and names of the exports; reading it back gives the same messages.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import __version__
from pipeline.ingest import ReadLog, ReadOptions, read_conversations
from pipeline.ingest.parsing.table_fields import FIELDS
from pipeline.ingest.readers.convokit import OURS
from pipeline.output import new_file, new_folder, write_json
from pipeline.schema import Conversation, Message

Form = Literal["jsonl", "parquet", "convokit"]

_BATCH = 8192
_TEXT_FIELDS = tuple(field for field in FIELDS if field not in ("source_line", "source_row"))
_SCHEMA = pa.schema([(field, pa.string() if field in _TEXT_FIELDS else pa.int64()) for field in FIELDS])
_NOBODY = "[system]"


def convert(paths: Iterable[Path], *, to: Form, out: Path, options: ReadOptions | None = None, overwrite: bool = False) -> ReadLog:
    """Write every conversation at ``paths`` to ``out``: a file, or for ConvoKit a folder; it appears in one rename.

    Raises
    ------
    ExportError
        When an export cannot be read whole. Nothing is left behind then.
    ResultsError
        When the place is taken, or cannot be written.
    """
    log = ReadLog()
    conversations = _told(read_conversations(paths, options or ReadOptions(), log), log)
    if to == "convokit":
        with new_folder(out, overwrite=overwrite, marker="utterances.jsonl") as folder:
            _write_convokit(conversations, folder)
    else:
        writer: Callable[[Iterable[Conversation], Path], None] = _write_jsonl if to == "jsonl" else _write_parquet
        with new_file(out, overwrite=overwrite) as file:
            writer(conversations, file)
    return log


def _told(conversations: Iterable[Conversation], log: ReadLog) -> Iterator[Conversation]:
    """Pass conversations on; a form of messages has no place for one that has none."""
    for conversation in conversations:
        messages = iter(conversation.messages)
        first = next(messages, None)
        if first is None:
            log.warn(conversation.conversation_id, "the conversation has no message and is not written")
            continue
        yield Conversation(
            conversation_id=conversation.conversation_id,
            platform=conversation.platform,
            title=conversation.title,
            meta=conversation.meta,
            messages=_after(first, messages),
        )


def _after(first: Message, rest: Iterator[Message]) -> Iterator[Message]:
    yield first
    yield from rest


def _records(conversations: Iterable[Conversation]) -> Iterator[dict[str, Any]]:
    """Yield a record a message; what is known of a conversation stands in its first."""
    for conversation in conversations:
        about: dict[str, Any] = {
            "platform": conversation.platform,
            "conversation_title": conversation.title,
            "conversation_meta": dict(conversation.meta) or None,
        }
        for message in conversation.messages:
            yield {
                "conversation_id": conversation.conversation_id,
                "speaker": message.speaker,
                "timestamp": message.timestamp.isoformat() if message.timestamp else None,
                "text": message.text,
                "message_id": message.message_id,
                "kind": message.kind,
                **about,
                "meta": dict(message.meta) or None,
                "source_file": message.source.file,
                "source_line": message.source.line,
                "source_row": message.source.row,
            }
            about = {}


def _write_jsonl(conversations: Iterable[Conversation], file: Path) -> None:
    with file.open("w", encoding="utf-8", newline="\n") as stream:
        for record in _records(conversations):
            kept = {key: value for key, value in record.items() if value is not None or key in ("speaker", "timestamp")}
            stream.write(_json(kept) + "\n")


def _write_parquet(conversations: Iterable[Conversation], file: Path) -> None:
    records = _records(conversations)
    with pq.ParquetWriter(file, _SCHEMA, compression="zstd") as writer:
        while batch := list(islice(records, _BATCH)):
            for record in batch:
                for field in ("meta", "conversation_meta"):
                    record[field] = _json(record[field]) if record.get(field) else None
            writer.write_table(pa.Table.from_pylist(batch, schema=_SCHEMA))


def _write_convokit(conversations: Iterable[Conversation], folder: Path) -> None:
    """Write a corpus folder; ids are made unique over the corpus, and what the form cannot hold stands in ``meta``."""
    speakers: dict[str, dict[str, Any]] = {}
    about: dict[str, dict[str, Any]] = {}
    with (folder / "utterances.jsonl").open("w", encoding="utf-8", newline="\n") as stream:
        for conversation in conversations:
            meta = {"platform": conversation.platform, "title": conversation.title, **conversation.meta}
            about[conversation.conversation_id] = {"meta": meta, "vectors": []}
            for message in conversation.messages:
                speakers.setdefault(message.speaker or _NOBODY, {"meta": {}, "vectors": []})
                stream.write(_json(_utterance(conversation.conversation_id, message)) + "\n")
    write_json(folder / "speakers.json", speakers)
    write_json(folder / "conversations.json", about)
    write_json(folder / "corpus.json", {"safelight": __version__})
    index = {
        "utterances-index": {},
        "speakers-index": {},
        "conversations-index": {},
        "overall-index": {},
        "version": 1,
        "vectors": [],
    }
    write_json(folder / "index.json", index)


def _utterance(conversation: str, message: Message) -> dict[str, Any]:
    moment = message.timestamp
    ours = {
        "message_id": message.message_id,
        "speaker": message.speaker,
        "timestamp": moment.isoformat() if moment else None,
        "kind": message.kind,
        "source_file": message.source.file,
        "source_line": message.source.line,
        "source_row": message.source.row,
    }
    reply = message.meta.get("reply_to")
    return {
        "id": f"{conversation}/{message.message_id}",
        "conversation_id": conversation,
        "text": message.text,
        "speaker": message.speaker or _NOBODY,
        "meta": {**message.meta, OURS: ours},
        "reply-to": None if reply is None else f"{conversation}/{reply}",
        "timestamp": None if moment is None else (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp(),
        "vectors": [],
    }


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
