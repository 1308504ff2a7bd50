"""WhatsApp's rows: nothing is dropped, and nobody's words become the platform's."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.exports import read_all, read_one, write

from pipeline.errors import ExportError

AT = "13/02/2024, 21:05 - "
IOS = "[13/02/2024, 21:05:11] "


def rows(tmp_path: Path, *lines: str, at: str = AT) -> list[tuple[str, str | None, str]]:
    content = "\n".join(at + line for line in lines) + "\n"
    return [(message.kind, message.speaker, message.text) for message in read_one(write(tmp_path / "x", content))]


@pytest.mark.parametrize(
    "word", ["left", "added", "removed", "joined using", "created group", "changed the subject from", "deleted"]
)
def test_a_message_with_a_word_of_a_system_line_stays_a_message(word: str, tmp_path: Path) -> None:
    text = f"Kim {word} my stuff, Pat {word} it too"
    assert rows(tmp_path, f"Kim: {text}") == [("message", "Kim", text)]


@pytest.mark.parametrize(
    "line",
    [
        "Messages and calls are end-to-end encrypted. No one outside of this chat can read them.",
        'Alex changed the subject from "a: b" to "c: d"',
        'Alex changed the group name from "a: b" to "c"',
        'Alex created group "Party: 2024"',
        "Alex added Sam",
        "Alex left",
        'Alex hat den Betreff von "a: b" zu "c" geändert',
        "Alex cambió el asunto de “a: b” a “c”",
        "Your security code with Alex changed.",
    ],
)
def test_lines_of_whatsapp_itself_have_no_speaker(line: str, tmp_path: Path) -> None:
    assert rows(tmp_path, line) == [("system", None, line)]


def test_a_quoted_system_line_in_somebodys_mouth_is_theirs(tmp_path: Path) -> None:
    assert rows(tmp_path, 'Kim: Alex changed the subject from "a: b"') == [
        ("message", "Kim", 'Alex changed the subject from "a: b"')
    ]


def test_a_notice_under_the_name_of_an_ios_chat_is_a_system_line(tmp_path: Path) -> None:
    notice = "\u200eMessages and calls are end-to-end encrypted. Only people in this chat can read them."
    assert rows(tmp_path, f"Kim: {notice}", at=IOS) == [("system", None, notice)]
    typed = notice.removeprefix("\u200e")
    assert rows(tmp_path, f"Kim: {typed}", at=IOS) == [("message", "Kim", typed)]


@pytest.mark.parametrize(
    ("text", "attachments"),
    [
        ("<Media omitted>", None),
        ("<Medien ausgeschlossen>", None),
        ("<Multimedia omitido>", None),
        ("<Médias omis>", None),
        ("\u200eimage omitted", None),
        ("\u200eBild weggelassen", None),
        ("\u200edocument.pdf • 3 pages \u200edocument omitted", None),
        ("\u200eIMG-20240213-WA0001.jpg (file attached)", ["IMG-20240213-WA0001.jpg"]),
        ("IMG-20240213-WA0001.jpg (Datei angehängt)", ["IMG-20240213-WA0001.jpg"]),
        ("\u200e<attached: 00000012-PHOTO-2024-02-13.jpg>", ["00000012-PHOTO-2024-02-13.jpg"]),
        ("\u200e<pièce jointe : 00000012-PHOTO.jpg>", ["00000012-PHOTO.jpg"]),
    ],
)
def test_files_are_media_with_their_names(text: str, attachments: list[str] | None, tmp_path: Path) -> None:
    (message,) = read_one(write(tmp_path / "x", f"{AT}Kim: {text}\n"))
    assert (message.kind, message.speaker, message.text) == ("media", "Kim", text)
    assert message.meta.get("attachments") == attachments


def test_the_caption_of_a_file_is_kept(tmp_path: Path) -> None:
    text = "\u200eIMG-20240213-WA0001.jpg (file attached)\nlook: the dog"
    assert rows(tmp_path, f"Kim: {text}") == [("media", "Kim", text)]


@pytest.mark.parametrize(
    "text", ["This message was deleted", "You deleted this message", "Diese Nachricht wurde gelöscht.", "Mensagem apagada"]
)
def test_withdrawn_messages_keep_their_row(text: str, tmp_path: Path) -> None:
    assert rows(tmp_path, f"Kim: {text}") == [("deleted", "Kim", text)]
    longer = f"{text} and I saw it"
    assert rows(tmp_path, f"Kim: {longer}") == [("message", "Kim", longer)]


@pytest.mark.parametrize("line", ["Kim:", "Kim: ", "Kim:."])
def test_a_message_to_be_seen_once_keeps_its_row(line: str, tmp_path: Path) -> None:
    (message,) = read_one(write(tmp_path / "x", f"{AT}{line}\n"))
    assert (message.kind, message.speaker) == ("media", "Kim")
    assert message.meta["view_once"] is True


def test_a_full_stop_is_a_message(tmp_path: Path) -> None:
    assert rows(tmp_path, "Kim: .") == [("message", "Kim", ".")]


@pytest.mark.parametrize(
    "note", ["Diese Nachricht wurde bearbeitet.", "Se editó este mensaje.", "Mensagem editada", "Bu mesaj düzenlendi"]
)
def test_an_edited_message_of_android_says_so_in_its_language(note: str, tmp_path: Path) -> None:
    (message,) = read_one(write(tmp_path / "x", f"13/02/2024, 21:05 - Kim: rye? <{note}>\n"))
    assert (message.kind, message.meta) == ("message", {"edited": True})


def test_an_edited_message_says_so_and_keeps_its_text(tmp_path: Path) -> None:
    text = "see you at five \u200e<This message was edited>"
    (message,) = read_one(write(tmp_path / "x", f"{AT}Kim: {text}\n"))
    assert message.text == text
    assert message.meta["edited"] is True


def test_text_is_verbatim_over_lines(tmp_path: Path) -> None:
    text = "ﬁrst\u200b\n\n  indented\tﾃｽﾄ \u2028 still the same line\r\x0b\n🙂👩‍👧"
    (message,) = read_one(write(tmp_path / "x", f"{AT}Kim: {text}\n"))
    assert message.text == text


def test_crlf_and_a_byte_order_mark_are_no_text(tmp_path: Path) -> None:
    messages = read_one(write(tmp_path / "x", f"\ufeff{AT}Kim: one\r\ntwo\r\n{AT}Pat: three\r\n".encode()))
    assert [message.text for message in messages] == ["one\ntwo", "three"]
    assert [message.source.line for message in messages] == [1, 3]


def test_ids_are_the_files_hash_and_the_line(tmp_path: Path) -> None:
    first, second = read_one(write(tmp_path / "x", f"{AT}Kim: one\ntwo\n{AT}Kim: one\n"))
    digest = first.message_id.split(":")[0]
    assert len(digest) == 12
    assert (first.message_id, second.message_id) == (f"{digest}:1", f"{digest}:3")


def test_a_quoted_header_of_another_phone_stays_text_and_is_said(tmp_path: Path) -> None:
    text = (
        "look what she wrote\n[13/02/2024, 20:00:00] Pat: I did it\n> 13/02/2024, 20:01 - Pat: really\n13/02/2024, 20:02 said Pat"
    )
    (conversation,), log = read_all(write(tmp_path / "x", f"{AT}Kim: {text}\n{AT}Kim: end\n"))
    assert [(message.speaker, message.text) for message in conversation.messages] == [("Kim", text), ("Kim", "end")]
    assert "another phone's style" in str(log.warnings[0])


def test_a_line_like_a_header_of_no_real_day_stays_text(tmp_path: Path) -> None:
    text = "the code is\n45/78/2024, 21:05 - ok: no"
    (message,) = read_one(write(tmp_path / "x", f"{AT}Kim: {text}\n"), date_order="dmy")
    assert message.text == text


def test_lines_before_the_first_header_are_kept(tmp_path: Path) -> None:
    messages = read_one(write(tmp_path / "x", f"exported from my phone\n\n{AT}Kim: hello\n"))
    assert [(message.kind, message.speaker, message.text) for message in messages] == [
        ("unsupported", None, "exported from my phone\n"),
        ("message", "Kim", "hello"),
    ]


@pytest.mark.parametrize(("count", "warned"), [(39_999, False), (40_000, True), (10_000, True)])
def test_an_export_that_whatsapp_cut_short_is_warned_of(count: int, warned: bool, tmp_path: Path) -> None:
    _, log = read_all(write(tmp_path / "x", f"{AT}Kim: hello\n" * count))
    assert any("cuts exports" in warning.what for warning in log.warnings) is warned


def test_bytes_that_are_no_utf8_are_an_error_with_line_and_byte(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"x:2: not UTF-8 at byte 33"):
        read_one(write(tmp_path / "x", f"{AT}Kim: one\n{AT}Kim: secret ".encode() + b"\xff\n"))


def test_an_error_never_holds_the_text(tmp_path: Path) -> None:
    with pytest.raises(ExportError) as caught:
        read_one(write(tmp_path / "x", f"{AT}Kim: one\n{AT}Kim: whisper ".encode() + b"\xff\n"))
    assert "whisper" not in str(caught.value) + repr(caught.value)
