"""Logs of Minecraft and Twitch: who speaks, to whom, and which lines are the program's own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from helpers.exports import read_all, read_one, write
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.errors import ExportError, UnknownFormat

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r§"), min_size=1, max_size=60)
PLAYERS = st.from_regex(r"[A-Za-z0-9_]{3,16}", fullmatch=True)
HEADS = {
    "vanilla": "[21:05:11] [Server thread/INFO]: <{}> {}\n",
    "secure": "[21:05:11] [Server thread/INFO]: [Not Secure] <{}> {}\n",
    "paper": "[21:05:11 INFO]: <{}> {}\n",
    "forge": "[13Feb2024 21:05:11.123] [Server thread/INFO] [minecraft/MinecraftServer]: <{}> {}\n",
    "iso": "[2024-02-13 21:05:11] [Server thread/INFO]: <{}> {}\n",
    "old": "2024-02-13 21:05:11 [INFO] <{}> {}\n",
    "client": "[21:05:11] [Render thread/INFO]: [System] [CHAT] <{}> {}\n",
}


@example(drawn=[("kim", " ")], layout="iso")
@given(drawn=st.lists(st.tuples(PLAYERS, WORDS), min_size=1, max_size=6), layout=st.sampled_from(sorted(HEADS)))
def test_what_minecraft_writes_is_read(drawn: list[tuple[str, str]], layout: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    content = "".join(HEADS[layout].format(name, text) for name, text in drawn)
    (conversation,), log = read_all(write(tmp_path_factory.mktemp("x") / "a.log", content))
    assert [export.format for export in log.exports] == ["minecraft"]
    assert [(m.speaker, m.text) for m in conversation.messages] == drawn


def test_private_messages_and_lines_of_the_server_are_told_apart(tmp_path: Path) -> None:
    lines = [
        "Starting minecraft server version 1.20.4",
        "robin_b joined the game",
        "robin_b issued server command: /msg kim shall we build",
        "[robin_b -> kim] a barn",
        "* kim waves",
        "robin_b issued server command: /home",
        "robin_b left the game",
    ]
    content = "".join(f"[21:05:11] [Server thread/INFO]: {line}\n" for line in lines)
    content += "java.lang.Exception: x\n\tat a.b.C(D.java:1)\n"
    (conversation,), log = read_all(write(tmp_path / "2024-02-13-1.log", content))
    found = list(conversation.messages)
    assert [(m.kind, m.speaker, m.text) for m in found][2:5] == [
        ("message", "robin_b", "shall we build"),
        ("message", "robin_b", "a barn"),
        ("message", "kim", "* kim waves"),
    ]
    assert found[2].meta == {"to": "kim", "private": True}
    assert [m.kind for m in found] == ["system"] * 2 + ["message"] * 3 + ["system"] * 4
    assert found[0].timestamp == datetime(2024, 2, 13, 21, 5, 11)
    assert log.warnings == []


def test_a_client_knows_who_you_are(tmp_path: Path) -> None:
    lines = [
        "Setting user: kim",
        "[CHAT] robin_b whispers to you: bread?",
        "[CHAT] You whisper to robin_b: yes",
        "[CHAT] [VIP] pat: hi",
    ]
    content = "".join(f"[21:05:11] [Render thread/INFO]: {line}\n" for line in lines)
    found = read_one(write(tmp_path / "latest.log", content))
    assert [(m.speaker, m.text) for m in found][1:] == [("robin_b", "bread?"), ("kim", "yes"), ("pat", "hi")]


def test_a_log_of_another_program_is_not_taken(tmp_path: Path) -> None:
    for content in ("[21:05:11] [main/INFO]: started\n[21:05:12] [main/INFO]: done\n", "[21:05:11] INFO: started\n" * 3):
        with pytest.raises(UnknownFormat):
            read_all(write(tmp_path / "a.log", content))


@given(drawn=st.lists(st.tuples(PLAYERS, WORDS.filter(lambda text: not text.startswith("<"))), min_size=2, max_size=6))
def test_what_twitch_writes_is_read(drawn: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    content = "# Start logging at 2024-02-13 21:05:00 CET\n" + "".join(f"[21:05:11]  {name}_x: ·{text}\n" for name, text in drawn)
    found = read_one(write(tmp_path_factory.mktemp("x") / "a.log", content))
    assert [(m.speaker, m.text) for m in found] == [(f"{name}_x", f"·{text}") for name, text in drawn]
    assert {m.timestamp for m in found} == {datetime(2024, 2, 13, 21, 5, 11)}


def test_a_downloaded_chat_is_in_utc_and_twitchs_own_rows_have_no_speaker(tmp_path: Path) -> None:
    content = "[2024-02-13 21:05:11 UTC] robin_b: hello\n[2024-02-13 21:05:20 UTC] kim: hi: there\n"
    content += "[2024-02-13 21:05:30 UTC] robin_b has been timed out for 10m.\n"
    (conversation,), log = read_all(write(tmp_path / "chat.txt", content))
    assert [export.format for export in log.exports] == ["twitch"]
    found = list(conversation.messages)
    assert [(m.kind, m.speaker, m.text) for m in found][1:] == [
        ("message", "kim", "hi: there"),
        ("system", None, "robin_b has been timed out for 10m."),
    ]
    assert found[0].timestamp == datetime(2024, 2, 13, 21, 5, 11, tzinfo=UTC)


def test_damage_is_named_by_its_line(tmp_path: Path) -> None:
    for format_ in ("minecraft", "twitch"):
        with pytest.raises(ExportError, match=r"a\.log:1: none of the 1 lines begins a message of"):
            read_all(write(tmp_path / "a.log", "some words\n"), format=format_)
