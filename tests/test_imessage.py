"""iMessage and SMS by way of tables: iMazing's own columns, and any other table with its columns named."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from pathlib import Path

from helpers.exports import read_all, read_one, write

COLUMNS = [
    *("Chat Session", "Message Date", "Delivered Date", "Read Date", "Edited Date", "Deleted Date", "Service", "Type"),
    *("Sender ID", "Sender Name", "Status", "Replying to", "Subject", "Text", "Attachment", "Attachment type"),
]


def table(path: Path, *rows: dict[str, str]) -> Path:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return write(path / "messages.csv", "\ufeff" + out.getvalue())


def row(text: str = "hello", **fields: str) -> dict[str, str]:
    base = {"Chat Session": "Kim", "Message Date": "2024-02-13 21:05:11", "Service": "iMessage", "Type": "Incoming", "Text": text}
    return (
        base
        | {"Sender ID": "kim@mail.example", "Sender Name": "Kim"}
        | {key.replace("_", " "): value for key, value in fields.items()}
    )


def test_incoming_and_outgoing_rows_have_their_speakers(tmp_path: Path) -> None:
    (conversation,), log = read_all(table(tmp_path, row(), row("hi", Type="Outgoing", Sender_ID="", Sender_Name="")))
    assert [export.format for export in log.exports] == ["imessage"]
    assert (conversation.conversation_id, conversation.platform) == ("Kim", "imessage")
    first, second = conversation.messages
    assert (first.speaker, first.text, first.meta["speaker_name"]) == ("kim@mail.example", "hello", "Kim")
    assert first.timestamp == datetime(2024, 2, 13, 21, 5, 11)
    assert (second.speaker, second.text) == ("Me", "hi")
    assert str(second.source).endswith("messages.csv:3")


def test_rows_that_are_no_ordinary_message_are_kept_as_what_they_are(tmp_path: Path) -> None:
    found = read_one(
        table(
            tmp_path,
            row("Kim left the conversation", Type="Notification"),
            row("", Attachment="IMG_1.heic", Attachment_type="Image"),
            row("", Deleted_Date="2024-02-13 21:06:00"),
            row("Kim left the conversation", Edited_Date="2024-02-13 21:07:00", Replying_to="hello"),
        )
    )
    assert [(m.kind, m.speaker is None) for m in found] == [
        ("system", True),
        ("media", False),
        ("deleted", False),
        ("message", False),
    ]
    assert found[1].meta["attachments"] == ["IMG_1.heic"]
    assert (found[3].meta["edited"], found[3].meta["reply_to"]) == ("2024-02-13 21:07:00", "hello")


def test_another_exporters_table_is_read_with_its_columns_named(tmp_path: Path) -> None:
    path = write(tmp_path / "m.json", '[{"chat": "Kim", "handle": "kim", "date": 1707858311, "body": "hello", "guid": "g1"}]')
    columns = {"conversation_id": "chat", "speaker": "handle", "timestamp": "date", "text": "body", "message_id": "guid"}
    (conversation,), log = read_all(path, columns=columns)
    assert [export.format for export in log.exports] == ["json"]
    assert [(m.message_id, m.speaker, m.text, m.source.row) for m in conversation.messages] == [("g1", "kim", "hello", 1)]


def test_a_table_without_a_service_is_of_whatsapp(tmp_path: Path) -> None:
    header = "Chat Session,Message Date,Sent Date,Type,Sender ID,Sender Name,Status,Forwarded,Replying to,Text\n"
    path = write(tmp_path / "a.csv", f"{header}Kim,2024-02-13 21:05:11,,Incoming,447700900123,Kim,Read,,,bread?\n")
    (conversation,), log = read_all(path)
    assert (conversation.platform, log.exports[0].format) == ("whatsapp", "imessage")
