"""TikTok's download: chats by friend in the order of time, from JSON of both layouts and from text."""

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
LINES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1).filter(lambda text: bool(text.strip()))


def row(content: object = "hello", at: int = 0, fields: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"Date": f"{FIRST + timedelta(seconds=at):%Y-%m-%d %H:%M:%S}", "From": "robin_b", "Content": content, **(fields or {})}


def new_layout(chats: object, groups: object = None) -> dict[str, Any]:
    return {
        "Your Activity": {"Login History": {"LoginHistoryList": []}},
        "Direct Message": {"Direct Messages": {"ChatHistory": chats}, "Group Chat": {"GroupChat": groups}},
        "Comment": {"Comments": {"CommentsList": [{"date": "2024-02-13 21:05:11", "comment": "nice bread"}]}},
    }


def old_layout(chats: object) -> dict[str, Any]:
    effects = {"Favorite Effects": {"FavoriteEffectsList": []}}
    return {"Activity": effects, "Direct Messages": {"Chat History": {"ChatHistory": chats}}}


def download(path: Path, content: object, name: str = "user_data_tiktok.json") -> Path:
    return write(path / name, json.dumps(content))


@given(texts=st.lists(WORDS, min_size=1, max_size=6), newest_first=st.booleans(), new=st.booleans())
def test_what_is_written_is_read_in_the_order_of_time(texts: list[str], newest_first: bool, new: bool) -> None:
    rows = [row(text, at) for at, text in enumerate(texts)]
    chats = {"Chat History with robin_b:": rows[::-1] if newest_first else rows}
    with tempfile.TemporaryDirectory() as folder:
        found = read_one(download(Path(folder), new_layout(chats) if new else old_layout(chats)))
    assert [m.text for m in found] == texts
    assert [m.timestamp for m in found] == [FIRST + timedelta(seconds=at) for at in range(len(texts))]


@given(texts=st.lists(st.lists(LINES, min_size=1, max_size=3), min_size=1, max_size=5))
def test_text_keeps_the_lines_of_a_message(texts: list[list[str]]) -> None:
    lines = [">>> Chat History with robin_b::", ""]
    for at, text in reversed(list(enumerate(texts))):
        lines += [f"{FIRST + timedelta(seconds=at):%Y-%m-%d %H:%M:%S} UTC robin_b: " + "\n".join(text)]
    with tempfile.TemporaryDirectory() as folder:
        found = read_one(write(Path(folder) / "Direct Messages.txt", "\n".join(lines) + "\n"))
    assert [m.text for m in found] == ["\n".join(text) for text in texts]


def test_each_friend_and_each_group_is_a_conversation(tmp_path: Path) -> None:
    chats = {"Chat History with robin_b:": [row()], "Chat History with pat: the baker:": [row()]}
    conversations, log = read_all(download(tmp_path, new_layout(chats, {"Group Chat with Bakers:": [row()]})))
    assert [c.conversation_id for c in conversations] == ["robin_b", "pat: the baker", "Bakers"]
    assert {c.platform for c in conversations} == {"tiktok"}
    assert [m.message_id.partition(":")[2] for c in conversations for m in c.messages] == ["1", "2", "3"]
    assert log.warnings == []


def test_an_account_is_known_though_its_chats_stand_far_from_the_start(tmp_path: Path) -> None:
    videos = [{"Date": "2024-02-13 21:05:11", "Link": f"https://video.example/{number}"} for number in range(3_000)]
    content = {"Activity": {"Video Browsing History": {"VideoList": videos}}, **old_layout({"Chat History with robin_b:": [row()]})}
    content["Activity"]["Video Browsing History"] = {"VideoList": videos}
    path = download(tmp_path, {"Activity": content.pop("Activity"), **content})
    assert path.stat().st_size > 1 << 17
    assert [m.text for m in read_one(path)] == ["hello"]


def test_a_whole_download_is_read_as_it_comes(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "TikTok_Data.zip", "w") as archive:
        archive.writestr("user_data_tiktok.json", json.dumps(new_layout({"Chat History with robin_b:": [row()]})))
        archive.writestr("Videos/1.mp4", b"\0\0\0\x18ftyp")
        archive.writestr("Activity/Searches.txt", "Date: 2024-02-13 21:05:11\nSearch Term: rye bread\n")
    conversations, log = read_all(tmp_path / "TikTok_Data.zip")
    assert [c.conversation_id for c in conversations] == ["robin_b"]
    assert [str(w.what)[:23] for w in log.warnings] == ["2 file(s) passed over t"]
    assert log.failed == []


@pytest.mark.parametrize(
    ("fields", "kind", "speaker"),
    [
        ({"Content": None}, "unsupported", "robin_b"),
        ({"Content": ""}, "unsupported", "robin_b"),
        ({"From": None}, "message", None),
        ({"From": ""}, "message", None),
        ({"From": 700001}, "message", "700001"),
        ({"Date": ""}, "message", "robin_b"),
    ],
)
def test_odd_rows_are_kept(fields: dict[str, Any], kind: str, speaker: str | None, tmp_path: Path) -> None:
    found = read_one(download(tmp_path, new_layout({"Chat History with a:": [row(fields=fields), row("other")]})))
    assert (found[0].kind, found[0].speaker, len(found)) == (kind, speaker, 2)


def test_what_is_known_besides_is_kept(tmp_path: Path) -> None:
    (message,) = read_one(
        download(tmp_path, new_layout({"Chat History with a:": [row(fields={"Link": "https://video.example/1"})]}))
    )
    assert message.meta == {"Link": "https://video.example/1"}


@pytest.mark.parametrize("bad", [5, ["x"], {"From": ["x"]}, {"Content": 7}, row(fields={"Date": "soon"})])
def test_a_row_of_another_shape_is_named_by_its_place(bad: object, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="record 2: a message is not of the form that TikTok writes"):
        read_all(download(tmp_path, new_layout({"Chat History with a:": [row(), bad]})))


@pytest.mark.parametrize(("chats", "what"), [([], "not an object"), ({"Chat History with a:": {}}, "not a list of messages")])
def test_chats_of_another_shape_are_refused(chats: object, what: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=what):
        read_all(download(tmp_path, new_layout(chats)))


def test_a_download_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    whole = json.dumps(new_layout({"Chat History with a:": [row()] * 3}))
    with pytest.raises(ExportError, match=r"user_data_tiktok\.json.*(cut off|ends)"):
        read_all(write(tmp_path / "user_data_tiktok.json", whole[: len(whole) // 2]))


@pytest.mark.parametrize("empty", [{}, None])
def test_a_download_without_chats_says_so(empty: object, tmp_path: Path) -> None:
    conversations, log = read_all(download(tmp_path, new_layout(empty)))
    assert conversations == []
    assert "no direct messages" in log.warnings[0].what


def test_a_line_in_a_message_that_looks_like_a_chat_begins_none(tmp_path: Path) -> None:
    text = ">>> Chat History with a::\n\n2024-02-13 21:05:11 UTC kim: look\n>>> Chat History with b::\n"
    assert [m.text for m in read_one(write(tmp_path / "d.txt", text))] == ["look\n>>> Chat History with b::"]


@pytest.mark.parametrize("text", [">>> Chat History with a::\nwords\n", "words\n>>> Chat History with a::\n"])
def test_text_that_begins_with_no_message_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"d\.txt:\d"):
        read_all(write(tmp_path / "d.txt", text), format="tiktok")
