"""The messages of a pack as CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pipeline.review.referral.content import Content, MessageLine

_FORMULA = frozenset("=+-@|%")

COLUMNS = (
    "position",
    "message_id",
    "timestamp",
    "speaker",
    "name",
    "kind",
    "text",
    "stages",
    "risk",
    "speaker_risk",
    "notes",
    "export",
    "source",
    "source_line",
    "source_row",
)


def messages_csv(content: Content) -> bytes:
    """Return the messages as CSV for spreadsheets: UTF-8 with its mark, every cell quoted, and no cell that one would calculate."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for message in content.messages:
        writer.writerow([safe_cell(value) for value in _row(message).values()])
    return stream.getvalue().encode("utf-8-sig", "replace")


def _row(message: MessageLine) -> Mapping[str, str | int | float | None]:
    values = (
        message.position,
        message.message_id,
        message.timestamp,
        message.slot,
        message.name,
        message.kind,
        message.text,
        "; ".join(message.found),
        round(message.risk, 4),
        None if message.speaker_risk is None else round(message.speaker_risk, 4),
        "; ".join(message.notes),
        message.export,
        message.source,
        message.source_line,
        message.source_row,
    )
    return dict(zip(COLUMNS, values, strict=True))


def safe_cell(value: str | float | None) -> str:
    """Return a cell that a spreadsheet shows and does not run: a text that begins like a formula gets an apostrophe before it.

    What a spreadsheet skips at the beginning (spaces, control and invisible characters) does not hide such a sign; nor does
    full width.
    """
    if value is None:
        return ""
    text = str(value)
    if not isinstance(value, str):
        return text
    for character in text:
        if character.isspace() or unicodedata.category(character) in ("Cf", "Cc", "Mn"):
            continue
        return f"'{text}" if unicodedata.normalize("NFKC", character)[0] in _FORMULA else _steady(text)
    return _steady(text)


def _steady(text: str) -> str:
    return f"'{text}" if text[:1] in ("\t", "\r", "\n") else text


def messages_json(content: Content) -> bytes:
    """Return everything the pack says of the messages, exactly: stages with their probabilities, and the facts above them."""
    about: dict[str, Any] = {
        name: getattr(content, name)
        for name in (
            "reference",
            "redacted",
            "conversation_id",
            "title",
            "platform",
            "first",
            "last",
            "risk",
            "risk_slot",
            "threshold",
            "alert",
            "severity",
            "sentence",
        )
    }
    about["speakers"] = [asdict(speaker) for speaker in content.speakers]
    about["exports"] = [asdict(export) for export in content.exports]
    about["messages"] = [asdict(message) for message in content.messages]
    return as_json(about)


def as_json(value: object) -> bytes:
    """Return JSON that reads well; half a surrogate pair, which no file can hold, becomes a question mark."""
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "replace")
