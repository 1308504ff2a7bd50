"""WhatsApp's own rows in a person's name, told by iOS's mark in any language, on Android by wording; and where iOS ends a row."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.exports import read_all, read_one, write

IOS = "[13/02/2024, 21:05:11] "
ANDROID = "13/02/2024, 21:05 - "
MARK = "\u200e"


def judged(tmp_path: Path, line: str) -> tuple[str, str | None]:
    (message,) = read_one(write(tmp_path / "x", line + "\n"))
    return message.kind, message.speaker


@pytest.mark.parametrize(
    "notice",
    [
        "Kim added you",
        "Kim changed this group's icon",
        "Voice call, \u200e12 min",
        "Missed video call, Tap to call back",
        "Waiting for this message. This may take a while.",
        "Meddelanden och samtal är totalsträckskrypterade.",
        "Kim hat dich hinzugefügt",
        "Kim te añadió",
        "Kim a quitté le groupe",
        "Kim odaberr vrolik ze grup",
    ],
)
def test_the_mark_of_ios_tells_its_notices_in_any_language(notice: str, tmp_path: Path) -> None:
    assert judged(tmp_path, f"{IOS}Kim: {MARK}{notice}") == ("system", None)
    if notice[0] not in "VMW":
        assert judged(tmp_path, f"{IOS}Kim: {notice}") == ("message", "Kim")
        assert judged(tmp_path, f"{ANDROID}Kim: {MARK}{notice}") == ("message", "Kim")


def test_who_a_notice_names_is_kept(tmp_path: Path) -> None:
    (message,) = read_one(write(tmp_path / "x", f"{IOS}Kim: {MARK}Kim added you\n"))
    assert message.meta["actor_id"] == "Kim"


def test_a_mark_before_words_that_are_no_notice_we_know_is_warned_of(tmp_path: Path) -> None:
    chat = f"{IOS}Kim: {MARK}Kim added you\n{IOS}Pat: hello\n{IOS}Pat: {MARK}bring the blue bowl\n{IOS}Pat: {MARK}and no lid\n"
    (conversation,), log = read_all(write(tmp_path / "x", chat))
    assert [m.kind for m in conversation.messages] == ["system", "message", "system", "system"]
    (warning,) = (warning for warning in log.warnings if "U+200E" in warning.what)
    assert warning.where.endswith("x:3")
    assert warning.what.startswith("2 line(s)")
    assert "bowl" not in warning.what


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (f"{MARK}{IOS}Kim: {MARK}bild utelämnad", "media"),
        (f"{MARK}{IOS}Kim: {MARK}slika nije priložena", "media"),
        (f"{MARK}{IOS}Kim: {MARK}Du raderade detta meddelande.", "deleted"),
        (f"{MARK}{IOS}Kim: {MARK}Wiadomość została usunięta.", "deleted"),
        (f"{IOS}Kim: {MARK}This message was deleted by admin Pat.", "deleted"),
        (f"{IOS}Kim: {MARK}You deleted this message.", "deleted"),
        (f"{IOS}Kim: {MARK}Contact card omitted", "media"),
        (f"{IOS}Kim: {MARK}View once voice message omitted", "media"),
        (f"{IOS}Kim: {MARK}You received a view once photo. For added privacy, you can only open it on your phone.", "media"),
        (f"{IOS}Kim: {MARK}Location: https://maps.google.com/?q=0,0", "media"),
        (f"{IOS}Kim: {MARK}POLL:\nWhich flour\n{MARK}OPTION: rye (2 votes)\n{MARK}OPTION: wheat (1 vote)", "message"),
        (f"{IOS}Kim: {MARK}UMFRAGE:\nWelches Mehl\n{MARK}OPTION: Roggen (2 Stimmen)", "message"),
        (f"{IOS}Kim: on Sunday? {MARK}<This message was edited>", "message"),
        (f"{IOS}Kim: söndag? {MARK}<Det här meddelandet har redigerats>", "message"),
        (f"{IOS}Kim: 사진 생략됨", "media"),
        (f"{ANDROID}Kim: <Media tidak disertakan>", "media"),
        (f"{ANDROID}Kim: <Medij je izostavljen>", "media"),
        (f"{ANDROID}Kim: <View once voice message omitted>", "media"),
        (f"{ANDROID}Kim: Pesan ini dihapus", "deleted"),
        (f"{ANDROID}Kim: <3 you", "message"),
        (f"{ANDROID}Kim: <br>", "message"),
    ],
)
def test_a_row_in_a_persons_name_keeps_the_name(line: str, kind: str, tmp_path: Path) -> None:
    assert judged(tmp_path, line) == (kind, "Kim")


@pytest.mark.parametrize(
    "row",
    [
        "You joined a group via invite in the community: Town gardeners",
        "Kim added this group to the community: Town gardeners",
        "Kim: null",
        "Kim: Missed voice call",
        "Kim: Verpasster Sprachanruf",
        "Kim: Llamada perdida",
    ],
)
def test_androids_own_rows_are_nobodys_words(row: str, tmp_path: Path) -> None:
    assert judged(tmp_path, ANDROID + row) == ("system", None)


def test_a_sentence_for_a_name_is_kept_and_warned_of(tmp_path: Path) -> None:
    (conversation,), log = read_all(
        write(tmp_path / "x", f"{ANDROID}Kim: hi\n{ANDROID}Nu kan alla i den här gruppen skriva: läs mer\n")
    )
    assert [m.kind for m in conversation.messages] == ["message", "message"]
    assert any(warning.where.endswith("x:2") and "sentence" in warning.what for warning in log.warnings)


ENDED = (
    "[13/02/2024, 21:05:11] Kim: soup tonight?\r\n"
    "[13/02/2024, 21:06:11] Pat: here is what I wrote:\n{}[13/02/2024, 21:07:00] Kim: I bring it\nthat is all\r\n"
    "[13/02/2024, 21:08:00] Kim: fine\r\n"
)


@pytest.mark.parametrize("forged", ["", "[13/02/2024, 21:06:30] Kim: me too\n"])
def test_a_header_behind_a_line_that_ends_no_row_is_text(forged: str, tmp_path: Path) -> None:
    (conversation,), log = read_all(write(tmp_path / "x", ENDED.format(forged)))
    assert [(m.speaker, m.text) for m in conversation.messages] == [
        ("Kim", "soup tonight?"),
        ("Pat", f"here is what I wrote:\n{forged}[13/02/2024, 21:07:00] Kim: I bring it\nthat is all"),
        ("Kim", "fine"),
    ]
    assert any("within a message" in warning.what for warning in log.warnings)


def test_a_first_message_of_several_lines_does_not_hide_the_ends(tmp_path: Path) -> None:
    chat = "[13/02/2024, 21:05:11] Kim: one\ntwo\r\n[13/02/2024, 21:06:11] Pat: three\r\n"
    assert [m.text for m in read_one(write(tmp_path / "x", chat))] == ["one\ntwo", "three"]


def test_one_carriage_return_in_an_android_chat_hides_no_row(tmp_path: Path) -> None:
    chat = f"{ANDROID}Kim: one\r\n{ANDROID}Pat: two\n{ANDROID}Kim: three\n"
    assert [m.speaker for m in read_one(write(tmp_path / "x", chat))] == ["Kim", "Pat", "Kim"]


def test_carriage_returns_in_an_iphones_texts_hide_no_row(tmp_path: Path) -> None:
    chat = f"{IOS}Kim: one\n{IOS}Pat: two\r\n{IOS}Kim: three\n{IOS}Pat: four\n{IOS}Kim: five\n{IOS}Pat: six\n"
    assert len(read_one(write(tmp_path / "x", chat))) == 6
