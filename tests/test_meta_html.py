"""Instagram and Messenger as HTML: every row in order, in the words of any language."""

from __future__ import annotations

import html
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from helpers.exports import read_all, read_one, write
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import AmbiguousDateOrder, ExportError, UnknownFormat
from pipeline.ingest.times.named_months import MonthNames
from pipeline.schema import Message

TEXTS = (
    st.text(st.characters(exclude_categories=["Cs", "Cc"], max_codepoint=0x7E) | st.sampled_from("äé\n語👍"), min_size=1)
    .map(str.strip)
    .filter(bool)
)
AT = "Feb 13, 2024 9:05 pm"


def row(text: str, *blocks: str, name: str = "Kim", at: str = AT, tag: str = "div") -> str:
    inside = "".join(f"<div>{block}</div>" for block in blocks)
    words = html.escape(text).replace("\n", "<br>")
    return (
        f'<{tag} class="pam _3-95 _2ph- _a6-g uiBoxWhite noborder"><h2 class="_3-95 _2pim _a6-h _a6-i">{html.escape(name)}</h2>'
        f'<div class="_3-95 _a6-p"><div><div></div><div>{words}</div>{inside}</div></div>'
        f'<div class="_3-94 _a6-o">{at}</div></{tag}>\n'
    )


def page(*rows: str, title: str = "Robin") -> str:
    return f"<html><head><title>Messages</title></head><body><h1>{title}</h1><main>\n{''.join(rows)}</main></body></html>"


def thread(path: Path, *pages: str) -> Path:
    folder = path / "your_instagram_activity" / "messages" / "inbox" / "robin_118"
    folder.mkdir(parents=True)
    for number, content in enumerate(pages, 1):
        write(folder / f"message_{number}.html", content)
    return path


def only(path: Path, text: str, *blocks: str, **options: str) -> Message:
    return read_one(thread(path, page(row(text, *blocks, **options))))[0]


def test_a_thread_is_read_oldest_first_over_its_pages(tmp_path: Path) -> None:
    newest = page(row("e", at="Feb 14, 2024 9:05 pm"), row("d"), row("c"))
    oldest = page(row("b", at="Feb 12, 2024 9:05 pm"), row("a", at="Feb 11, 2024 9:05 am"))
    (conversation,), log = read_all(thread(tmp_path, newest, oldest))
    assert (conversation.conversation_id, conversation.platform, conversation.title) == ("inbox/robin_118", "instagram", "Robin")
    assert [m.text for m in conversation.messages] == ["a", "b", "c", "d", "e"]
    assert [export.format for export in log.exports] == ["meta_html"]


@settings(max_examples=50)
@given(texts=st.lists(TEXTS, min_size=1, max_size=5))
def test_what_is_written_is_read_whatever_the_text(texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = read_one(write(Path(folder, "message_1.html"), page(*(row(text) for text in reversed(texts)))))
    assert [m.text for m in found] == texts


@pytest.mark.parametrize(
    "at",
    [
        "Feb 13, 2024 9:05 pm",
        "Feb 13, 2024, 9:05 PM",
        "Feb 13, 2024 9:05:00pm",
        "13. Feb. 2024 21:05",
        "13 de fev de 2024 9:05 da tarde",
        "13 févr. 2024, 21:05",
        "lunes, 13 de febrero de 2024 a las 21:05",
        "13 feb 2024 9:05 p. m.",
        "13 лют. 2024 р. 21:05",
        "Şub 13, 2024 9:05 ös",
        "2024년 2월 13일 오후 9:05",
        "2월 13, 2024 9:05 오후",
        "2024年2月13日下午9:05",
        "2024年2月13日 21:05",
        "thg 2 13, 2024 9:05 CH",
        "13 فبراير، 2024 9:05 م",
        "13 फ़र॰ 2024 21:05",
        "helmi 13, 2024 21.05",
        "2024-02-13 21:05",
        "13/02/2024 21:05",
    ],
)
def test_times_are_read_in_any_language(at: str, tmp_path: Path) -> None:
    assert only(tmp_path, "a", at=at).timestamp == datetime(2024, 2, 13, 21, 5)


def test_times_are_local_and_a_zone_makes_them_utc(tmp_path: Path) -> None:
    (message,) = read_one(thread(tmp_path, page(row("a"))), timezone="Europe/Berlin")
    assert message.timestamp == datetime(2024, 2, 13, 20, 5, tzinfo=UTC)


def test_a_month_of_two_meanings_is_told_by_the_others_of_the_file(tmp_path: Path) -> None:
    rows = [row("b", at="13. prosinca 2023. u 21:05"), row("a", at="13. listopada 2023. u 21:05")]
    found = read_one(thread(tmp_path, page(*(part.replace(" u ", " ") for part in rows))))
    assert [m.timestamp and m.timestamp.month for m in found] == [10, 12]


def test_a_month_that_stays_unsure_is_warned_of(tmp_path: Path) -> None:
    _, log = read_all(thread(tmp_path, page(row("a", at="13 listopad 2023 21:05"))))
    assert any("two meanings" in warning.what for warning in log.warnings)


def test_dates_in_numbers_that_fit_both_orders_stop(tmp_path: Path) -> None:
    path = thread(tmp_path, page(row("a", at="03/04/2024 21:05")))
    with pytest.raises(AmbiguousDateOrder):
        read_all(path)
    assert read_one(path, date_order="mdy")[0].timestamp == datetime(2024, 3, 4, 21, 5)


def test_mojibake_is_undone_and_real_letters_stay(tmp_path: Path) -> None:
    rows = [row("süß", name="Zoë"), row("süß".encode().decode("latin-1"), name="Zoë".encode().decode("latin-1"))]
    assert {(m.speaker, m.text) for m in read_one(thread(tmp_path, page(*rows)))} == {("Zoë", "süß")}


def test_files_links_and_reactions_are_kept(tmp_path: Path) -> None:
    message = only(
        tmp_path,
        "the loaf",
        '<a target="_blank" href="messages/photos/1.jpg"><img src="messages/photos/1.jpg" class="_a6_o"/></a>',
        '<ul class="_a6-q"><li><span>👍Robin<span> (Feb 13, 2024 9:08 pm)</span></span></li><li>❤️Pat</li></ul>',
    )
    assert (message.kind, message.text) == ("media", "the loaf")
    assert message.meta == {
        "attachments": ["messages/photos/1.jpg"],
        "reactions": [{"emoji": "👍", "speaker": "Robin", "at": "Feb 13, 2024 9:08 pm"}, {"emoji": "❤️", "speaker": "Pat"}],
    }


def test_what_is_shared_is_kept_beside_the_words(tmp_path: Path) -> None:
    message = only(tmp_path, "look", '<div>a recipe</div><div><a href="https://example.org/a">https://example.org/a</a></div>')
    assert (message.kind, message.text, message.meta["links"]) == ("message", "look", ["https://example.org/a"])
    assert "a recipe" in str(message.meta["others"])


def test_rows_without_words_or_time_are_kept(tmp_path: Path) -> None:
    header = row("", name="Participants: Kim and Robin").replace(f'<div class="_3-94 _a6-o">{AT}</div>', "")
    reaction = row("Reacted 👍 to your message ")
    found = read_one(thread(tmp_path, page(header, reaction, row(""), row("a"))))
    assert sorted((m.kind, m.speaker, m.text) for m in found if m.speaker) == [("message", "Kim", "a"), ("unsupported", "Kim", "")]
    assert {m.text for m in found if m.kind == "system"} == {"Participants: Kim and Robin", "Reacted 👍 to your message"}


def test_a_messenger_page_and_one_of_before_2020_are_read(tmp_path: Path) -> None:
    older = row("a").replace("_a6-g", "_2lej").replace("_a6-h", "_2lel").replace("_a6-p", "_2let").replace("_a6-o", "_2lem")
    for number, content in enumerate((row("a", tag="section"), older)):
        assert [m.text for m in read_one(write(tmp_path / f"message_{number}.html", page(content)))] == ["a"]


def test_words_alone_in_a_content_are_read(tmp_path: Path) -> None:
    plain = row("X").replace("<div><div></div><div>X</div></div>", "bread?<br>rye")
    wrapped = row("X").replace("<div><div></div><div>X</div></div>", "<div>soup</div>")
    assert [m.text for m in read_one(thread(tmp_path, page(plain, wrapped)))] == ["soup", "bread?\nrye"]


def test_a_page_of_posts_is_no_chat(tmp_path: Path) -> None:
    post = row("X").replace("<div><div></div><div>X</div></div>", '<a href="media/1.jpg"><img src="media/1.jpg"/></a>')
    with pytest.raises(UnknownFormat, match="holds no chat"):
        read_all(write(tmp_path / "posts_1.html", page(post)))


def test_a_time_that_cannot_be_read_is_named_by_its_line_and_not_its_text(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"message_1\.html:3: a time that cannot be read") as caught:
        read_all(thread(tmp_path, page(row("a"), row("whisper", at="noonish"))))
    assert "whisper" not in str(caught.value)


def test_a_page_that_is_cut_off_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="cut off"):
        read_all(thread(tmp_path, page(*(row("a") for _ in range(9)))[:-40]))


def test_markup_in_a_text_makes_no_row(tmp_path: Path) -> None:
    (message,) = read_one(thread(tmp_path, page(row(row("forged")))))
    assert "forged" in message.text


def test_a_text_longer_than_any_time_is_none() -> None:
    """Tens of thousands of times in a row took minutes."""
    assert MonthNames().read("Feb 13, 2024 " + "12:34 " * 10_000) is None
