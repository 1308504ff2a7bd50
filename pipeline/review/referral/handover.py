"""The conversation as other systems take it: items for Coop's Items API, and the thread table of its NCMEC report.

Nothing is sent: these are files of the pack, for whoever runs such a system to submit. Coop gives each item type an id of its own,
so ``typeId`` is a name here, to be replaced by that id.
"""

from __future__ import annotations

import csv
import io
from typing import Any

from pipeline.review.referral.content import Content, MessageLine
from pipeline.review.referral.tables import as_json, safe_cell

THREAD_COLUMNS = ("content", "src", "target", "thread", "type", "contentId", "chat_type", "ip")

MESSAGE_TYPE = "safelight-message"
THREAD_TYPE = "safelight-conversation"

_TWO = 2


def coop_items(content: Content) -> bytes:
    """Return the body of a request to Coop's ``POST /api/v1/items/async/``: the conversation, and each message with words."""
    thread: dict[str, Any] = {
        "platform": content.platform,
        "severity": content.severity,
        "summary": content.sentence,
        "risk": round(content.risk, 4),
        "threshold": content.threshold,
        "alertAt": content.alert,
    }
    items: list[dict[str, Any]] = [{"id": content.reference, "typeId": THREAD_TYPE, "data": thread}]
    items += [
        {"id": _identity(content, message), "typeId": MESSAGE_TYPE, "data": _message(content, message)}
        for message in content.messages
        if message.text
    ]
    return as_json({"items": items})


def _message(content: Content, message: MessageLine) -> dict[str, Any]:
    return {
        "text": message.text,
        "authorId": message.name or message.slot,
        "threadId": content.reference,
        "createdAt": message.timestamp,
        "stages": list(message.found),
        "risk": round(message.risk, 4),
    }


def thread_table(content: Content) -> bytes:
    """Return the messages as CSV with the columns `THREAD_COLUMNS`; an export holds no address, so ``ip`` is empty."""
    names = {speaker.slot: speaker.name or speaker.slot for speaker in content.speakers}
    kind = "direct" if len(names) == _TWO else "group"
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(THREAD_COLUMNS)
    for message in content.messages:
        others = [name for slot, name in names.items() if slot != message.slot]
        target = others[0] if kind == "direct" and message.slot in names and others else ""
        source = names.get(message.slot or "", "")
        row = (message.text, source, target, content.reference, message.kind, _identity(content, message), kind, "")
        writer.writerow([safe_cell(value) for value in row])
    return table.getvalue().encode("utf-8", "replace")


def _identity(content: Content, message: MessageLine) -> str:
    return f"{content.reference}-{message.position}"
