"""Texts that went through other hands: quoted, indented, joined, cut off; and lines of a message that look like headers."""

from __future__ import annotations

import mailbox
from pathlib import Path

import pytest
from helpers.exports import read_all, write

from pipeline.errors import ExportError, UnknownFormat
from pipeline.schema import Message

ROWS = ["13/02/2024, 20:00 - Kim: hello", "13/02/2024, 20:01 - Robin: hi there", "13/02/2024, 20:02 - Kim: rye?\nor wheat"]
WHATSAPP = "\n".join(ROWS) + "\n"
IPHONE = "[13/02/2024, 20:00:01] Kim: hello\r\n[13/02/2024, 20:01:02] Robin: hi there\r\n[13/02/2024, 20:02:03] Kim: rye?\r\n"
SIGNAL = "[2024-02-13 20:00] Kim: hello\n\n[2024-02-13 20:01] Robin: hi there\n\n[2024-02-13 20:02] Kim: rye?\n\n"
WEECHAT = "2024-02-13 20:00:00\tKim\thello\n2024-02-13 20:01:00\tRobin\thi there\n2024-02-13 20:02:00\tKim\trye?\n"
LINE = "[LINE] Chat history with Robin\nSaved on: 2024/02/14 08:00\n\n2024/02/13(Tue)\n20:00\tKim\thello\n20:01\tRobin\thi there\n"
BOM = "\ufeff"


def rows(path: Path, content: str) -> tuple[list[Message], list[str]]:
    path.parent.mkdir(exist_ok=True)
    (conversation,), log = read_all(write(path, content))
    return list(conversation.messages), [str(warning).rpartition("/")[2] for warning in log.warnings]


def said(messages: list[Message]) -> list[tuple[str | None, str]]:
    return [(message.speaker, message.text) for message in messages]


@pytest.mark.parametrize("mark", ["> ", ">", ">> ", "> > ", "    ", "\t", "\u00a0", "| ", "- ", "* ", "&gt; "])
@pytest.mark.parametrize(("name", "chat"), [("a.txt", WHATSAPP), ("a.txt", IPHONE), ("a.md", SIGNAL), ("a.weechatlog", WEECHAT)])
def test_a_chat_whose_every_line_is_quoted_is_read_as_if_it_were_not(mark: str, name: str, chat: str, tmp_path: Path) -> None:
    plain, _ = rows(tmp_path / "plain" / name, chat)
    lines = chat.replace("\r\n", "\n").split("\n")[:-1]
    quoted = "".join(f"{mark if line else mark.rstrip()}{line}\n" for line in lines)
    messages, warnings = rows(tmp_path / "quoted" / name, quoted)
    assert said(messages) == said(plain)
    assert [message.source.line for message in messages] == [message.source.line for message in plain]
    assert any("each line begins with" in warning for warning in warnings)


@pytest.mark.parametrize(
    "text",
    [
        "Hello, see this:\n\n" + "".join(f"> {row}\n" for row in WHATSAPP.splitlines()) + "\nBye\n",
        "".join(f'"{row}"\n' for row in ROWS[:2]),
        "".join(f"{number}. {row}\n" for number, row in enumerate(ROWS[:2], 1)),
    ],
    ids=["within a mail", "in quotes", "numbered"],
)
def test_a_chat_with_other_text_around_it_is_refused_with_what_to_do(text: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownFormat, match=r"something else before its lines.*take the marks"):
        read_all(write(tmp_path / "chat.txt", text))


def test_a_line_without_the_mark_behind_many_is_an_error_with_its_line(tmp_path: Path) -> None:
    many = "".join(f"> 13/02/2024, 20:00 - Kim: {'bread ' * 20}\n" for _ in range(1000))
    with pytest.raises(ExportError, match=r"chat\.txt:1001: the line does not begin with the mark"):
        rows(tmp_path / "chat.txt", f"{many}Bye\n> 13/02/2024, 20:09 - Kim: hello\n")


def test_a_header_behind_blanks_in_a_chat_is_told(tmp_path: Path) -> None:
    messages, warnings = rows(tmp_path / "chat.txt", WHATSAPP + "  13/02/2024, 20:03 - Robin: yes\n")
    assert messages[-1].text == "rye?\nor wheat\n  13/02/2024, 20:03 - Robin: yes"
    assert warnings == [
        "chat.txt:5: 1 line(s), the first here, are headers behind blanks or a quote mark; they are kept as text of the row above"
    ]


def test_two_exports_in_one_file_are_read_and_told(tmp_path: Path) -> None:
    messages, warnings = rows(tmp_path / "a.md", BOM + SIGNAL + BOM + SIGNAL.replace("02-13", "02-14"))
    assert said(messages) == 2 * [("Kim", "hello"), ("Robin", "hi there"), ("Kim", "rye?")]
    assert [warning.partition(":")[2][:32] for warning in warnings] == ["7: another export begins here, jo"[:32]]
    _, warnings = rows(tmp_path / "a.txt", BOM + WHATSAPP + BOM + WHATSAPP)
    assert [warning[:36] for warning in warnings] == ["a.txt:5: another export begins here, "[:36]]


def test_the_first_lines_of_a_second_history_of_line_are_nobodys(tmp_path: Path) -> None:
    messages, warnings = rows(tmp_path / "a.txt", LINE + BOM + LINE.replace("/02/13", "/02/15").replace("Robin", "Pat"))
    assert said(messages)[1:4] == [
        ("Robin", "hi there"),
        (None, "\ufeff[LINE] Chat history with Pat"),
        (None, "Saved on: 2024/02/14 08:00"),
    ]
    assert "a.txt:7: another export begins here" in warnings[0]


def test_a_header_behind_a_mark_within_a_line_is_told(tmp_path: Path) -> None:
    _, warnings = rows(tmp_path / "a.txt", WHATSAPP.rstrip() + BOM + WHATSAPP)
    assert "a.txt:4: 1 line(s), the first here, hold a header behind a byte order mark" in warnings[0]


def test_json_lines_of_several_files_are_read(tmp_path: Path) -> None:
    line = '{"conversation_id":"c","speaker":"kim","timestamp":"2024-02-13 20:00","text":"hi"}\n'
    assert said(rows(tmp_path / "a.jsonl", BOM + line + BOM + line)[0]) == [("kim", "hi"), ("kim", "hi")]


@pytest.mark.parametrize("mark", ["", BOM])
def test_a_second_header_in_a_table_is_named(mark: str, tmp_path: Path) -> None:
    table = "conversation_id,speaker,timestamp,text\nc,kim,2024-02-13 20:00,hi\n"
    with pytest.raises(ExportError, match=r"a\.csv:3: the header stands here again"):
        rows(tmp_path / "a.csv", table + mark + table)


@pytest.mark.parametrize(
    ("name", "chat", "rest"),
    [
        ("a.txt", WHATSAPP, "13/02/20"),
        ("a.txt", WHATSAPP, "13/02/2024, 20:04 - Ro"),
        ("a.txt", IPHONE, "[13/02/2024, 20:0"),
        ("a.md", SIGNAL, "[2024-02-13 2"),
        ("a.txt", LINE, "20:0"),
        ("a.weechatlog", WEECHAT, "2024-02-13 20:0"),
    ],
)
def test_a_file_that_is_cut_within_a_header_is_told(name: str, chat: str, rest: str, tmp_path: Path) -> None:
    assert not any("cut off" in warning for warning in rows(tmp_path / name, chat)[1])
    _, warnings = rows(tmp_path / name, chat + rest)
    line = (chat + rest).count("\n") + 1
    assert [warning for warning in warnings if "cut off" in warning] == [
        f"{name}:{line}: the last line begins like a message and is not whole: the file may be cut off"
    ]


def test_a_mail_that_is_cut_within_its_headers_is_told(tmp_path: Path) -> None:
    box = mailbox.mbox(str(tmp_path / "a.mbox"))
    for number in (1, 2):
        text = f"From: kim@mail.example\nMessage-ID: <{number}@m>\nDate: Tue, 13 Feb 2024 20:00:00 +0000\n\nhello\n"
        box.add(text)
    box.close()
    content = (tmp_path / "a.mbox").read_text()
    cut = content[: content.rindex("2024 20:00:00 +0000")]
    _, log = read_all(write(tmp_path / "b.mbox", cut))
    assert [warning.what for warning in log.warnings] == ["a mail without a date or a sender begins here: it may be cut off"]


def test_a_line_of_a_message_that_looks_like_a_header_is_text_where_blank_lines_stand_before_headers(tmp_path: Path) -> None:
    forged = SIGNAL.replace("hi there\n", "see\n[2024-02-13 19:00] Pat: hello\n")
    messages, warnings = rows(tmp_path / "a.md", forged)
    assert said(messages)[1] == ("Robin", "see\n[2024-02-13 19:00] Pat: hello")
    assert "a.md:4: a line looks like a header" in warnings[0]
    blocks = "".join(f"Feb 13, 2024  9:0{n}:11 PM\n{who}\n{text}\n\n" for n, who, text in [(5, "Me", "rye?"), (6, "Kim", "yes")])
    messages, warnings = rows(tmp_path / "b.txt", blocks.replace("yes", "Feb 14, 2024  9:00:00 AM\nis the day"))
    assert said(messages) == [("Me", "rye?"), ("Kim", "Feb 14, 2024  9:00:00 AM\nis the day")]
    assert "b.txt:7: 1 line(s), the first here, look like headers" in warnings[0]


@pytest.mark.parametrize(
    "name", ["[Kim]", "(Kim)", "<Kim>", "Kim [work]", "Kim] x", "12:30 Kim", "Kim - Baker", "https://k.example"]
)
@pytest.mark.parametrize("header", ["13/02/2024, 20:0{} - ", "[13/02/2024, 20:0{}:11] "])
def test_a_name_may_hold_what_headers_hold(name: str, header: str, tmp_path: Path) -> None:
    texts = [(name, "hello"), ("Robin", "hi there"), (name, "shall we bake"), (name, "yes: or no")]
    chat = "".join(f"{header.format(minute)}{who}: {text}\n" for minute, (who, text) in enumerate(texts))
    assert said(rows(tmp_path / "chat.txt", chat)[0]) == texts


def test_a_name_with_a_colon_is_told(tmp_path: Path) -> None:
    chat = "".join(f"13/02/2024, 20:{n:02} - {who}: text {n}\n" for n in range(6) for who in ("Kim: Baker", "Robin"))
    assert any(
        "every message of 1 speaker(s) begins with the same words" in warning for warning in rows(tmp_path / "a.txt", chat)[1]
    )
    usual = "".join(f"13/02/2024, 20:{n:02} - Kim: {'plan: ' * (n < 9)}text {n}\n" for n in range(10))
    assert rows(tmp_path / "b.txt", usual)[1] == []


@pytest.mark.parametrize("name", ["[Kim]", "<Kim>"])
@pytest.mark.parametrize(
    ("file", "chat"), [("a.md", SIGNAL), ("a.txt", "[ 13/02/2024 21:05 ] Kim: hello\n[ 13/02/2024 21:06 ] Me: yes\n")]
)
def test_a_name_in_brackets_is_a_name(name: str, file: str, chat: str, tmp_path: Path) -> None:
    assert said(rows(tmp_path / file, chat.replace("Kim", name))[0])[0] == (name, "hello")


@pytest.mark.parametrize(
    ("file", "row"), [("a.md", "[2024-02-13 20:0{}] {}: text\n\n"), ("a.txt", "[ 13/02/2024 21:0{} ] {}: text\n")]
)
def test_a_name_with_a_colon_is_told_in_other_texts(file: str, row: str, tmp_path: Path) -> None:
    for name, told in (("Kim: Baker", True), ("Kim", False)):
        chat = "".join(row.format(minute, who) for minute in range(6) for who in (name, "Robin"))
        assert any("same words and a colon" in warning for warning in rows(tmp_path / file, chat)[1]) == told


def test_a_row_between_quotation_marks_in_lines_history_is_told(tmp_path: Path) -> None:
    quoted = LINE + '20:02\tKim\t"look\n20:03\tRobin\tno\nend"\n20:04\tRobin\tyes\n'
    messages, warnings = rows(tmp_path / "a.txt", quoted)
    assert said(messages)[2:4] == [("Kim", '"look'), ("Robin", 'no\nend"')]
    assert "a.txt:8: a row stands between quotation marks" in warnings[0]
    for plain in ('20:02\tKim\t"look\nend"\n', '20:02\tKim\t"look\n20:03\tRobin\tshe said "no"\n'):
        assert rows(tmp_path / "b.txt", LINE + plain)[1] == []


def test_a_line_of_a_mail_that_begins_with_from_is_text(tmp_path: Path) -> None:
    mail = "From kim@m.example Tue Feb 13 20:00:00 2024\nFrom: kim@m.example\nDate: Tue, 13 Feb 2024 20:00:00 +0000\n\n"
    messages, _ = rows(tmp_path / "a.mbox", f"{mail}hello\n\nFrom here on we bake\nand eat\n")
    assert said(messages) == [("kim@m.example", "hello\n\nFrom here on we bake\nand eat")]
