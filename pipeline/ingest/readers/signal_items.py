"""What an item of a chat in Signal's backup is: words, files, a sticker, a call, a notice, and what is known besides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pipeline.ingest.parsing.shape import Row, rest, string
from pipeline.ingest.times.parse import from_number, whole
from pipeline.schema import Kind

Person = Callable[[object], str | None]

_SPOKEN = ("standardMessage", "directStoryReplyMessage", "viewOnceMessage", "stickerMessage", "contactMessage", "poll", "giftBadge")
_DELETED = ("remoteDeletedMessage", "adminDeletedMessage")
_SYSTEM = ("updateMessage", "paymentNotification")
_ENVELOPE = frozenset({"chatId", "authorId", "dateSent", "incoming", "outgoing", "directionless", "revisions", "sms"})
_TOLD = frozenset({*_SPOKEN, *_DELETED, *_SYSTEM})


@dataclass(slots=True)
class Item:
    """An item as a message has it."""

    kind: Kind
    text: str = ""
    meta: dict[str, Any] = field(default_factory=dict)


def item_of(frame: Row, person: Person) -> Item:
    """Return what an item is; one of a sort that we do not know is kept as unsupported, with its members in ``meta``."""
    sort = next((name for name in (*_SPOKEN, *_DELETED, *_SYSTEM) if frame.get(name) is not None), None)
    meta = rest(frame, _ENVELOPE | _TOLD)
    if frame.get("outgoing") is not None:
        meta["owner"] = True
    if frame.get("sms"):
        meta["sms"] = True
    if frame.get("revisions"):
        meta["edited"] = from_number(whole(frame["dateSent"])).isoformat()
        meta["revisions"] = [_revision(revision, person) for revision in frame["revisions"]]
    if sort is None:
        return Item("unsupported", meta=meta)
    content = frame[sort]
    if sort in _DELETED:
        return Item("deleted", meta=meta)
    if sort in _SYSTEM:
        meta["type"] = next(iter(content), sort) if sort == "updateMessage" else sort
        meta["details"] = dict(content)
        return Item("system", meta=meta)
    return _spoken(sort, content, meta, person)


def _spoken(sort: str, content: Row, meta: dict[str, Any], person: Person) -> Item:
    text = _text(content)
    files = [*(content.get("attachments") or ()), *([content["attachment"]] if content.get("attachment") else ())]
    if files:
        meta["attachments"] = [_file(entry.get("pointer") or {}) for entry in files]
    if quote := content.get("quote"):
        meta["quoted"] = {"speaker": person(quote.get("authorId")), "text": string((quote.get("text") or {}).get("body"))}
        if quote.get("targetSentTimestamp"):
            meta["reply_to_time"] = from_number(whole(quote["targetSentTimestamp"])).isoformat()
    if content.get("reactions"):
        meta["reactions"] = [
            {"emoji": string(listed.get("emoji")), "speaker": person(listed.get("authorId"))} for listed in content["reactions"]
        ]
    if content.get("linkPreview"):
        meta["links"] = [
            {name: listed[name] for name in ("url", "title", "description") if listed.get(name)}
            for listed in content["linkPreview"]
        ]
    if sort == "standardMessage":
        return Item("media" if files else "message" if text else "unsupported", text, meta)
    meta["media_type"] = sort.removesuffix("Message")
    if sort == "stickerMessage":
        sticker = content.get("sticker") or {}
        meta["stickers"] = [string(sticker.get("emoji"))]
        return Item("media", "", meta)
    if sort == "contactMessage":
        meta["contact"] = content.get("contact")
        return Item("media", "", meta)
    if sort == "poll":
        meta["options"] = [string(option.get("option")) for option in content.get("options") or ()]
        return Item("message", "\n".join([string(content.get("question")), *meta["options"]]), meta)
    if sort == "giftBadge":
        return Item("media", "", meta)
    return Item("message" if text else "media", text, meta)


def _text(content: Row) -> str:
    """Return the words: of a message, or of an answer to a story, or the emoji that is one."""
    holder = content.get("text") or (content.get("textReply") or {}).get("text") or {}
    return string(holder.get("body")) or string(content.get("emoji"))


def _file(pointer: Row) -> str:
    return string(pointer.get("fileName")) or string(pointer.get("contentType")) or "file"


def _revision(revision: Row, person: Person) -> dict[str, Any]:
    """Return an earlier wording with its time."""
    earlier = item_of({**revision, "revisions": None}, person)
    return {"text": earlier.text, "time": from_number(whole(revision["dateSent"])).isoformat()}
