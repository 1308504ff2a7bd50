"""Telegram Desktop's result.json: every row arrives, with its speaker, its words and its time."""

from __future__ import annotations

import json
import tempfile
import tracemalloc
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from helpers.telegram_chats import NOON, chat, message_of, messages, read, row
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ExportError
from pipeline.ingest import ReadLog, ReadOptions, read_conversations
from pipeline.schema import Message, Source


def test_one_chat_is_at_the_root(tmp_path: Path) -> None:
    (conversation,) = read(tmp_path, chat(row(1), row(2, "hi", from_id="user8", **{"from": "Sam"})))
    assert (conversation.conversation_id, conversation.platform, conversation.title) == ("user42", "telegram", "Kim")
    assert conversation.meta == {"type": "personal_chat"}
    first, second = conversation.messages
    assert (first.message_id, first.speaker, first.text, first.kind) == ("1", "user7", "hello", "message")
    assert first.timestamp == datetime(2024, 2, 13, 12, 0, 1, tzinfo=UTC)
    assert first.meta == {"speaker_name": "Kim"}
    assert (second.speaker, second.meta["speaker_name"]) == ("user8", "Sam")
    assert [str(message.source) for message in (first, second)] == [
        f"{tmp_path / 'result.json'}: record 1",
        f"{tmp_path / 'result.json'}: record 2",
    ]


def test_all_chats_of_an_account_are_read_and_those_left(tmp_path: Path) -> None:
    content = {
        "about": "Here is the data you requested.",
        "personal_information": {"user_id": 7, "messages": "none"},
        "contacts": {"list": [{"first_name": "Sam"}]},
        "chats": {"about": "…", "list": [chat(row(1)), {"type": "saved_messages", "id": 7, "messages": [row(5, "milk")]}]},
        "left_chats": {"about": "…", "list": [chat(row(9, "bye"), id_=3, type_="private_group", name="Chess")]},
    }
    conversations = read(tmp_path, content)
    assert [(c.conversation_id, c.title, [m.text for m in c.messages]) for c in conversations] == [
        ("user42", "Kim", ["hello"]),
        ("user7", None, ["milk"]),
        ("chat3", "Chess", ["bye"]),
    ]
    assert conversations[2].meta == {"type": "private_group", "left": True}


def test_a_user_and_a_group_of_the_same_number_are_two_conversations(tmp_path: Path) -> None:
    chats = [chat(row(), type_=type_) for type_ in ("personal_chat", "private_group", "private_supergroup")]
    conversations = read(tmp_path, {"chats": {"list": chats}})
    assert [c.conversation_id for c in conversations] == ["user42", "chat42", "channel42"]


def test_an_account_without_chats_is_empty_and_other_json_an_error(tmp_path: Path) -> None:
    assert read(tmp_path, {"chats": {"list": []}}) == []
    for content in ({"contacts": {"list": []}}, [], "words", {}):
        with pytest.raises(ExportError, match=r"result\.json"):
            read(tmp_path, content)
    with pytest.raises(ExportError, match="not a list"):
        read(tmp_path, chat() | {"messages": None})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("plain", "plain"),
        ("", ""),
        ([], ""),
        (["see ", {"type": "link", "text": "example.org"}, " ok"], "see example.org ok"),
        ([{"type": "bold", "text": "a"}, {"type": "italic", "text": "b\nc"}], "ab\nc"),
    ],
)
def test_text_is_a_string_or_a_list_of_parts(tmp_path: Path, text: object, words: str) -> None:
    assert message_of(tmp_path, text=text).text == words


def test_an_address_behind_words_is_kept(tmp_path: Path) -> None:
    message = message_of(tmp_path, text=["a ", {"type": "text_link", "text": "game", "href": "https://example.org/x"}])
    assert (message.text, message.meta["links"]) == ("a game", ["https://example.org/x"])


def test_a_deleted_account_keeps_its_row_and_its_id(tmp_path: Path) -> None:
    message = message_of(tmp_path, **{"from": None})
    assert (message.kind, message.speaker, message.text, message.meta) == ("message", "user7", "hello", {})


def test_an_old_export_has_numbers_or_only_names(tmp_path: Path) -> None:
    assert message_of(tmp_path, from_id=4711).speaker == "4711"
    without_id = row()
    del without_id["from_id"]
    assert [m.speaker for m in messages(tmp_path, without_id, without_id | {"from": None})] == ["Kim", None]


def test_service_rows_are_system_rows_and_say_who_did_what(tmp_path: Path) -> None:
    service = {
        "id": 2,
        "type": "service",
        "date_unixtime": str(NOON),
        "actor": "Kim",
        "actor_id": "user7",
        "action": "invite_members",
        "members": ["Sam"],
        "text": "",
    }
    system, message = messages(tmp_path, service, row(3, "Kim invited Sam and left the group"))
    assert (system.kind, system.speaker, system.text) == ("system", None, "")
    assert system.meta == {"actor": "Kim", "actor_id": "user7", "action": "invite_members", "members": ["Sam"]}
    assert (message.kind, message.speaker) == ("message", "user7")


@pytest.mark.parametrize(
    "note",
    ['"text": "for your birthday", "text": ""', '"gift_text": ["for your ", {"type": "bold", "text": "birthday"}], "text": ""'],
)
def test_the_note_on_a_gift_is_somebodys_words(tmp_path: Path, note: str) -> None:
    gift = '{"id": 2, "type": "service", "actor": "Kim", "actor_id": "user7", "action": "send_star_gift", ' + note + "}"
    (conversation,) = read(tmp_path, f'{{"name": "Kim", "type": "personal_chat", "id": 42, "messages": [{gift}]}}'.encode())
    (message,) = conversation.messages
    assert (message.kind, message.speaker, message.text) == ("message", "user7", "for your birthday")
    assert message.meta["action"] == "send_star_gift"


def test_a_gift_without_a_note_is_a_system_row(tmp_path: Path) -> None:
    (message,) = messages(tmp_path, {"id": 2, "type": "service", "action": "send_star_gift", "actor_id": "user7", "text": ""})
    assert (message.kind, message.speaker) == ("system", None)


def test_rows_that_telegram_could_not_export_are_kept(tmp_path: Path) -> None:
    log = ReadLog()
    bare, strange = messages(tmp_path, {"id": 2, "type": "unsupported"}, row(3, "words", type="hologram"), log=log)
    assert (bare.kind, bare.message_id, bare.speaker, bare.text, bare.timestamp) == ("unsupported", "2", None, "", None)
    assert (strange.kind, strange.speaker, strange.text) == ("unsupported", "user7", "words")
    assert [warning.what for warning in log.warnings] == ["messages of a type that we do not know are kept as unsupported"]


def test_without_unix_time_the_date_is_local_time(tmp_path: Path) -> None:
    old = {"date": "2019-07-01T10:00:00", "date_unixtime": None}
    assert message_of(tmp_path, **old).timestamp == datetime(2019, 7, 1, 10)
    assert message_of(tmp_path, zone="Europe/Berlin", **old).timestamp == datetime(2019, 7, 1, 8, tzinfo=UTC)
    assert message_of(tmp_path, zone="Europe/Berlin").timestamp == datetime(2024, 2, 13, 12, 0, 1, tzinfo=UTC)


def test_control_characters_written_as_in_c_are_read(tmp_path: Path) -> None:
    content = json.dumps(chat(row(1, "A"), row(2, "B")))
    content = content.replace('"A"', r'"tab\x0Bstop \\x0B \\\x1F"').replace('"B"', r'["\x00", {"type": "bold", "text": "\x07"}]')
    (conversation,) = read(tmp_path, content.encode())
    assert [m.text for m in conversation.messages] == ["tab\x0bstop \\x0B \\\x1f", "\x00\x07"]


@pytest.mark.parametrize("shift", range(5))
def test_control_characters_are_read_where_the_file_is_cut_into_blocks(tmp_path: Path, shift: int) -> None:
    content = json.dumps(chat(row(1, "A"))).replace('"A"', '"' + "x" * shift + r"\x0B\\x0B" * 30_000 + '"')
    (conversation,) = read(tmp_path, content.encode())
    (message,) = conversation.messages
    assert message.text == "x" * shift + "\x0b\\x0B" * 30_000


@pytest.mark.parametrize("value", ["video_files/sticker (2).webm", "(File not included)", "files/a.webp", "thumb.webm", "3d.webm"])
def test_document_ids_without_quotes_are_named_with_line_and_byte(tmp_path: Path, value: str) -> None:
    content = json.dumps(chat(row(1), row(2, [{"type": "custom_emoji", "text": ":)", "document_id": "X"}])), indent=1)
    content = content.replace('"X"', value)
    with pytest.raises(ExportError, match=r"`document_id` without quotation marks.* 4\.1\.1") as caught:
        read(tmp_path, content.encode())
    place = content.index(value)
    assert caught.value.where == f"{tmp_path / 'result.json'}:{content[:place].count(chr(10)) + 1}"
    assert any(f"byte {place + near}:" in caught.value.what for near in range(3))


def test_a_cut_off_file_is_an_error_whatever_was_handed_out(tmp_path: Path) -> None:
    content = json.dumps(chat(*(row(n) for n in range(1, 3000))), indent=1).encode()
    for size in (len(content) - 1, len(content) - 500, len(content) // 2, 90, 1):
        with pytest.raises(ExportError, match=f"cut off: the file ends at byte {size}"):
            read(tmp_path, content[:size])


def test_a_header_may_follow_the_messages(tmp_path: Path) -> None:
    def turned(messages: list[Any], **header: Any) -> dict[str, Any]:
        return {"messages": messages, **header}

    (single,) = read(tmp_path, turned([row()], name="Kim", type="personal_chat", id=42))
    assert (single.conversation_id, single.title) == ("user42", "Kim")
    chats = [
        turned([row(1)], id=1, type="private_group", name="A"),
        chat(row(2)),
        turned([row(3)], id=3, type="bot_chat", name="C"),
    ]
    conversations = read(tmp_path, {"chats": {"list": chats}})
    assert [(c.conversation_id, c.title, [m.message_id for m in c.messages]) for c in conversations] == [
        ("chat1", "A", ["1"]),
        ("user42", "Kim", ["2"]),
        ("user3", "C", ["3"]),
    ]


def test_a_chat_without_a_header_is_read_all_the_same(tmp_path: Path) -> None:
    (conversation,) = read(tmp_path, {"messages": [row()]})
    assert conversation.conversation_id.endswith(":1")
    assert [m.text for m in conversation.messages] == ["hello"]


@pytest.mark.parametrize("wanted", [0, 1, 2])
def test_messages_that_nobody_asked_for_do_not_disturb_the_next_chat(tmp_path: Path, wanted: int) -> None:
    file = tmp_path / "result.json"
    file.write_text(json.dumps({"chats": {"list": [chat(row(1), row(2), row(3), id_=n) for n in range(3)]}}))
    seen = []
    for conversation in read_conversations([file], ReadOptions(format="telegram"), ReadLog()):
        seen.append((conversation.conversation_id, [m.message_id for m in islice(conversation.messages, wanted)]))
    assert seen == [(f"user{n}", ["1", "2"][:wanted]) for n in range(3)]


@pytest.mark.parametrize(
    "broken",
    [
        "words",
        7,
        row(2, 5),
        row(2, [5]),
        row(2, [{"type": "bold"}]),
        row(2, date_unixtime="soon"),
        row(2, date_unixtime=None, date="13.02.2024"),
        row(2, "", poll={"answers": []}),
        row(2, reactions=[5]),
    ],
)
def test_a_row_of_another_form_is_an_error_with_its_number_and_without_its_words(tmp_path: Path, broken: object) -> None:
    with pytest.raises(ExportError) as caught:
        messages(tmp_path, row(1), broken)
    assert caught.value.where == f"{tmp_path / 'result.json'}: record 2"
    assert "hello" not in str(caught.value)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        file = tmp_path / f"{count}.json"
        file.write_text(json.dumps(chat(*(row(n, "word " * 20) for n in range(count))), indent=1))
        tracemalloc.start()
        for conversation in read_conversations([file], ReadOptions(format="telegram"), ReadLog()):
            assert sum(1 for _ in conversation.messages) == count
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(12_000) < peak(6_000) + 100_000


# What tdesktop's SerializeString does, \xHH included.
def as_tdesktop(value: object) -> str:
    if isinstance(value, str):
        escapes = {"\n": r"\n", "\r": r"\r", "\t": r"\t", '"': r"\"", "\\": r"\\", "\u2028": r"\u2028", "\u2029": r"\u2029"}
        return '"' + "".join(escapes.get(c) or (f"\\x{ord(c):02X}" if c < " " else c) for c in value) + '"'
    if isinstance(value, dict):
        return "{" + ",\n".join(f"{as_tdesktop(key)}: {as_tdesktop(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",\n".join(map(as_tdesktop, value)) + "]"
    return json.dumps(value)


def write(messages: Iterable[Message]) -> bytes:
    rows = []
    for m in messages:
        assert m.timestamp
        fields = {"id": int(m.message_id), "type": "message", "date_unixtime": str(int(m.timestamp.timestamp()))}
        rows.append(fields | {"from": m.meta["speaker_name"], "from_id": m.speaker, "text": m.text})
    return as_tdesktop(chat(*rows)).encode()


ANY_TEXT = st.text() | st.lists(st.sampled_from(["\\", "x0B", "\x0b", '"', "u00", "😀"])).map("".join)
MOMENTS = st.integers(0, 2**31).map(lambda seconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))


@given(st.lists(st.tuples(st.integers(), st.integers(1), st.text(min_size=1), ANY_TEXT, MOMENTS)))
def test_what_is_written_is_read(rows: list[tuple[int, int, str, str, datetime]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        written = [
            Message(
                message_id=str(id_), speaker=f"user{user}", text=text, timestamp=at, source=Source("x"), meta={"speaker_name": name}
            )
            for id_, user, name, text, at in rows
        ]
        (conversation,) = read(Path(folder), write(written))
        fields = ("message_id", "speaker", "text", "timestamp", "meta", "kind")
        assert [[getattr(m, f) for f in fields] for m in conversation.messages] == [
            [getattr(m, f) for f in fields] for m in written
        ]
