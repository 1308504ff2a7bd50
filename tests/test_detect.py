"""A format is told by all of a file's head: what anybody can write into a chat decides nothing."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from helpers.exports import read_all, write
from helpers.workbooks import workbook

from pipeline.errors import ExportError, UnknownFormat

WHATSAPP = "13/02/2024, 21:05 - Kim: here is my log\n{}13/02/2024, 21:06 - Robin: nice\n13/02/2024, 21:07 - Kim: rye?\n"
SIGNAL = "[2024-02-13 21:05:11] Robin: shall we bake  \n\n{}[2024-02-13 21:06:11] Me: yes  \n\n"


def speakers(path: Path, **options: object) -> list[tuple[str, list[str | None]]]:
    conversations, log = read_all(path, **options)
    formats = [export.format for export in log.exports]
    return [(f, [m.speaker for m in c.messages]) for f, c in zip(formats, conversations, strict=True)]


@pytest.mark.parametrize("count", [1, 60])
@pytest.mark.parametrize(
    "line",
    [
        "[2024-02-13 20:00] oven: on\n",
        "[2024-02-13, 20:00] oven: on\n",
        "\n[2024-02-13 20:00:01] oven: on  \n\n",
        "[13/02/2024, 20:00:01] oven: on\n",
        "2/13/24, 8:00 PM - oven: on\n",
        "conversation_id,speaker,timestamp,text\n",
        "2024-02-13T21:05:11.123Z,1.2,abc,6 [FLog::Output] oven\n",
        "[20:00, 13/02/2024] oven: on\n",
    ],
)
def test_lines_of_another_program_within_a_message_change_nothing(line: str, count: int, tmp_path: Path) -> None:
    assert speakers(write(tmp_path / "chat.txt", WHATSAPP.format(line * count))) == [("whatsapp", ["Kim", "Robin", "Kim"])]


def test_commas_in_the_first_message_part_no_columns(tmp_path: Path) -> None:
    text = WHATSAPP.format("").replace("here is my log", "conversation_id,speaker,timestamp,text")
    assert speakers(write(tmp_path / "chat.txt", text)) == [("whatsapp", ["Kim", "Robin", "Kim"])]


def test_a_pasted_whatsapp_line_leaves_signal_alone(tmp_path: Path) -> None:
    (tmp_path / "Robin").mkdir()
    path = write(tmp_path / "Robin" / "chat.md", SIGNAL.format("13/02/2024, 21:05 - Kim: rye\n" * 9))
    assert speakers(path) == [("signal", ["Robin", "Me"])]


ISO_PHONE = (
    "[2024-02-13, 21:05:11] Kim: \u200eMeddelanden och samtal är totalsträckskrypterade.\n"
    "[2024-02-13, 21:05:20] Kim: soppa ikväll?\n"
    "\u200e[2024-02-13, 21:06:12] Robin: \u200ebild utelämnad\n"
    "[2024-02-13, 21:07:00] Robin: linssoppa\nmed bröd\n"
    "\u200e[2024-02-13, 21:08:00] Kim: \u200eDu raderade detta meddelande.\n"
    "[2024-02-13, 21:09:00] ~\xa0Alex: får jag komma?\n"
)
KINDS = [
    ("system", None),
    ("message", "Kim"),
    ("media", "Robin"),
    ("message", "Robin"),
    ("deleted", "Kim"),
    ("message", "~\xa0Alex"),
]


@pytest.mark.parametrize("name", ["_chat.txt", "WhatsApp Chat - Anna.txt", "x.dat"])
def test_an_iphone_that_writes_iso_dates_is_whatsapp(name: str, tmp_path: Path) -> None:
    (conversation,), log = read_all(write(tmp_path / name, ISO_PHONE))
    assert [export.format for export in log.exports] == ["whatsapp"]
    assert [(m.kind, m.speaker) for m in conversation.messages] == KINDS


def test_an_iphone_that_writes_iso_dates_is_whatsapp_in_its_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "chat.zip", "w") as archive:
        archive.writestr("_chat.txt", ISO_PHONE.replace(", ", " "))
        archive.writestr("00000003-PHOTO.jpg", b"\xff\xd8\xff\0")
    for options in ({}, {"format": "whatsapp"}):
        (conversation,), _ = read_all(tmp_path / "chat.zip", **options)
        assert [(m.kind, m.speaker) for m in conversation.messages] == KINDS


@pytest.mark.parametrize(
    "log",
    [
        "[2024-02-13 21:05:11] INFO: started\n[2024-02-13 21:05:20] WARN: slow\n[2024-02-13 21:05:21] INFO: done\n",
        "[2024-02-13 21:05:11] Server: <robin_b> shall we build\n[2024-02-13 21:05:20] Server: <kim> yes\n",
        "[21:05:11] CHAT: robin_b: shall we build\n[21:05:20] CHAT: kim: yes\n",
        "[21:05:11] Server: <robin_b> shall we build\n[21:05:20] Server: <kim> yes\n",
        "[13/02/2024, 21:05:11] CHAT: robin_b: shall we build\n[13/02/2024, 21:05:20] CHAT: kim: yes\n",
        "2024-02-13 21:05 - ERROR: disk full\n2024-02-13 21:06 - ERROR: disk full\n",
        "[13/02/2024 21:05] kim\nhello\n\n[13/02/2024 21:06] robin\nyes\n",
    ],
)
def test_a_log_is_never_one_speaker_for_all(log: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownFormat):
        read_all(write(tmp_path / "server.log", log))


def test_a_log_in_which_names_stand_where_names_do_is_read(tmp_path: Path) -> None:
    log = "[2024-02-13 21:05:11] robin_b: hello\n[2024-02-13 21:05:20] kim: hi: there\n[2024-02-13 21:05:30] * pat joined\n"
    path = write(tmp_path / "a.log", log)
    assert speakers(path) == [("whatsapp", ["robin_b", "kim", None])]
    assert any("another program's log" in warning.what for warning in read_all(path)[1].warnings)


def test_a_chat_in_which_nobody_speaks_is_warned_of(tmp_path: Path) -> None:
    _, log = read_all(write(tmp_path / "x", "13/02/2024, 21:05 - Kim added you\n13/02/2024, 21:06 - Kim left\n"))
    assert any("nobody speaks" in warning.what for warning in log.warnings)


def test_few_headers_among_many_lines_are_warned_of_with_the_first_other(tmp_path: Path) -> None:
    _, log = read_all(write(tmp_path / "x", "13/02/2024, 21:05 - Kim: a poem\n" + "and one line more\n" * 30))
    assert any(warning.where.endswith("x:2") and "1 of 31 lines" in warning.what for warning in log.warnings)


@pytest.mark.parametrize(
    ("name", "content", "looks"),
    [
        ("a.html", '<!DOCTYPE html><html><div class="page_wrap list_page">', "Telegram's HTML that holds no chat"),
        ("a.pdf", b"%PDF-1.4\n", "a PDF"),
        ("msgstore.db.crypt15", b"\x0a\x01" * 50, "WhatsApp's encrypted backup"),
        ("a.rtf", "{\\rtf1\\ansi 13/02/2024, 21:05 - Kim: bread?}", "RTF"),
        ("a.eml", "From: kim@mail.example\nSubject: bread\nDate: Tue, 13 Feb 2024 21:05:11 +0000\n\nrye?\n", "a single mail"),
        ("a.db", b"SQLite format 3\0", "database"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c\0\0", "7z"),
        ("a.gz", b"\x1f\x8b\x08\0\0\0\0\0", "gzip"),
        ("a.csv", "Date,Name,Amount\n2024-02-13,flour,3\n", "a table"),
    ],
)
def test_an_error_says_what_a_file_looks_like(name: str, content: str | bytes, looks: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=looks):
        read_all(write(tmp_path / name, content))


def test_a_spreadsheet_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownFormat, match="spreadsheet"):
        read_all(write(tmp_path / "a.xlsx", workbook({"Notes": [["flour", 3.0]]})))


CHAT = "13/02/2024, 21:05 - Kim: shall we bake\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("expenses.csv", "Date,Name,Amount\n2024-02-13,flour,3\n"),
        ("comments.json", json.dumps([{"string_map_data": {"Comment": {"value": "nice"}, "Time": {"timestamp": 1}}}])),
        ("posts.json", json.dumps([{"media": [{"uri": "a", "user": "kim", "text": "x"}], "date": 1, "name": "y"}])),
        ("split.json", json.dumps([{"a": {"from": "x"}, "b": {"date": 1}, "c": {"text": "y"}}])),
        ("incomplete.csv", "Date,User,Message\n2024-02-13,kim,hello\n"),
    ],
)
def test_what_is_no_table_of_messages_is_named_beside_a_chat(name: str, content: str, tmp_path: Path) -> None:
    write(tmp_path / "chat.txt", CHAT)
    write(tmp_path / name, content)
    (conversation,), log = read_all(tmp_path)
    assert [m.text for m in conversation.messages] == ["shall we bake"]
    told = log.passed_over if name == "comments.json" else log.failed
    assert [one.name for one in told] == [str(tmp_path / name)]


def test_columns_that_the_user_names_make_a_table(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "gespräch,wer,wann,was\n1,Kim,2024-02-13T21:05:00Z,hallo\n")
    with pytest.raises(UnknownFormat):
        read_all(path)
    columns = {"conversation_id": "gespräch", "speaker": "wer", "timestamp": "wann", "text": "was"}
    ((found, said),) = speakers(path, columns=columns)
    assert (found, said) == ("csv", ["Kim"])


def test_a_json_line_longer_than_the_head_is_a_table_all_the_same(tmp_path: Path) -> None:
    row = {"text": "x" * 200_000, "conversation_id": "c", "speaker": "Kim", "timestamp": "2024-02-13T21:05:00Z"}
    assert speakers(write(tmp_path / "a.jsonl", json.dumps(row) + "\n")) == [("jsonl", ["Kim"])]


def test_words_like_keys_in_a_text_are_no_keys(tmp_path: Path) -> None:
    text = '{"guild": 1, "channel": 2} "Media Type": "From": {"guild":"x","channel":"y"}'
    row = {"conversation_id": "c", "speaker": "Kim", "timestamp": "2024-02-13T21:05:00Z", "text": text}
    assert speakers(write(tmp_path / "a.jsonl", json.dumps(row) + "\n")) == [("jsonl", ["Kim"])]


def test_a_named_format_holds_for_the_files_of_a_folder_that_may_be_of_it(tmp_path: Path) -> None:
    write(tmp_path / "chat.txt", CHAT)
    write(tmp_path / "photo.jpg", b"\xff\xd8\xff\0\0")
    write(tmp_path / "result.json", json.dumps({"name": "K", "type": "personal_chat", "id": 1, "messages": []}))
    conversations, log = read_all(tmp_path, format="whatsapp")
    assert [len(list(c.messages)) for c in conversations] == [1]
    assert [export.format for export in log.exports] == ["whatsapp"]


def test_every_file_that_looks_like_a_chat_is_named(tmp_path: Path) -> None:
    write(tmp_path / "chat.txt", CHAT)
    for name in ("a.html", "b.html"):
        write(tmp_path / name, "<html><div class=chatlog__message>")
    _, log = read_all(tmp_path)
    named = [one.name.rpartition("/")[2] for one in log.failed if "looks like Discord" in one.reason]
    assert named == ["a.html", "b.html"]


def test_a_damaged_file_beside_a_chat_is_still_an_error_without_its_text(tmp_path: Path) -> None:
    with pytest.raises(ExportError) as caught:
        read_all(
            write(tmp_path / "a.jsonl", '{"conversation_id":"c","speaker":"s","timestamp":null,"text":"whisper"}\n{"x": whisper\n')
        )
    assert "whisper" not in str(caught.value)
