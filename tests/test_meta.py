"""Instagram and Messenger: both shapes, mended letters, threads put together from their files in the order of time."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from helpers.exports import read_all, read_one, write
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ExportError

BASE = 1707858311000
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def mangled(text: str) -> str:
    """Write text as Meta does: the bytes of UTF-8, each as a letter of Latin-1."""
    return text.encode("utf-8").decode("latin-1")


def row(content: str | None = "hello", at: int = 0, sender: str = "Kim", **fields: Any) -> dict[str, Any]:
    words = {} if content is None else {"content": mangled(content)}
    return {"sender_name": mangled(sender), "timestamp_ms": BASE + at * 1000, **words, "is_geoblocked_for_viewer": False, **fields}


def thread(folder: Path, rows: Sequence[object], number: int = 1, path: str = "inbox/kim_7", title: str = "Kim") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "participants": [{"name": mangled(title)}, {"name": "Sam"}],
        "messages": list(rows),
        "title": mangled(title),
        "is_still_participant": True,
        "thread_path": path,
        "magic_words": [],
    }
    write(folder / f"message_{number}.json", json.dumps(content))
    return folder


@given(texts=st.lists(WORDS, min_size=1, max_size=8), cut=st.integers(0, 8))
def test_a_thread_of_two_files_newest_first_is_read_in_order(texts: list[str], cut: int) -> None:
    rows = [row(text, at) for at, text in enumerate(texts)][::-1]
    with tempfile.TemporaryDirectory() as folder:
        for number, part in enumerate([rows[:cut], rows[cut:]], 1):
            if part:
                thread(Path(folder), part, number)
        found = read_one(Path(folder))
    assert [m.text for m in found] == texts


def test_ten_files_are_in_the_order_of_time_not_of_their_names(tmp_path: Path) -> None:
    for number in range(1, 13):
        thread(tmp_path, [row(f"{number}b", 100 - 2 * number + 1), row(f"{number}a", 100 - 2 * number)], number)
    found = [m.text for m in read_one(tmp_path)]
    assert found == [f"{number}{part}" for number in range(12, 0, -1) for part in "ab"]


def test_files_that_overlap_in_time_are_put_together_with_a_warning(tmp_path: Path) -> None:
    thread(tmp_path, [row("d", 3), row("b", 1)], 1)
    thread(tmp_path, [row("c", 2), row("a", 0)], 2)
    (conversation,), log = read_all(tmp_path)
    assert [m.text for m in conversation.messages] == ["a", "b", "c", "d"]
    assert any("overlaps" in warning.what for warning in log.warnings)


@pytest.mark.parametrize("text", ["café 👍🏽", "“curly” – ok", "Ünïcödé", "日本語", "plain", "a\u2028b"])
def test_letters_are_mended_string_by_string(text: str, tmp_path: Path) -> None:
    reactions = [{"reaction": mangled("❤"), "actor": mangled("Zoë")}]
    (conversation,), _ = read_all(thread(tmp_path, [row(text, sender="Zoë", reactions=reactions)], title="Zoë"))
    (message,) = conversation.messages
    assert (message.text, message.speaker, conversation.title) == (text, "Zoë", "Zoë")
    assert message.meta["reactions"] == [{"emoji": "❤", "speaker": "Zoë"}]


@pytest.mark.parametrize("text", ["already “right”", "déjà vu", "½"])
def test_a_string_that_was_not_mangled_stays(text: str, tmp_path: Path) -> None:
    (message,) = read_one(thread(tmp_path, [{**row(), "content": text}]))
    assert message.text == text


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"content": None, "is_unsent": True}, "deleted"),
        ({"content": None}, "unsupported"),
        ({"content": None, "photos": [{"uri": "your_x/photos/1.jpg", "creation_timestamp": 1}]}, "media"),
        ({"content": None, "sticker": {"uri": "s.png"}}, "media"),
        ({"content": None, "share": {"link": "l"}}, "media"),
        ({"content": "You missed a call", "call_duration": 0}, "system"),
        ({"content": "Kim left the group.", "type": "Unsubscribe"}, "system"),
        ({"content": "Kim left the group."}, "message"),
        ({"content": "Reacted 😂 to your message "}, "system"),
        ({"content": "Reacted badly to your message yesterday"}, "message"),
    ],
)
def test_a_row_that_is_no_ordinary_message_is_kept_as_what_it_is(fields: dict[str, Any], kind: str, tmp_path: Path) -> None:
    (message,) = read_one(thread(tmp_path, [row(**fields)]))
    assert message.kind == kind
    assert (message.speaker is None) == (kind == "system")


def test_a_shared_post_has_its_words(tmp_path: Path) -> None:
    share = {"link": "l", "share_text": mangled("seen this? – K")}
    (message,) = read_one(thread(tmp_path, [row(None, share=share)]))
    assert (message.text, message.kind, message.meta["links"]) == ("seen this? – K", "message", ["l"])


def test_threads_of_one_folder_are_kept_apart_and_platforms_are_told_by_folder(tmp_path: Path) -> None:
    inbox = tmp_path / "your_instagram_activity" / "messages" / "inbox"
    thread(inbox / "kim_7", [row()])
    thread(inbox / "sam_8", [row()], path="inbox/sam_8")
    conversations, _ = read_all(tmp_path)
    assert [c.conversation_id for c in conversations] == ["inbox/kim_7", "inbox/sam_8"]
    assert {c.platform for c in conversations} == {"instagram"}


def encrypted(folder: Path, name: str, rows: Sequence[dict[str, Any]]) -> None:
    content = {"participants": ["Kim", "Sam"], "threadName": name, "messages": list(rows)}
    write(folder / f"{name}.json", json.dumps(content, ensure_ascii=False))


def sealed(text: str = "", at: int = 0, **fields: Any) -> dict[str, Any]:
    base = {
        "isUnsent": False,
        "media": [],
        "reactions": [],
        "senderName": "Kim",
        "text": text,
        "timestamp": BASE + at,
        "type": "text",
    }
    return {**base, **fields}


def test_the_encrypted_shape_is_read_as_it_stands(tmp_path: Path) -> None:
    encrypted(tmp_path, "Kim_12", [sealed("Ã© stays", 1), sealed("“first”", 0)])
    encrypted(tmp_path, "Sam_13", [sealed(isUnsent=True), sealed(media=[{"uri": "./media/a.jpg"}])])
    kim, sam = read_all(tmp_path)[0]
    assert [m.text for m in kim.messages] == ["“first”", "Ã© stays"]
    assert next(m.timestamp for m in kim.messages) == datetime(2024, 2, 13, 21, 5, 11, tzinfo=UTC)
    assert sorted(m.kind for m in sam.messages) == ["deleted", "media"]
    assert [m.meta["attachments"] for m in sam.messages if m.kind == "media"] == [["a.jpg"]]


@pytest.mark.parametrize("bad", [5, {"sender_name": "Kim"}, {**row(), "timestamp_ms": "soon"}, {**row(), "content": 7}])
def test_a_row_of_another_shape_is_named_by_its_place(bad: object, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"message_1\.json: record 2: a message is not of the form that Meta writes"):
        read_all(thread(tmp_path, [row(), bad]))


@pytest.mark.parametrize("huge", ["1e999999999", "-2e400"])
def test_a_time_that_is_too_large_a_number_is_named_by_its_place(huge: str, tmp_path: Path) -> None:
    thread(tmp_path, [row()])
    (file,) = tmp_path.rglob("message_1.json")
    file.write_text(file.read_text("utf-8").replace(str(BASE), huge), "utf-8")
    with pytest.raises(ExportError, match=r"message_1\.json"):
        read_all(file)


@pytest.mark.parametrize(
    "text",
    [
        "Reacted ❤️ to your message ",
        "Hat mit ❤️ auf deine Nachricht reagiert ",
        "A réagi avec 👍🏽 à votre message ",
        "Liked a message",
        "Sam sent an attachment.",
        "You sent an attachment.",
        "Sam turned on vanish mode.",
        "Sam hat einen Anhang gesendet.",
    ],
)
def test_notices_in_a_persons_name_are_told_by_the_whole_text(text: str, tmp_path: Path) -> None:
    found = read_one(thread(tmp_path, [row(f"{text} she wrote", 2, "Sam"), row(text, 1, "Sam"), row("hello", 0)]))
    assert [(m.kind, m.speaker, m.meta.get("actor_id")) for m in found] == [
        ("message", "Kim", None),
        ("system", None, "Sam"),
        ("message", "Sam", None),
    ]


def test_a_reaction_in_any_language_is_told_by_the_field_of_the_row_that_it_is_on(tmp_path: Path) -> None:
    text = "Brást við ❤️ á skilaboðin þín "
    reactions = [{"reaction": mangled("❤"), "actor": "Sam"}]
    for folder, field, kind in (("a", reactions, "system"), ("b", [{**reactions[0], "actor": "Pat"}], "message")):
        found = read_one(thread(tmp_path / folder, [row(text, 1, "Sam"), row("hello", 0, reactions=field)]))
        assert found[1].kind == kind


def test_the_words_of_a_shared_post_are_told_from_the_senders(tmp_path: Path) -> None:
    share = {"link": "https://x.example/p", "share_text": mangled("rye – café"), "original_content_owner": "bakery"}
    found = read_one(thread(tmp_path, [row("look at this", 1, share=share), row(None, 0, share=share)]))
    assert [(m.text, m.meta.get("shared_text"), m.meta["forwarded_from"]) for m in found] == [
        ("rye – café", None, "bakery"),
        ("look at this", "rye – café", "bakery"),
    ]
