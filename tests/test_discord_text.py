"""DiscordChatExporter's CSV and text: every row, and what looks like one in somebody's words is none."""

from __future__ import annotations

import csv
import io
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from helpers.exports import read_all, read_one, write
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import AmbiguousDateOrder, ExportError

WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n"), min_size=1)
RULE = "=" * 62


def table(*rows: tuple[str, ...]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows(rows)
    return "AuthorID,Author,Date,Content,Attachments,Reactions\n" + stream.getvalue()


def line(
    content: str, author: str = "1", files: str = "", reactions: str = "", date: str = "2024-02-13T21:05:11.1230000+00:00"
) -> tuple[str, ...]:
    return author, f"name{author}", date, content, files, reactions


def text(*rows: str, count: int | None = None) -> str:
    head = f"{RULE}\nGuild: Club\nChannel: kitchen\n{RULE}\n\n"
    return f"{head}{''.join(rows)}{RULE}\nExported {len(rows) if count is None else count} message(s)\n{RULE}\n"


def row(content: str, name: str = "kim", date: str = "13/02/2024 21:05", below: str = "") -> str:
    return f"[{date}] {name}\n{content}\n\n{below}\n"


@settings(max_examples=50)
@given(texts=st.lists(WORDS, min_size=1, max_size=5))
def test_a_table_is_read_as_it_was_written(texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder, "Club - kitchen [12345].csv"), table(*(line(words) for words in texts)))
        (conversation,), log = read_all(path)
    assert [m.text for m in conversation.messages] == texts
    assert (conversation.conversation_id, conversation.title) == ("12345", "Club - kitchen")
    assert [export.format for export in log.exports] == ["discord_csv"]


def test_a_row_of_a_table_has_its_author_time_files_and_reactions(tmp_path: Path) -> None:
    (message,) = read_one(write(tmp_path / "x.csv", table(line("loaf", "7", "https://a/1.png,https://a/2.png", "👍 (2),🍞 (1)"))))
    assert (message.kind, message.speaker, message.timestamp) == ("media", "7", datetime(2024, 2, 13, 21, 5, 11, 123000, UTC))
    assert message.source.line == 2
    assert message.meta == {
        "speaker_name": "name7",
        "attachments": ["https://a/1.png", "https://a/2.png"],
        "reactions": [{"emoji": "👍", "speaker": None, "count": 2}, {"emoji": "🍞", "speaker": None, "count": 1}],
    }


def test_older_tables_have_local_times(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", table(line("a", date="13-Feb-24 09:05 PM"), line("b", date="14/02/2024 21:05")))
    assert [m.timestamp for m in read_one(path)] == [datetime(2024, 2, 13, 21, 5), datetime(2024, 2, 14, 21, 5)]


@pytest.mark.parametrize("date", ["noon", "", "31/02/2024 21:05"])
def test_a_time_that_cannot_be_read_is_named_by_its_line(date: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"x\.csv:3") as caught:
        read_all(write(tmp_path / "x.csv", table(line("a"), line("whisper", date=date))))
    assert "whisper" not in str(caught.value)


def test_discords_own_notices_are_told_by_the_whole_text(tmp_path: Path) -> None:
    rows = [line("Pinned a message."), line("Pinned a message. I did"), line("Started a call that lasted 3 minutes.")]
    found = read_one(write(tmp_path / "x.csv", table(*rows)))
    assert [(m.kind, m.speaker) for m in found] == [("system", None), ("message", "1"), ("system", None)]
    assert found[0].meta["actor_id"] == "1"


@settings(max_examples=50)
@given(texts=st.lists(WORDS.filter(lambda words: words == words.strip("\n") and "\n\n" not in words), min_size=2, max_size=5))
def test_text_is_read_as_it_was_written(texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder, "x.txt"), text(*(row(words, f"p{number % 2}") for number, words in enumerate(texts))))
        (conversation,), log = read_all(path)
    assert [(m.speaker, m.text) for m in conversation.messages] == [(f"p{n % 2}", words) for n, words in enumerate(texts)]
    assert (conversation.title, log.exports[0].format, log.warnings) == ("kitchen", "discord_text", [])


def test_a_row_of_text_keeps_what_stands_below_it(tmp_path: Path) -> None:
    below = "{Attachments}\nhttps://a/1.png\n\n"
    below += "{Embed}\nSoup\nlentils\n\n{Embed}\nRye\n\n{Stickers}\nhttps://a/s\n\n{Reactions}\n👍 (2) 🍞\n"
    first, second = read_one(write(tmp_path / "x.txt", text(row("look", below=below), row("nice", "robin (pinned)"))))
    assert (first.kind, first.text, second.text, second.speaker, second.meta) == (
        "media",
        "look",
        "nice",
        "robin",
        {"pinned": True},
    )
    assert first.meta == {
        "attachments": ["https://a/1.png"],
        "embeds": ["Soup\nlentils", "Rye"],
        "stickers": ["https://a/s"],
        "reactions": [{"emoji": "👍", "speaker": None, "count": 2}, {"emoji": "🍞", "speaker": None, "count": 1}],
    }


def test_a_line_like_a_row_in_somebodys_words_is_no_row(tmp_path: Path) -> None:
    forged = "see\n[13/02/2024 20:00] robin\nand\n\n[13/02/2024 20:01] robin\nthis"
    found = read_one(write(tmp_path / "x.txt", text(row("hello"), row(forged), row("yes", "robin"))))
    assert [(m.speaker, m.text) for m in found] == [("kim", "hello"), ("kim", forged), ("robin", "yes")]


def test_rows_with_one_empty_line_between_are_read(tmp_path: Path) -> None:
    found = read_one(write(tmp_path / "x.txt", text("[13/02/2024 21:05] kim\nhello\n\n", "[13/02/2024 21:06] robin\nyes\nrye\n\n")))
    assert [(m.speaker, m.text) for m in found] == [("kim", "hello"), ("robin", "yes\nrye")]


@pytest.mark.parametrize("date", ["2/13/2024 9:05 PM", "13.02.2024 21:05", "2024-02-13 21:05", "13-Feb-24 09:05 PM"])
def test_times_of_any_locale_are_read(date: str, tmp_path: Path) -> None:
    (message,) = read_one(write(tmp_path / "x.txt", text(row("a", date=date))))
    assert message.timestamp == datetime(2024, 2, 13, 21, 5)


def test_dates_that_fit_both_orders_stop(tmp_path: Path) -> None:
    with pytest.raises(AmbiguousDateOrder):
        read_all(write(tmp_path / "x.txt", text(row("a", date="03/04/2024 21:05"))))


def test_a_file_without_its_end_and_one_with_another_number_are_warned_of(tmp_path: Path) -> None:
    for content, says in ((text(row("a"))[:-100], "cut off"), (text(row("a"), count=3), "1 rows were read and 3 exported")):
        _, log = read_all(write(tmp_path / "x.txt", content))
        assert [says in warning.what for warning in log.warnings] == [True]


def test_a_banner_without_rows_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="no message in it"):
        read_all(write(tmp_path / "x.txt", text()))


def test_the_formats_can_be_named(tmp_path: Path) -> None:
    assert len(read_one(write(tmp_path / "a", table(line("a"))), format="discord_csv")) == 1
    assert len(read_one(write(tmp_path / "b", text(row("a"))), format="discord_text")) == 1
