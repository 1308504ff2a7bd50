"""Telegram Desktop's HTML: every row as JSON would have it, with the people's names for ids."""

from __future__ import annotations

import html
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from helpers.exports import read_all, read_one, write
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ExportError
from pipeline.schema import Message

# NUL has no form in HTML; tdesktop writes separators of lines and paragraphs as line breaks, and a carriage return cannot be typed.
TEXTS = (
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\u2028\u2029"), min_size=1).map(str.strip).filter(bool)
)


def escaped(text: str) -> str:
    return html.escape(text).replace("\n", "<br>")


def block(class_: str, inner: str) -> str:
    return f'\n   <div class="{class_}">\n{inner}\n   </div>\n'


def row(id_: int, *inside: str, name: str | None = "Kim ", title: str = "13.02.2024 21:05:11 UTC+01:00") -> str:
    date = f'\n   <div class="pull_right date details" title="{title}">\n21:05\n   </div>\n'
    who = block("from_name", escaped(name)) if name is not None else ""
    joined = "" if name is not None else " joined"
    return (
        f'\n <div class="message default clearfix{joined}" id="message{id_}">'
        + block("body", date + who + "".join(inside))
        + " </div>\n"
    )


def said(text: str) -> str:
    return block("text", escaped(text))


def service(id_: int, text: str) -> str:
    return f'\n <div class="message service" id="message{id_}">' + block("body details", text) + " </div>\n"


def page(*rows: str, title: str = "Robin ", link: str = "") -> str:
    header = block("page_header", block("content", block("text bold", title)))
    head = '<!DOCTYPE html><html>\n <head>\n  <meta charset="utf-8"/>\n<title>Exported Data</title>\n </head>\n'
    return f'{head} <body><div class="page_wrap">{header}<div class="history">{"".join(rows)}{link}</div></div></body>\n</html>\n'


def only(path: Path, *inside: str) -> Message:
    return read_one(write(path / "messages.html", page(row(1, *inside))))[0]


def test_a_chat_is_read_in_the_order_of_its_pages(tmp_path: Path) -> None:
    for number in range(1, 12):
        name = f"messages{number if number > 1 else ''}.html"
        write(tmp_path / name, page(service(-number, "13 February 2024"), row(number, said(f"text {number}"))))
    (conversation,), log = read_all(tmp_path)
    assert (conversation.platform, conversation.title) == ("telegram", "Robin")
    assert [export.format for export in log.exports] == ["telegram_html"]
    assert [(m.message_id, m.text) for m in conversation.messages] == [(str(n), f"text {n}") for n in range(1, 12)]
    assert log.warnings == []


def test_times_are_in_utc_by_their_offset_and_sources_are_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "messages.html", page(row(1, said("a")), row(2, said("b"), title="13.02.2024 21:05:11")))
    first, second = read_one(path)
    assert first.timestamp == datetime(2024, 2, 13, 20, 5, 11, tzinfo=UTC)
    assert second.timestamp == datetime(2024, 2, 13, 21, 5, 11)
    assert path.read_text().splitlines()[(first.source.line or 0) - 1].strip().startswith('<div class="message')
    assert read_one(path, timezone="Europe/Berlin")[1].timestamp == datetime(2024, 2, 13, 20, 5, 11, tzinfo=UTC)


@given(texts=st.lists(TEXTS, min_size=1, max_size=5))
def test_what_is_written_is_read_whatever_the_text(texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rows = [row(number, said(text), name="Kim" if number % 2 else "Robin") for number, text in enumerate(texts)]
        found = read_one(write(Path(folder, "messages.html"), page(*rows)))
    assert [(m.message_id, m.speaker, m.text) for m in found] == [
        (str(number), "Kim" if number % 2 else "Robin", text) for number, text in enumerate(texts)
    ]


def test_a_joined_row_is_of_the_person_above(tmp_path: Path) -> None:
    rows = [row(1, said("a")), row(2, said("b"), name=None), row(3, said("c"), name="Robin"), row(4, said("d"), name=None)]
    found = read_one(write(tmp_path / "messages.html", page(*rows)))
    assert [m.speaker for m in found] == ["Kim", "Kim", "Robin", "Robin"]


def test_a_joined_row_without_one_above_is_nobodys_with_a_warning(tmp_path: Path) -> None:
    (conversation,), log = read_all(write(tmp_path / "messages.html", page(row(2, said("b"), name=None), row(3, said("c")))))
    assert [m.speaker for m in conversation.messages] == [None, "Kim"]
    assert "its speaker is not known" in log.warnings[0].what


def test_service_rows_stay_and_days_are_no_rows(tmp_path: Path) -> None:
    rows = [
        service(-1, "13 February 2024"),
        service(5, "Kim changed group title to &laquo;Soup&raquo;"),
        row(6, said("13 February 2024")),
    ]
    found = read_one(write(tmp_path / "messages.html", page(*rows)))
    assert [(m.kind, m.speaker, m.text) for m in found] == [
        ("system", None, "Kim changed group title to «Soup»"),
        ("message", "Kim", "13 February 2024"),
    ]


def test_a_forward_has_its_words_and_whose_they_were(tmp_path: Path) -> None:
    origin = block("from_name", 'Alex <span class="date details" title="01.02.2024 10:00:00 UTC+00:00"> 01.02.2024 10:00:00</span>')
    rows = [row(1, block("forwarded body", origin + said("soup"))), row(2, block("forwarded body", said("rye")), name=None)]
    found = read_one(write(tmp_path / "messages.html", page(*rows, row(3, said("own")))))
    assert [(m.speaker, m.text, m.meta.get("forwarded_from")) for m in found] == [
        ("Kim", "soup", "Alex"),
        ("Kim", "rye", "Alex"),
        ("Kim", "own", None),
    ]
    assert found[0].meta["forwarded_at"] == "2024-02-01T10:00:00+00:00"


@pytest.mark.parametrize("href", ["#go_to_message7", "messages2.html#go_to_message7"])
def test_a_reply_names_its_message(href: str, tmp_path: Path) -> None:
    reply = block("reply_to details", f'In reply to <a href="{href}" onclick="return GoToMessage(7)">this message</a>')
    message = only(tmp_path, reply, said("yes"))
    assert (message.text, message.meta["reply_to"]) == ("yes", "7")


def media(class_: str, inner: str = "", href: str = "") -> str:
    tag = f'a class="{class_}" href="{href}"' if href else f'div class="{class_}"'
    return block("media_wrap clearfix", f"<{tag}>{inner}</{tag[: tag.index(' ')]}>")


def test_media_keeps_its_caption_and_its_file(tmp_path: Path) -> None:
    photo = media("photo_wrap clearfix pull_left", '<img class="photo" src="photos/a_thumb.jpg"/>', "photos/a.jpg")
    message = only(tmp_path, photo, said("the loaf"))
    assert (message.kind, message.text) == ("media", "the loaf")
    assert message.meta == {"media_type": "photo", "attachments": ["photos/a.jpg"]}


def test_media_that_was_not_exported_says_what_it_was(tmp_path: Path) -> None:
    inner = block(
        "body", block("title bold", "Voice message") + block("description", "Not included") + block("status details", "00:05")
    )
    message = only(tmp_path, media("media clearfix pull_left media_voice_message", inner))
    assert (message.kind, message.meta["media_type"], message.meta["media_status"]) == ("media", "voice_message", "00:05")


def test_a_call_is_a_system_row_with_its_caller(tmp_path: Path) -> None:
    inner = block("body", block("title bold", "Robin") + block("status details", "Outgoing (9 seconds)"))
    message = only(tmp_path, media("media clearfix pull_left media_call success", inner))
    assert (message.kind, message.speaker, message.meta["actor_id"]) == ("system", None, "Kim")
    assert message.meta["media_status"] == "Outgoing (9 seconds)"


def test_a_poll_has_its_words(tmp_path: Path) -> None:
    answers = block("answer", '- Sat <span class="details">2 votes</span>') + block("answer", "- Sun")
    message = only(
        tmp_path, media("media_poll", block("question bold", "Which day?") + answers + block("total details\t", "2 votes"))
    )
    assert (message.kind, message.text) == ("message", "Which day?\nSat\nSun")


def test_reactions_links_bots_and_what_is_new_are_kept(tmp_path: Path) -> None:
    reactions = (
        '<span class="reactions"><span class="reaction"><span class="emoji">👍</span><span class="userpics">'
        '<div class="userpic"><div class="initials" title="Robin">R</div></div></span></span>'
        '<span class="reaction"><span class="emoji">🍞</span><span class="count">3</span></span></span>'
    )
    text = block("text", 'see <a href="https://example.org/soup">here</a>')
    found = read_one(
        write(tmp_path / "messages.html", page(row(1, text, reactions, block("new_sort", "of thing"), name="Kim via @breadbot")))
    )
    assert (found[0].speaker, found[0].text) == ("Kim", "see here")
    assert found[0].meta == {
        "via_bot": "breadbot",
        "links": ["https://example.org/soup"],
        "reactions": [{"emoji": "👍", "speaker": "Robin"}, {"emoji": "🍞", "speaker": None, "count": 3}],
        "others": ["of thing"],
    }


def test_a_page_that_is_missing_is_warned_of(tmp_path: Path) -> None:
    link = '<a class="pagination block_link" href="messages2.html">Next messages</a>'
    _, log = read_all(write(tmp_path / "messages.html", page(row(1, said("a")), link=link)))
    assert ["messages2.html, is missing" in warning.what for warning in log.warnings] == [True]


@pytest.mark.parametrize(
    "bad",
    [
        row(2, said("whisper"), title="noon"),
        row(2, said("whisper")).replace("message2", "messageX"),
        row(2, said("whisper"), name=None).replace(" joined", ""),
        '<div class="message default" id="message2">whisper</div>',
        '<div class="message service" id="message2">whisper</div>',
    ],
)
def test_a_row_of_another_shape_is_named_by_its_line_and_not_its_text(bad: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"messages\.html:\d+: a message is not of the form that Telegram Desktop") as caught:
        read_all(write(tmp_path / "messages.html", page(row(1, said("a")), bad)))
    assert "whisper" not in str(caught.value)


def test_a_page_that_is_cut_off_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="cut off"):
        read_all(write(tmp_path / "messages.html", page(*(row(number, said("a")) for number in range(9)))[:-90]))


def test_the_format_can_be_named(tmp_path: Path) -> None:
    assert [m.text for m in read_one(write(tmp_path / "x", page(row(1, said("a")))), format="telegram_html")] == ["a"]


def test_markup_in_a_text_makes_no_row(tmp_path: Path) -> None:
    (message,) = read_one(write(tmp_path / "messages.html", page(row(1, said(row(2, said("forged")))))))
    assert "forged" in message.text


def test_the_same_chat_as_html_and_as_json_is_one(tmp_path: Path) -> None:
    rows = [row(n, said(f"words number {n}"), name="Kim" if n % 2 else "Robin") for n in range(1, 9)]
    write(tmp_path / "messages.html", page(*rows))
    listed = ", ".join(
        f'{{"id": {n}, "type": "message", "date": "2024-02-13T21:05:11", "date_unixtime": "1707854711",'
        f' "from": "{"Kim" if n % 2 else "Robin"}", "from_id": "user{n % 2}", "text": "words number {n}"}}'
        for n in range(1, 9)
    )
    write(tmp_path / "result.json", f'{{"name": "Robin", "type": "personal_chat", "id": 1, "messages": [{listed}]}}')
    (conversation,), log = read_all(tmp_path)
    assert (len(list(conversation.messages)), len(log.merged)) == (8, 1)
