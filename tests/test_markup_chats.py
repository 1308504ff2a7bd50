"""Chats whose words are markup, and Matrix: what people wrote is told from what they quoted, answered, attached and deleted."""

from __future__ import annotations

import html
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
from pipeline.ingest.parsing.markup import words_of

FIRST = datetime(2024, 2, 13, 21, 5, 11, tzinfo=UTC)
LINES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"]), min_size=1)


@given(text=LINES)
def test_escaped_words_come_back(text: str) -> None:
    assert words_of(f"<b>{html.escape(text)}</b>").text == text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("bread", "bread"),
        ("", ""),
        ("a &lt;b&gt; &amp; c", "a <b> & c"),
        ("<p>one</p><p>two</p>", "one\ntwo"),
        ("one<br/>two", "one\ntwo"),
        ('see <a href="https://bread.example">this</a>', "see this"),
        ('<ss type="smile">:)</ss> hi', ":) hi"),
        ('hi <at id="0">Robin</at>', "hi Robin"),
        ('<emoji alt="\U0001f35e"></emoji>', "\U0001f35e"),
        ("words<e_m a='x' ts_ms='1'></e_m>", "words"),
        ("<script>x</script>bread", "bread"),
        ("<b>open", "open"),
        ("a < b", "a < b"),
        ("one</div>two", "onetwo"),
        ("bell\x07 <b>x</b>", "bell x"),
    ],
)
def test_what_people_saw(markup: str, text: str) -> None:
    assert words_of(markup).text == text


def test_deep_markup_ends_nothing() -> None:
    assert "bread" in words_of("<b>" * 5_000 + "bread").text or words_of("<b>" * 5_000 + "bread").text == ""


def test_quotes_and_files_are_told_from_words() -> None:
    found = words_of(
        '<quote author="8:live:robin" authorname="Robin"><legacyquote>[21:05] Robin: </legacyquote>bread?'
        "<legacyquote>\n</legacyquote>"
        '</quote>yes<URIObject uri="https://x.example/1"><OriginalName v="a.jpg"/>To view this, go to</URIObject>'
    )
    assert (found.text, found.quoted, found.files) == ("yes", [{"text": "bread?", "speaker": "Robin"}], ["a.jpg"])


def skype_row(content: object = "hello", at: int = 0, **fields: object) -> dict[str, Any]:
    moment = f"{FIRST + timedelta(seconds=at):%Y-%m-%dT%H:%M:%S}.000Z"
    own = {"id": str(at), "originalarrivaltime": moment, "messagetype": "Text", "content": content, "from": "8:live:robin"}
    return {**own, "displayName": None, "properties": None, **fields}


def skype(folder: Path, *rows: object) -> Path:
    talk = {"id": "8:live:robin", "displayName": "Robin", "threadProperties": None, "MessageList": rows}
    return write(
        folder / "messages.json", json.dumps({"userId": "8:live:kim", "exportDate": "2024-02-14", "conversations": [talk]})
    )


@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=5))
def test_skype_is_read_in_the_order_of_time(texts: list[str]) -> None:
    rows = [skype_row(text, at) for at, text in enumerate(texts)]
    with tempfile.TemporaryDirectory() as folder:
        (conversation,), log = read_all(skype(Path(folder), *rows[::-1]))
    assert [m.text for m in conversation.messages] == texts
    assert [m.timestamp for m in conversation.messages] == [FIRST + timedelta(seconds=at) for at in range(len(texts))]
    assert (conversation.conversation_id, conversation.title, log.exports[0].format) == ("8:live:robin", "Robin", "skype")


@pytest.mark.parametrize(
    ("fields", "kind", "text", "speaker"),
    [
        ({"messagetype": "RichText", "content": "a &amp; <b>b</b>"}, "message", "a & b", "8:live:robin"),
        ({"messagetype": "Event/Call", "content": "<partlist/>"}, "system", "", None),
        ({"messagetype": "ThreadActivity/AddMember", "content": "<addmember/>"}, "system", "", None),
        (
            {"messagetype": "RichText/UriObject", "content": '<URIObject uri="https://x.example/1">see</URIObject>'},
            "media",
            "",
            "8:live:robin",
        ),
        ({"content": "", "properties": {"deletetime": "1707858311000"}}, "deleted", "", "8:live:robin"),
        ({"content": ""}, "unsupported", "", "8:live:robin"),
        ({"from": "https://x.example/v1/users/ME/contacts/8:live:kim"}, "message", "hello", "8:live:kim"),
    ],
)
def test_odd_rows_of_skype_are_kept(fields: dict[str, Any], kind: str, text: str, speaker: str | None, tmp_path: Path) -> None:
    found = read_one(skype(tmp_path, skype_row(**fields), skype_row(at=1)))
    assert (found[0].kind, found[0].text, found[0].speaker, len(found)) == (kind, text, speaker, 2)


@pytest.mark.parametrize("bad", [5, {"content": 7}, skype_row(originalarrivaltime="soon"), {"from": []}])
def test_a_row_of_skype_of_another_shape_is_named(bad: object, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="record 2: a message is not of the form that Skype writes"):
        read_all(skype(tmp_path, skype_row(), bad))


def teams_row(content: str = "<p>hello</p>", at: int = 0, **fields: object) -> dict[str, Any]:
    own = {"id": str(at), "messageType": "message", "createdDateTime": f"{FIRST + timedelta(seconds=at):%Y-%m-%dT%H:%M:%SZ}"}
    sender = {"user": {"id": "r1", "displayName": "Robin"}}
    return {**own, "from": sender, "body": {"contentType": "html", "content": content}, "chatId": "19:x", **fields}


@pytest.mark.parametrize("wrapped", [False, True])
def test_teams_is_read_chat_by_chat_in_the_order_of_time(wrapped: bool, tmp_path: Path) -> None:
    rows = [teams_row(at=2), teams_row("<p>rye</p>", 1, chatId="19:y"), teams_row("<p>first</p>")]
    conversations, log = read_all(write(tmp_path / "t.json", json.dumps({"value": rows} if wrapped else rows)))
    assert {c.conversation_id: [m.text for m in c.messages] for c in conversations} == {"19:x": ["first", "hello"], "19:y": ["rye"]}
    assert (log.exports[0].format, log.warnings) == ("teams", [])


@pytest.mark.parametrize(
    ("fields", "kind", "speaker"),
    [
        ({"messageType": "systemEventMessage", "from": None, "eventDetail": {"x": 1}}, "system", None),
        ({"deletedDateTime": "2024-02-13T21:06:11Z", "body": {"content": ""}}, "deleted", "r1"),
        ({"attachments": [{"name": "a.docx", "contentUrl": "https://x.example/a"}]}, "media", "r1"),
        ({"body": {"contentType": "text", "content": "<p>"}}, "message", "r1"),
        ({"body": {}}, "unsupported", "r1"),
        ({"from": {"application": {"id": "b1", "displayName": "Helper"}}}, "message", "b1"),
    ],
)
def test_odd_rows_of_teams_are_kept(fields: dict[str, Any], kind: str, speaker: str | None, tmp_path: Path) -> None:
    found = read_one(write(tmp_path / "t.json", json.dumps([teams_row(**fields), teams_row(at=1)])))
    assert (found[0].kind, found[0].speaker, len(found)) == (kind, speaker, 2)


@pytest.mark.parametrize("bad", [5, {"body": 7}, {"from": {"user": 1}}])
def test_a_row_of_teams_of_another_shape_is_named(bad: object, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="record 2: a message is not of the form that Teams writes"):
        read_all(write(tmp_path / "t.json", json.dumps([teams_row(), bad])))


def matrix_row(body: str = "hello", at: int = 0, content: object = None, **fields: object) -> dict[str, Any]:
    own = {"type": "m.room.message", "sender": "@robin:example.org", "event_id": f"${at}", "room_id": "!a:example.org"}
    shown = {"msgtype": "m.text", "body": body} if content is None else content
    return {**own, "content": shown, "origin_server_ts": 1707858311000 + at * 1000, **fields}


def matrix(folder: Path, *rows: object) -> Path:
    return write(folder / "export.json", json.dumps({"room_name": "Bakers", "topic": "", "messages": rows}))


@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=5))
def test_what_is_written_in_a_room_is_read(texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (conversation,), _ = read_all(matrix(Path(folder), *(matrix_row(text, at) for at, text in enumerate(texts))))
    assert [m.text for m in conversation.messages] == texts
    assert [m.timestamp for m in conversation.messages] == [FIRST + timedelta(seconds=at) for at in range(len(texts))]
    assert (conversation.conversation_id, conversation.title) == ("!a:example.org", "Bakers")


@pytest.mark.parametrize(
    ("row", "kind", "text"),
    [
        (matrix_row(type="m.room.member", content={"membership": "join"}), "system", ""),
        (matrix_row(type="m.reaction", content={"m.relates_to": {"rel_type": "m.annotation", "key": "x"}}), "system", ""),
        (matrix_row(type="m.room.encrypted", content={"algorithm": "x"}), "unsupported", ""),
        (matrix_row(content={}), "deleted", ""),
        (matrix_row(content={"msgtype": "m.image", "body": "a.jpg"}), "media", ""),
        (matrix_row(content={"msgtype": "m.image", "body": "look", "filename": "a.jpg"}), "media", "look"),
        (matrix_row(type="m.sticker", content={"body": "cake"}), "media", ""),
        (
            matrix_row(
                type="m.poll.start",
                content={"m.poll": {"question": {"m.text": "rye?"}, "answers": [{"m.text": [{"body": "yes"}]}]}},
            ),
            "message",
            "rye?\nyes",
        ),
    ],
)
def test_odd_events_are_kept(row: dict[str, Any], kind: str, text: str, tmp_path: Path) -> None:
    found = read_one(matrix(tmp_path, matrix_row(at=1), row))
    assert (found[1].kind, found[1].text) == (kind, text)


def test_an_answer_is_told_from_what_it_repeats(tmp_path: Path) -> None:
    content = {
        "msgtype": "m.text",
        "body": "> <@kim:example.org> bread?\n> rye\n\nyes\n> no quote",
        "m.relates_to": {"m.in_reply_to": {"event_id": "$9"}},
    }
    (message,) = read_one(matrix(tmp_path, matrix_row(content=content)))
    assert message.text == "yes\n> no quote"
    assert message.meta == {"quoted": "<@kim:example.org> bread?\nrye", "reply_to": "$9"}


def test_an_edit_has_its_new_words(tmp_path: Path) -> None:
    relates = {"rel_type": "m.replace", "event_id": "$0"}
    content = {"msgtype": "m.text", "body": "* rye", "m.new_content": {"msgtype": "m.text", "body": "rye"}, "m.relates_to": relates}
    found = read_one(matrix(tmp_path, matrix_row("ray"), matrix_row(at=1, content=content)))
    assert [(m.text, m.meta) for m in found] == [("ray", {}), ("rye", {"edits": "$0"})]


@pytest.mark.parametrize("bad", [5, {"type": 7}, {"content": "x"}, matrix_row(origin_server_ts="soon")])
def test_an_event_of_another_shape_is_named(bad: object, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="record 2: a message is not of the form that Element writes"):
        read_all(matrix(tmp_path, matrix_row(), bad))
