"""Snapchat's older layout and its return to law enforcement: one conversation a friend, both speakers, in the order of time."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from helpers.exports import read_all, read_one, write
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ExportError

FIRST = datetime(2021, 2, 13, 21, 5, 11, tzinfo=UTC)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), min_size=1)
HEADER = (
    "content_type,message_type,conversation_id,message_id,reply_to_message_id,conversation_title,sender_username,sender_user_id,"
    "recipient_username,recipient_user_id,text,media_id,is_saved,is_one_on_one,timestamp\n"
)


def row(way: str, friend: str = "robin_b", text: object = "hello", at: int = 0, **fields: object) -> dict[str, Any]:
    created = f"{FIRST + timedelta(seconds=at):%Y-%m-%d %H:%M:%S} UTC"
    return {way: friend, "Media Type": "TEXT", "Created": created, "Text": text, **fields}


def history(folder: Path, received: list[Any], sent: list[Any], sort: str = "Saved Chat") -> Path:
    lists = {f"Received {sort} History": received, f"Sent {sort} History": sent}
    return write(folder / "chat_history.json", json.dumps(lists))


@given(talk=st.lists(st.tuples(st.booleans(), WORDS), min_size=1, max_size=8))
def test_what_was_sent_and_received_is_one_talk(talk: list[tuple[bool, str]]) -> None:
    rows = [(sent, row("To" if sent else "From", text=text, at=at)) for at, (sent, text) in enumerate(talk)]
    with tempfile.TemporaryDirectory() as folder:
        path = history(Path(folder), [r for sent, r in rows if not sent][::-1], [r for sent, r in rows if sent][::-1])
        found = read_one(path)
    assert [(m.speaker, m.text) for m in found] == [("Me" if sent else "robin_b", text) for sent, text in talk]
    assert [m.timestamp for m in found] == [FIRST + timedelta(seconds=at) for at in range(len(talk))]


def test_each_friend_has_a_conversation(tmp_path: Path) -> None:
    received = [row("From", at=1), row("From", "pat", "hi", at=2)]
    conversations, log = read_all(history(tmp_path, received, [row("To", "pat", "yes", at=3), row("To", text="rye?")]))
    talks = {c.conversation_id: [(m.speaker, m.text) for m in c.messages] for c in conversations}
    assert talks == {"robin_b": [("Me", "rye?"), ("robin_b", "hello")], "pat": [("pat", "hi"), ("Me", "yes")]}
    assert log.warnings == []


def test_the_owner_has_the_name_of_the_account(tmp_path: Path) -> None:
    write(tmp_path / "account.json", json.dumps({"Basic Information": {"Username": "kim.snaps", "Name": "Kim"}}))
    assert [m.speaker for m in read_one(history(tmp_path, [], [row("To")]), format="snapchat")] == ["kim.snaps"]


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"Media Type": "MEDIA", "Text": ""}, "media"),
        ({"Media Type": "STATUSERASEDMESSAGE", "Text": None}, "system"),
        ({"Text": None}, "unsupported"),
    ],
)
def test_odd_rows_are_kept(fields: dict[str, Any], kind: str, tmp_path: Path) -> None:
    found = read_one(history(tmp_path, [row("From", **fields), row("From", at=1)], []))
    assert (found[0].kind, len(found)) == (kind, 2)
    assert found[0].meta["IsSaved"] is True


def test_snaps_are_read_so_too(tmp_path: Path) -> None:
    received = [{"From": "robin_b", "Media Type": "IMAGE", "Created": "2021-02-13 21:06:11 UTC"}]
    found = read_one(history(tmp_path, received, [], "Snap"))
    assert [(m.kind, m.meta["media_type"]) for m in found] == [("media", "IMAGE")]


@pytest.mark.parametrize("bad", [5, ["x"], {"From": ["x"]}, {"Text": 7}])
def test_a_row_of_another_shape_is_named_by_its_place(bad: object, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="record 2: a message is not of the form that Snapchat writes"):
        read_all(history(tmp_path, [row("From"), bad], []))


def test_a_time_that_is_none_is_named_by_its_place(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="record 2: `timestamp` is"):
        read_all(history(tmp_path, [row("From"), row("From", Created="soon")], []))


def answer(folder: Path, *rows: dict[str, str], preamble: str = "=====\nlegend, of 'columns\n=====\n\n") -> Path:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([row.get(name, "") for name in HEADER.strip().split(",")] for row in rows)
    return write(folder / "conversations.csv", preamble + HEADER + out.getvalue())


def sent(text: str = "hello", at: int = 0, **fields: str) -> dict[str, str]:
    moment = FIRST + timedelta(seconds=at)
    own = {"content_type": "TEXT", "message_type": "chat", "conversation_id": "aaaa", "message_id": str(at), "text": text}
    return {**own, "sender_username": "kim", "timestamp": f"{moment:%a %b %d %H:%M:%S} UTC {moment:%Y}", **fields}


@given(texts=st.lists(CELLS, min_size=1, max_size=6), newest_first=st.booleans())
def test_a_return_is_read_in_the_order_of_time(texts: list[str], newest_first: bool) -> None:
    rows = [sent(text, at) for at, text in enumerate(texts)]
    with tempfile.TemporaryDirectory() as folder:
        found = read_one(answer(Path(folder), *(rows[::-1] if newest_first else rows)))
    assert [m.text for m in found] == texts
    assert [m.timestamp for m in found] == [FIRST + timedelta(seconds=at) for at in range(len(texts))]
    assert [m.message_id for m in found] == [str(at) for at in range(len(texts))]


@pytest.mark.parametrize("preamble", ["", "=====\nlegend\n=====\n\n"])
def test_conversations_of_a_return_stand_mixed(preamble: str, tmp_path: Path) -> None:
    path = answer(tmp_path, sent(), sent(at=1, conversation_id="b", conversation_title="Bakers"), sent(at=2), preamble=preamble)
    conversations, log = read_all(path)
    assert [(c.conversation_id, c.title, len(list(c.messages))) for c in conversations] == [("aaaa", None, 2), ("b", "Bakers", 1)]
    assert ([e.format for e in log.exports], log.warnings) == (["snapchat_return"], [])
    places = [m.source.line for c in conversations for m in c.messages]
    assert places == [n + preamble.count("\n") for n in (2, 4, 3)]


@pytest.mark.parametrize(
    ("fields", "kind", "speaker"),
    [
        ({"content_type": "MEDIA", "text": "", "media_id": "b~1"}, "media", "kim"),
        ({"content_type": "STATUSSAVETOCAMERAROLL", "text": ""}, "system", None),
        ({"text": ""}, "unsupported", "kim"),
        ({"sender_username": "", "sender_user_id": "7"}, "message", "7"),
    ],
)
def test_odd_rows_of_a_return_are_kept(fields: dict[str, str], kind: str, speaker: str | None, tmp_path: Path) -> None:
    found = read_one(answer(tmp_path, {**sent(), **fields}, sent(at=1)))
    assert (found[0].kind, found[0].speaker, len(found)) == (kind, speaker, 2)


def test_what_a_return_knows_besides_is_kept(tmp_path: Path) -> None:
    (message,) = read_one(answer(tmp_path, sent(reply_to_message_id="0", recipient_username="robin_b", is_saved="true")))
    assert message.meta == {"message_type": "chat", "recipient_username": "robin_b", "is_saved": "true", "reply_to": "0"}


def test_damage_in_a_return_is_named_by_its_line(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"conversations\.csv:7: `timestamp` is"):
        read_all(answer(tmp_path, sent(), sent(timestamp="soon")))
    path = answer(tmp_path, sent())
    write(path, path.read_text() + "TEXT,chat\n")
    with pytest.raises(ExportError, match=r"conversations\.csv:7: 2 fields where the header has 15"):
        read_all(path)


def test_a_file_without_the_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="no line with the columns"):
        read_all(write(tmp_path / "conversations.csv", "a,b\n1,2\n"), format="snapchat_return")
