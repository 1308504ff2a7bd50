"""Discord's own data package: every row of the one side that it holds, in all its layouts and languages."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from helpers.exports import read_all, read_one, write
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ExportError

FIRST = datetime(2024, 2, 13, 21, 5, 11, tzinfo=UTC)
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n"), min_size=1)
DM = {"id": "12345", "type": "DM", "recipients": ["1", "2"]}


def row(text: str = "hello", at: int = 0, files: str = "", **fields: object) -> dict[str, Any]:
    moment = f"{FIRST + timedelta(seconds=at):%Y-%m-%d %H:%M:%S}"
    return {"ID": 1207000000000000000 + at, "Timestamp": moment, "Contents": text, "Attachments": files, **fields}


def as_csv(rows: list[dict[str, Any]]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, ["ID", "Timestamp", "Contents", "Attachments"], lineterminator="\n")
    writer.writeheader()
    writer.writerows({**one, "Timestamp": f"{one['Timestamp']}.123000+00:00"} for one in rows)
    return stream.getvalue()


def package(
    root: Path,
    rows: object,
    channel: object = DM,
    *,
    messages: str = "Messages",
    account: str = "Account",
    name: str = "c12345",
    as_table: bool = False,
) -> Path:
    folder = root / messages / name
    folder.mkdir(parents=True)
    (root / account).mkdir()
    write(root / account / "user.json", json.dumps({"id": "1", "username": "kim", "relationships": []}))
    write(root / messages / "index.json", json.dumps({"12345": "Direct Message with robin"}))
    write(folder / "channel.json", json.dumps(channel))
    if as_table:
        write(folder / "messages.csv", as_csv(rows))  # pyright: ignore[reportArgumentType]
    else:
        write(folder / "messages.json", json.dumps(rows))
    return root


@settings(max_examples=40)
@given(texts=st.lists(WORDS, min_size=1, max_size=5), as_table=st.booleans())
def test_what_is_written_is_read_in_the_order_of_time(texts: list[str], as_table: bool) -> None:
    rows = [row(text, at) for at, text in enumerate(texts)]
    with tempfile.TemporaryDirectory() as folder:
        (conversation,), log = read_all(package(Path(folder), rows[::-1], as_table=as_table))
    assert [m.text for m in conversation.messages] == texts
    assert [m.message_id for m in conversation.messages] == [str(one["ID"]) for one in rows]
    parts = timedelta(milliseconds=123 if as_table else 0)
    assert [m.timestamp for m in conversation.messages] == [FIRST + timedelta(seconds=at) + parts for at in range(len(texts))]
    assert [export.format for export in log.exports] == ["discord_package"]


@pytest.mark.parametrize(
    ("messages", "account", "name"),
    [
        ("Messages", "Account", "c12345"),
        ("messages", "account", "12345"),
        ("Nachrichten", "Konto", "c12345"),
        ("消息", "帳號", "c12345"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_the_folders_have_names_in_any_language(messages: str, account: str, name: str, packed: bool, tmp_path: Path) -> None:
    root = package(tmp_path / "package", [row()], messages=messages, account=account, name=name)
    if packed:
        with zipfile.ZipFile(tmp_path / "package.zip", "w") as archive:
            for file in sorted(root.rglob("*.*")):
                archive.write(file, file.relative_to(root))
        root = tmp_path / "package.zip"
    (conversation,), log = read_all(root)
    assert (conversation.conversation_id, conversation.platform) == ("12345", "discord")
    assert conversation.title == "Direct Message with robin"
    assert conversation.meta == {"channel_type": "DM", "participants": ["1", "2"], "one_sided": True}
    (message,) = conversation.messages
    assert (message.speaker, message.meta) == ("1", {"owner": True, "speaker_name": "kim"})
    assert [str(w.where).endswith(("Messages", messages, "package.zip")) for w in log.warnings if "other side" in w.what] == [True]


def test_a_channel_of_a_guild_has_its_own_name(tmp_path: Path) -> None:
    channel = {"id": "12345", "type": "GUILD_TEXT", "name": "kitchen", "guild": {"id": "9", "name": "Bakers"}}
    (conversation,), _ = read_all(package(tmp_path, [row()], channel))
    assert (conversation.title, conversation.meta["guild"]) == ("kitchen", "Bakers")


@pytest.mark.parametrize(
    ("fields", "kind", "files"),
    [
        ({"text": "", "files": "https://x.example/a.png https://x.example/b.png"}, "media", 2),
        ({"text": "the loaf", "files": "https://x.example/a.png"}, "media", 1),
        ({"text": ""}, "unsupported", 0),
    ],
)
def test_files_are_kept_and_rows_without_words_are_no_messages(
    fields: dict[str, Any], kind: str, files: int, tmp_path: Path
) -> None:
    (message,) = read_one(package(tmp_path, [row(**fields)]))
    found = message.meta.get("attachments", [])
    assert (message.kind, message.text, len(found)) == (kind, fields["text"], files)  # pyright: ignore[reportArgumentType]


def test_a_file_alone_is_read_with_an_owner_who_has_no_name(tmp_path: Path) -> None:
    for name, content in (("a.json", json.dumps([row()])), ("b.csv", as_csv([row("rye")]))):
        (conversation,), _ = read_all(write(tmp_path / name, content))
        assert [m.speaker for m in conversation.messages] == ["Me"]


def test_a_package_and_a_two_sided_export_of_the_channel_are_one_chat(tmp_path: Path) -> None:
    rows = [row(f"words number {at}", at) for at in range(0, 8, 2)]
    package(tmp_path, rows)
    listed = [
        {
            "id": str(1207000000000000000 + at),
            "type": "Default",
            "timestamp": f"{FIRST + timedelta(seconds=at):%Y-%m-%dT%H:%M:%S}.123+00:00",
            "content": f"words number {at}",
            "author": {"id": str(1 + at % 2), "name": "kim" if at % 2 == 0 else "robin"},
        }
        for at in range(8)
    ]
    export = {"guild": {"id": "0", "name": "Direct Messages"}, "channel": {"id": "12345", "name": "robin"}, "messages": listed}
    write(tmp_path / "robin.json", json.dumps(export))
    (conversation,), log = read_all(tmp_path)
    assert [m.text for m in conversation.messages] == [f"words number {at}" for at in range(8)]
    assert len(log.merged) == 1


@pytest.mark.parametrize("bad", [{"ID": "x"}, {"Timestamp": "noon"}, {"Contents": 7}, {"Attachments": []}])
def test_a_row_of_another_shape_is_named_and_not_its_text(bad: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="record 2: a message is not of the form that Discord writes") as caught:
        read_all(package(tmp_path, [row(), {**row("whisper"), **bad}]))
    assert "whisper" not in str(caught.value)


def test_a_damaged_channel_file_costs_its_names_only(tmp_path: Path) -> None:
    root = package(tmp_path, [row()])
    write(root / "Messages" / "c12345" / "channel.json", '{"id": ')
    (conversation,), log = read_all(root)
    assert (conversation.conversation_id, len(list(conversation.messages))) == ("12345", 1)
    assert any("channel.json" in warning.where for warning in log.warnings)


@pytest.mark.parametrize("as_table", [False, True])
def test_a_channel_without_messages_is_no_file_that_fails(as_table: bool, tmp_path: Path) -> None:
    (conversation,), log = read_all(package(tmp_path, [], as_table=as_table))
    assert (conversation.conversation_id, conversation.messages, log.failed) == ("12345", (), [])
