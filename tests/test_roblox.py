"""Roblox's log: what people wrote is found among the engine's lines; a log without chat is no chat."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from helpers.exports import read_all, read_one, write
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UnknownFormat

LINES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1)
CHAT = "[ExpChat/mountClientApp (Debug)] - "


def line(rest: str, at: int = 11, channel: str = "FLog::Output", level: str = "") -> str:
    return f"2024-02-13T21:05:{at:02}.006Z,{at}.006128,59a8,6{level} [{channel}] {rest}\n"


def came(text: str, at: int = 11) -> str:
    return line(f"{CHAT}Incoming MessageReceived Status: Success Text: {text}", at)


def sent(text: str, at: int = 11) -> str:
    return line(f"{CHAT}Outgoing SendingMessage Status: Sending Text: {text}", at, level=",Info")


@given(talk=st.lists(st.tuples(st.booleans(), LINES), min_size=1, max_size=6, unique_by=lambda row: row[1]))
def test_what_was_sent_and_came_in_is_read_whatever_the_text(talk: list[tuple[bool, str]]) -> None:
    lines = [sent(text, at) + came(text, at) if own else came(text, at) for at, (own, text) in enumerate(talk)]
    with tempfile.TemporaryDirectory() as folder:
        (conversation,), log = read_all(write(Path(folder, "a.log"), line("engine", channel="FLog::Graphics") + "".join(lines)))
    spoken = [(m.speaker, m.text) for m in conversation.messages if m.kind == "message"]
    assert spoken == [("Me" if own else "unknown", text) for own, text in talk]
    assert sum(m.kind == "system" for m in conversation.messages) == sum(own for own, _ in talk)
    assert [export.format for export in log.exports] == ["roblox"]


def test_times_are_in_utc_and_the_games_own_lines_have_names(tmp_path: Path) -> None:
    path = write(tmp_path / "a.log", line(f"{CHAT}Player added: kim 15") + line("Info: chat: kim: shall we: build", 12))
    joined, said = read_one(path)
    assert (joined.kind, joined.text) == ("system", "Player added: kim 15")
    assert (said.speaker, said.text, said.timestamp) == ("kim", "shall we: build", datetime(2024, 2, 13, 21, 5, 12, 6000, UTC))
    assert said.source.line == 2


def test_nobody_is_named_for_what_came_in_and_a_warning_says_so(tmp_path: Path) -> None:
    _, log = read_all(write(tmp_path / "a.log", came("hello") + came("again", 12)))
    assert ["does not say who wrote 2 message(s)" in warning.what for warning in log.warnings] == [True]


def test_chat_far_from_the_beginning_is_found(tmp_path: Path) -> None:
    engine = line("SceneManager: resizing main targets to 800x599", channel="FLog::Graphics") * 2000
    assert [m.text for m in read_one(write(tmp_path / "a.log", engine + came("hello")))] == ["hello"]


def test_a_log_in_which_nobody_chats_is_passed_over(tmp_path: Path) -> None:
    quiet = write(tmp_path / "quiet.log", line("Loading AppSettings.xml") * 30)
    with pytest.raises(UnknownFormat, match="a Roblox log in which nobody chats"):
        read_all(quiet)
    write(tmp_path / "chat.log", came("hello"))
    _, log = read_all(tmp_path)
    assert (log.failed, [Path(one.name).name for one in log.passed_over]) == ([], ["quiet.log"])
