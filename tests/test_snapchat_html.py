"""Snapchat's pages: every box a message with its sender, type and time; and the tables of before 2023, both ways one talk."""

from __future__ import annotations

import html
import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from helpers.exports import read_all, read_one, write
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ExportError, UnknownFormat

FIRST = datetime(2024, 2, 13, 21, 5, 11, tzinfo=UTC)
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), min_size=1)


def moment(at: int = 0) -> str:
    return f"{FIRST + timedelta(seconds=at):%Y-%m-%d %H:%M:%S} UTC"


def box(text: str | None = "hello", sender: str = "robin_b", sort: str = "TEXT", at: int = 0, extra: str = "") -> str:
    words = "" if text is None else f"<p>{html.escape(text)}</p>"
    return (
        f"<div style='background: #f2f2f2; padding: 3px;'>{extra}<div><h4>{html.escape(sender)}</h4></div>"
        f"<span>{sort}</span>{words}<h6>{moment(at)}</h6></div>\n"
    )


def page(*boxes: str, title: str = "robin_b") -> str:
    return f"<html><body><div class='rightpanel'><h1>{title}</h1>{''.join(boxes)}</div></body></html>"


def table(way: str, *rows: tuple[str, str, str | None, int]) -> str:
    cells = "".join(
        f"<tr><td>{name}</td><td>{sort}</td><td>{moment(at)}</td></tr>"
        + ("" if text is None else f"<tr><td colspan='3'>{html.escape(text)}</td></tr>")
        for name, sort, text, at in rows
    )
    return f"<table><tr><th>{way}</th><th>Media Type</th><th>Created</th></tr>{cells}</table>"


@given(talk=st.lists(st.tuples(st.sampled_from(["kim", "robin_b"]), WORDS), min_size=1, max_size=6))
def test_a_page_is_read_in_the_order_of_time_whatever_the_text(talk: list[tuple[str, str]]) -> None:
    boxes = [box(text, sender, at=at) for at, (sender, text) in enumerate(talk)]
    with tempfile.TemporaryDirectory() as folder:
        (conversation,), log = read_all(write(Path(folder, "subpage_robin_b.html"), page(*boxes[::-1])))
    assert [(m.speaker, m.text) for m in conversation.messages] == talk
    assert [m.timestamp for m in conversation.messages] == [FIRST + timedelta(seconds=at) for at in range(len(talk))]
    assert (conversation.conversation_id, conversation.platform, conversation.title) == ("robin_b", "snapchat", None)
    assert [export.format for export in log.exports] == ["snapchat_html"]


@given(talk=st.lists(st.tuples(st.booleans(), WORDS), min_size=1, max_size=6))
def test_the_tables_of_both_directions_are_one_talk(talk: list[tuple[bool, str]]) -> None:
    rows = [(sent, ("robin_b", "TEXT", text, at)) for at, (sent, text) in enumerate(talk)]
    tables = table("From", *(row for sent, row in rows if not sent)) + table("To", *(row for sent, row in rows if sent))
    with tempfile.TemporaryDirectory() as folder:
        found = read_one(write(Path(folder, "chat_history.html"), f"<html><body>{tables}</body></html>"))
    assert [(m.speaker, m.text) for m in found] == [("Me" if sent else "robin_b", text) for sent, text in talk]


@pytest.mark.parametrize(
    ("made", "kind", "text", "meta"),
    [
        (box(None, sort="MEDIA"), "media", "", {"media_type": "MEDIA"}),
        (box("the loaf", sort="NOTE"), "media", "the loaf", {"media_type": "NOTE"}),
        (box(None, sort="STATUSERASEDMESSAGE"), "system", "", {"media_type": "STATUSERASEDMESSAGE", "actor_id": "robin_b"}),
        (box(extra="<span>Saved</span>"), "message", "hello", {"IsSaved": True}),
        (box(extra="<span>a new thing</span>"), "message", "hello", {"others": ["a new thing"]}),
        (box(None, sort="").replace("<h6>", "<div>loose words</div><h6>"), "message", "loose words", {}),
        (box(None, sort="<img src='a.jpg'>"), "media", "", {"attachments": ["a.jpg"]}),
    ],
)
def test_nothing_that_a_box_holds_is_lost(made: str, kind: str, text: str, meta: dict[str, object], tmp_path: Path) -> None:
    (message,) = read_one(write(tmp_path / "subpage_robin_b.html", page(made)), format="snapchat_html")
    assert (message.kind, message.text, message.meta) == (kind, text, meta)


def test_media_in_a_table_has_no_words(tmp_path: Path) -> None:
    rows = table("From", ("robin_b", "IMAGE", None, 0), ("robin_b", "TEXT", "look", 1), ("pat", "TEXT", "hi", 2))
    conversations, _ = read_all(write(tmp_path / "chat_history.html", f"<html>{rows}</html>"))
    found = {c.conversation_id: [(m.kind, m.text) for m in c.messages] for c in conversations}
    assert found == {"robin_b": [("media", ""), ("message", "look")], "pat": [("message", "hi")]}


def test_a_whole_download_is_read_and_its_list_of_chats_is_named(tmp_path: Path) -> None:
    pages = tmp_path / "html" / "chat_history"
    pages.mkdir(parents=True)
    links = "<html><body><a href='chat_history/subpage_robin_b.html'>robin_b</a></body></html>"
    write(pages / "subpage_robin_b.html", page(box()))
    write(pages / "subpage_pat.html", page(box(sender="pat"), title="Pat's bakers"))
    with pytest.raises(UnknownFormat, match="list of chats of a Snapchat download"):
        read_all(write(pages.parent / "chat_history.html", links))
    conversations, _ = read_all(tmp_path)
    assert sorted((c.conversation_id, c.title) for c in conversations) == [("pat", "Pat's bakers"), ("robin_b", None)]


def test_a_chat_as_page_and_as_json_is_one(tmp_path: Path) -> None:
    write(tmp_path / "subpage_robin_b.html", page(*(box(f"words number {at}", at=at) for at in range(6))))
    listed = [
        {"From": "robin_b", "Media Type": "TEXT", "Created": moment(at), "Content": f"words number {at}", "IsSender": False}
        for at in range(6)
    ]
    write(tmp_path / "chat_history.json", json.dumps({"robin_b": listed}))
    (conversation,), log = read_all(tmp_path)
    assert (len(list(conversation.messages)), len(log.merged)) == (6, 1)


@pytest.mark.parametrize(
    "bad",
    [
        box("whisper").replace(moment(), "noon"),
        box("whisper").replace("<h4>robin_b</h4>", ""),
        "<table><tr><td>whisper</td><td>TEXT</td></tr></table>",
    ],
)
def test_a_message_of_another_shape_is_named_by_its_line_and_not_its_text(bad: str, tmp_path: Path) -> None:
    whole = page(bad) if bad.startswith("<table") else page(box(), bad)
    with pytest.raises(ExportError, match=r"a message is not of the form that Snapchat writes") as caught:
        read_all(write(tmp_path / "subpage_a.html", whole), format="snapchat_html")
    assert "whisper" not in str(caught.value)
