"""Google Chat's and Hangouts' Takeout: who spoke by address or number, what was edited, deleted or attached."""

from __future__ import annotations

import json
import tempfile
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from helpers.exports import read_all, read_one, write
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ExportError

FIRST = datetime(2024, 2, 13, 21, 5, 11, tzinfo=UTC)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
KIM = {"name": "Kim", "email": "kim@mail.example", "user_type": "Human"}


def row(text: object = "hello", at: int = 0, fields: dict[str, Any] | None = None) -> dict[str, Any]:
    moment = FIRST + timedelta(seconds=at)
    date = f"{moment:%A, %B} {moment.day}, {moment:%Y} at {moment.hour % 12 or 12}:{moment:%M:%S %p} UTC"
    return {"creator": KIM, "created_date": date, "text": text, "topic_id": "t", "message_id": f"abc/t/{at}", **(fields or {})}


def group(folder: Path, rows: object, info: object = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if info is not None:
        write(folder / "group_info.json", json.dumps(info))
    return write(folder / "messages.json", json.dumps({"messages": rows}))


@given(texts=st.lists(WORDS, min_size=1, max_size=6))
def test_what_is_written_to_google_chat_is_read(texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = read_one(group(Path(folder), [row(text, at) for at, text in enumerate(texts)]))
    assert [m.text for m in found] == texts
    assert [m.timestamp for m in found] == [FIRST + timedelta(seconds=at) for at in range(len(texts))]
    assert {m.speaker for m in found} == {"kim@mail.example"}


def test_a_whole_takeout_has_a_conversation_a_group(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "takeout.zip", "w") as archive:
        for name, title in (("DM AAAA", None), ("Space BBBB", "Bakers")):
            folder = f"Takeout/Google Chat/Groups/{name}"
            archive.writestr(f"{folder}/messages.json", json.dumps({"messages": [row(fields={"message_id": f"{name}/1/1"})]}))
            archive.writestr(f"{folder}/group_info.json", json.dumps({"name": title, "members": [KIM]}))
        archive.writestr("Takeout/Google Chat/Users/User 1/user_info.json", json.dumps({"user": KIM, "membership_info": []}))
        archive.writestr("Takeout/Drive/recipes.pdf", b"%PDF-1.7")
        archive.writestr("Takeout/archive_browser.html", "<html><body>Takeout</body></html>")
    conversations, log = read_all(tmp_path / "takeout.zip")
    assert [(c.conversation_id, c.title, c.meta) for c in conversations] == [
        ("DM AAAA", None, {"participants": ["kim@mail.example"]}),
        ("Space BBBB", "Bakers", {"participants": ["kim@mail.example"]}),
    ]
    assert not [w for w in log.warnings if "Google Chat" in w.what]


def test_a_file_without_its_folder_is_named_by_its_ids(tmp_path: Path) -> None:
    conversations, _ = read_all(group(tmp_path, [row()]))
    assert conversations[0].conversation_id == "abc"


@pytest.mark.parametrize(
    ("fields", "kind", "speaker"),
    [
        ({"creator": None, "text": None, "message_state": "DELETED"}, "deleted", None),
        ({"text": None, "deleted_date": "Tuesday, February 13, 2024 at 9:07:11 PM UTC"}, "deleted", "kim@mail.example"),
        ({"attached_files": [{"original_name": "a.jpg", "export_name": "File-a.jpg"}]}, "media", "kim@mail.example"),
        ({"text": None}, "unsupported", "kim@mail.example"),
        ({"creator": {"name": "Kim"}}, "message", "Kim"),
        ({"text": "DELETED"}, "message", "kim@mail.example"),
    ],
)
def test_odd_rows_are_kept(fields: dict[str, Any], kind: str, speaker: str | None, tmp_path: Path) -> None:
    found = read_one(group(tmp_path, [row(fields=fields), row("other", 1)]))
    assert (found[0].kind, found[0].speaker, len(found)) == (kind, speaker, 2)


def test_what_is_known_besides_is_kept(tmp_path: Path) -> None:
    fields = {
        "updated_date": "Tuesday, February 13, 2024 at 9:06:11 PM UTC",
        "attached_files": [{"export_name": "File-a.jpg"}],
        "quoted_message_metadata": {"creator": KIM, "text": "rye?", "message_id": "abc/t/0"},
        "reactions": [{"emoji": {"unicode": "\U0001f35e"}, "reactor_emails": ["robin@mail.example"]}],
        "annotations": [{"start_index": 0}],
    }
    (message,) = read_one(group(tmp_path, [row(fields=fields)]))
    assert message.meta == {
        "annotations": [{"start_index": 0}],
        "topic_id": "t",
        "speaker_name": "Kim",
        "edited": "2024-02-13T21:06:11+00:00",
        "attachments": ["File-a.jpg"],
        "reply_to": "abc/t/0",
        "quoted": {"speaker": "kim@mail.example", "text": "rye?"},
        "reactions": [{"emoji": "\U0001f35e", "speaker": "robin@mail.example"}],
    }


@pytest.mark.parametrize(
    "bad", [5, {"text": 7}, {"creator": "Kim"}, row(fields={"created_date": "soon"}), row(fields={"reactions": 1})]
)
def test_a_row_of_another_shape_is_named_by_its_place(bad: object, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="record 2: a message is not of the form that Google Takeout writes"):
        read_all(group(tmp_path, [row(), bad]))


def test_a_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    whole = json.dumps({"messages": [row(at=at) for at in range(5)]})
    with pytest.raises(ExportError, match=r"messages\.json"):
        read_all(write(tmp_path / "messages.json", whole[:-40]))


def event(text: str | None = "hello", at: int = 0, fields: dict[str, Any] | None = None) -> dict[str, Any]:
    segments = [] if text is None else [{"type": "TEXT", "text": text}]
    return {
        "conversation_id": {"id": "Ugx"},
        "sender_id": {"gaia_id": "1", "chat_id": "1"},
        "timestamp": str(1707858311000000 + at * 1_000_000),
        "chat_message": {"message_content": {"segment": segments}},
        "event_id": f"e{at}",
        "event_type": "REGULAR_CHAT_MESSAGE",
        **(fields or {}),
    }


def hangouts(folder: Path, *events: object, old: bool = False) -> Path:
    details = {"name": "Bakers", "participant_data": [{"id": {"gaia_id": "1"}, "fallback_name": "Kim"}]}
    new = {"conversation": {"conversation_id": {"id": "Ugx"}, "conversation": details}, "events": events}
    state = {"conversation_id": {"id": "Ugx"}, "conversation_state": {"conversation": details, "event": events}}
    return write(folder / "Hangouts.json", json.dumps({"conversation_state": [state]} if old else {"conversations": [new]}))


@given(texts=st.lists(WORDS, min_size=1, max_size=6), seed=st.randoms(), old=st.booleans())
def test_what_is_written_to_hangouts_is_read_in_the_order_of_time(texts: list[str], seed: Any, old: bool) -> None:
    events = [event(text, at) for at, text in enumerate(texts)]
    seed.shuffle(events)
    with tempfile.TemporaryDirectory() as folder:
        (conversation,), log = read_all(hangouts(Path(folder), *events, old=old))
    assert [m.text for m in conversation.messages] == texts
    assert (conversation.conversation_id, conversation.title, log.exports[0].format) == ("Ugx", "Bakers", "hangouts")


@pytest.mark.parametrize(
    ("fields", "kind", "speaker"),
    [
        ({"event_type": "RENAME_CONVERSATION", "conversation_rename": {"new_name": "Bakers"}}, "system", None),
        ({"event_type": "HANGOUT_EVENT", "chat_message": None}, "system", None),
        ({"event_type": "SMS"}, "message", "1"),
        ({"chat_message": {"message_content": {}}}, "unsupported", "1"),
        ({"sender_id": {"chat_id": "9"}}, "message", "9"),
    ],
)
def test_odd_events_are_kept(fields: dict[str, Any], kind: str, speaker: str | None, tmp_path: Path) -> None:
    found = read_one(hangouts(tmp_path, event(fields=fields), event("other", 1)))
    assert (found[0].kind, found[0].speaker, len(found)) == (kind, speaker, 2)


def test_segments_and_files_of_an_event(tmp_path: Path) -> None:
    content = {
        "segment": [{"type": "TEXT", "text": "see"}, {"type": "LINE_BREAK"}, {"type": "LINK", "text": "https://bread.example"}],
        "attachment": [{"embed_item": {"type": ["PLUS_PHOTO"], "plus_photo": {"url": "https://photo.example/1"}}}],
    }
    (message,) = read_one(hangouts(tmp_path, event(fields={"chat_message": {"message_content": content}})))
    assert (message.text, message.kind) == ("see\nhttps://bread.example", "media")
    assert message.meta == {"speaker_name": "Kim", "attachments": ["https://photo.example/1"]}


@pytest.mark.parametrize("bad", [5, {"sender_id": 1}, event(fields={"timestamp": "soon"}), event(fields={"chat_message": ["x"]})])
def test_an_event_of_another_shape_is_named_by_its_place(bad: object, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="record 2: a message is not of the form that Google Takeout writes"):
        read_all(hangouts(tmp_path, event(), bad))


@pytest.mark.parametrize("events", [5.5, True, {"a": 1}])
def test_events_of_another_shape_are_refused(events: object, tmp_path: Path) -> None:
    path = write(tmp_path / "Hangouts.json", json.dumps({"conversations": [{"conversation": {}, "events": events}]}))
    with pytest.raises(ExportError, match="not of the form that Google Takeout writes"):
        read_all(path, format="hangouts")


def test_numbers_in_what_is_kept_can_be_written_again(tmp_path: Path) -> None:
    (message,) = read_one(group(tmp_path, [row(fields={"creator": {**KIM, "name": 1.5}, "annotations": [{"at": 2.5}]})]))
    assert json.loads(json.dumps(message.meta))["annotations"] == [{"at": 2.5}]
