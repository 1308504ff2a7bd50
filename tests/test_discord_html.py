"""DiscordChatExporter's HTML: every row with its id, and whose it is."""

from __future__ import annotations

import html
import tempfile
from datetime import datetime
from pathlib import Path

import pytest
from helpers.exports import read_all, read_one, write
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ExportError
from pipeline.schema import Message

WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).map(str.strip).filter(bool)


def container(id_: int, *inside: str, time: str) -> str:
    start = f'<div class="chatlog__message-container " data-message-id="{id_}">'
    return f'{start}<div class="chatlog__message">{time}{"".join(inside)}</div></div>\n'


def said(text: str) -> str:
    return f'<div class="chatlog__content"><span class="chatlog__markdown-preserve">{html.escape(text)}</span></div>'


def first(id_: int, *inside: str, at: str = "13/02/2024 21:05", user: str = "11") -> str:
    header = f'<span class="chatlog__author" title="kim#0" data-user-id="{user}">Kim</span>'
    return container(id_, *inside, time=f'{header}<span class="chatlog__timestamp"><a href="#">{at}</a></span>')


def later(id_: int, *inside: str, at: str = "13/02/2024 21:06") -> str:
    return container(id_, *inside, time=f'<div class="chatlog__short-timestamp" title="{at}">21:06</div>')


def page(*groups: str) -> str:
    wrapped = "".join(f'<div class="chatlog__message-group">{group}</div>' for group in groups)
    entries = '<div class="preamble__entry">Club</div><div class="preamble__entry">kitchen</div>'
    return f'<!DOCTYPE html><html><body><div class="preamble">{entries}</div><div class="chatlog">{wrapped}</div></body></html>'


def only(path: Path, *inside: str) -> Message:
    return read_one(write(path / "x.html", page(first(1, *inside))))[0]


@settings(max_examples=50)
@given(texts=st.lists(WORDS, min_size=1, max_size=5))
def test_what_is_written_is_read_whatever_the_text(texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder, "x [123].html"), page(*(first(number, said(text)) for number, text in enumerate(texts))))
        (conversation,), log = read_all(path)
    assert [(m.message_id, m.text) for m in conversation.messages] == [(str(n), text) for n, text in enumerate(texts)]
    assert (conversation.conversation_id, conversation.title, log.exports[0].format) == ("123", "kitchen", "discord_html")


def test_later_rows_of_a_group_are_of_its_person(tmp_path: Path) -> None:
    path = write(tmp_path / "x.html", page(first(1, said("a")) + later(2, said("b")), first(3, said("c"), user="12")))
    found = read_one(path)
    assert [(m.speaker, m.text) for m in found] == [("11", "a"), ("11", "b"), ("12", "c")]
    assert found[1].timestamp == datetime(2024, 2, 13, 21, 6)


def test_notices_are_system_rows(tmp_path: Path) -> None:
    notice = (
        '<span class="chatlog__system-notification-author" data-user-id="11">Kim</span>'
        '<span class="chatlog__system-notification-content"><span>pinned </span><a>a message</a></span>'
        '<span class="chatlog__system-notification-timestamp"><a>13/02/2024 21:05</a></span>'
    )
    (message,) = read_one(write(tmp_path / "x.html", page(container(1, notice, time=""))))
    assert (message.kind, message.speaker, message.text, message.meta["actor_id"]) == ("system", None, "pinned a message", "11")


def test_quoted_and_embedded_words_are_not_the_senders(tmp_path: Path) -> None:
    reply = (
        '<div class="chatlog__reply"><div class="chatlog__reply-author">Robin</div><div class="chatlog__reply-content">'
        '<span class="chatlog__reply-link" onclick="scrollToMessage(event, \'9\')"><span class="chatlog__markdown-preserve">old'
        "</span></span></div></div>"
    )
    embed = '<div class="chatlog__embed"><div class="chatlog__markdown-preserve">a recipe</div></div>'
    message = only(tmp_path, reply, said("yes"), embed)
    assert (message.kind, message.text, message.meta["reply_to"], message.meta["embeds"]) == ("message", "yes", "9", ["a recipe"])


def test_files_reactions_edits_and_emoji_are_kept(tmp_path: Path) -> None:
    content = (
        '<div class="chatlog__content"><span class="chatlog__markdown-preserve">look <img alt=":loaf:" src="e.png"></span>'
        '<span class="chatlog__edited-timestamp" title="13/02/2024 21:09">(edited)</span></div>'
    )
    message = only(
        tmp_path,
        content,
        '<div class="chatlog__attachment"><a href="a.png"><img src="a.png"></a></div>',
        '<div class="chatlog__sticker"><img src="s.png"></div>',
        '<div class="chatlog__reaction" title="wave"><img alt="w"><span class="chatlog__reaction-count">2</span></div>',
    )
    assert (message.kind, message.text) == ("media", "look :loaf:")
    assert message.meta == {
        "speaker_name": "Kim",
        "edited": "13/02/2024 21:09",
        "attachments": ["a.png"],
        "stickers": ["s.png"],
        "reactions": [{"emoji": "wave", "speaker": None, "count": 2}],
    }


@pytest.mark.parametrize("bad", [first(2, said("whisper"), at="noon"), first(2, said("whisper")).replace('id="2"', 'id="x"')])
def test_a_row_of_another_shape_is_named_by_its_line_and_not_its_text(bad: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"x\.html:\d+: a (?:time|message)") as caught:
        read_all(write(tmp_path / "x.html", page(first(1, said("a")), bad)))
    assert "whisper" not in str(caught.value)


def test_a_page_that_is_cut_off_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="cut off"):
        read_all(write(tmp_path / "x.html", page(first(1, said("a")), first(2, said("b")))[:-50]))
