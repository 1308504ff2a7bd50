"""Logs of IRC clients and bots: their rows, notices and days, and lines that are none."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from helpers.exports import read_all, read_one, write
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ExportError

LOGS = {
    "irssi": "--- Log opened Tue Feb 13 21:05:00 2024\n21:05 -!- kim [~kim@host] has joined #bakers\n21:05 <@robin> bread?\n"
    "21:06 < kim> yes\n21:07  * robin waves\n--- Day changed Wed Feb 14 2024\n00:01 <kim> rye\n",
    "weechat": "2024-02-13 21:05:00\t-->\tkim (~kim@host) has joined #bakers\n2024-02-13 21:05:00\t@robin\tbread?\n"
    "2024-02-13 21:06:00\tkim\tyes\n2024-02-13 21:07:00\t *\trobin waves\n2024-02-14 00:01:00\tkim\trye\n",
    "mirc": "Session Start: Tue Feb 13 21:05:00 2024\nSession Ident: #bakers\n[21:05] * kim has joined #bakers\n"
    "[21:05] <@robin> bread?\n[21:06] <kim> yes\n[21:07] * robin waves\n[00:01] <kim> rye\n"
    "Session Close: Wed Feb 14 00:02:00 2024\n",
    "hexchat": "**** BEGIN LOGGING AT Tue Feb 13 21:05:00 2024\n\nFeb 13 21:05:00 *\tkim (~kim@host) has joined #bakers\n"
    "Feb 13 21:05:00 <robin>\tbread?\nFeb 13 21:06:00 <kim>\tyes\nFeb 13 21:07:00 *\trobin waves\nFeb 14 00:01:00 <kim>\trye\n",
    "limnoria": "2024-02-13T21:05:00  *** kim has joined #bakers\n2024-02-13T21:05:00  <robin> bread?\n"
    "2024-02-13T21:06:00  <kim> yes\n2024-02-13T21:07:00  * robin waves\n2024-02-14T00:01:00  <kim> rye\n",
}
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r"), max_size=60)
NICKS = st.from_regex(r"[A-Za-z\[\]\\`_^{|}][A-Za-z0-9\[\]\\`_^{|}-]{0,15}", fullmatch=True)


@pytest.mark.parametrize("client", sorted(LOGS))
def test_the_logs_of_all_clients_say_the_same(client: str, tmp_path: Path) -> None:
    (conversation,), log = read_all(write(tmp_path / "bakers.log", LOGS[client]))
    assert ([export.format for export in log.exports], log.warnings) == (["irc"], [])
    found = list(conversation.messages)
    assert [(m.kind, m.speaker, m.text) for m in found][1:] == [
        ("message", "robin", "bread?"),
        ("message", "kim", "yes"),
        ("message", "robin", "robin waves"),
        ("message", "kim", "rye"),
    ]
    assert (found[0].kind, found[0].speaker, found[3].meta["action"]) == ("system", None, True)
    assert [m.timestamp for m in found[1:]] == [
        datetime(2024, 2, 13, 21, 5),
        datetime(2024, 2, 13, 21, 6),
        datetime(2024, 2, 13, 21, 7),
        datetime(2024, 2, 14, 0, 1),
    ]


@given(drawn=st.lists(st.tuples(NICKS, WORDS), min_size=1, max_size=8), layout=st.sampled_from(["irssi", "weechat", "znc"]))
def test_what_is_written_is_read(drawn: list[tuple[str, str]], layout: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    row = {"irssi": "21:05 <{}> {}\n", "weechat": "2024-02-13 21:05:11\t{}\t{}\n", "znc": "[21:05:11] <{}> {}\n"}[layout]
    content = "".join(row.format(nick, text) for nick, text in drawn)
    found = read_one(write(tmp_path_factory.mktemp("x") / "a.log", content), format="irc")
    assert [(m.speaker, m.text) for m in found] == drawn


def test_the_day_is_taken_from_the_files_name_and_goes_on_at_midnight(tmp_path: Path) -> None:
    content = "[23:59:11] <robin> bread?\n[00:01:20] *** Joins: kim (~kim@host)\n[00:02:20] <kim> yes\n"
    (conversation,), _ = read_all(write(tmp_path / "#bakers_20240213.log", content), timezone="Europe/Madrid")
    assert conversation.title == "#bakers"
    assert [m.timestamp for m in conversation.messages] == [
        datetime(2024, 2, 13, 22, 59, 11, tzinfo=UTC),
        datetime(2024, 2, 13, 23, 1, 20, tzinfo=UTC),
        datetime(2024, 2, 13, 23, 2, 20, tzinfo=UTC),
    ]


def test_without_a_day_the_time_of_day_is_kept_and_told(tmp_path: Path) -> None:
    (conversation,), log = read_all(write(tmp_path / "a.log", "[21:05:11] <robin> bread?\n[21:05:20] <kim> yes\n"))
    assert [(m.timestamp, m.meta["time"]) for m in conversation.messages] == [(None, "21:05:11"), (None, "21:05:20")]
    assert ["nothing says the day of 2 row(s)" in warning.what for warning in log.warnings] == [True]


def test_times_with_an_offset_are_in_utc(tmp_path: Path) -> None:
    content = "[2024-02-13T21:05:11.000Z] <robin> bread?\n[2024-02-13T22:06:11+0100] <kim> yes\n"
    assert [m.timestamp for m in read_one(write(tmp_path / "a.log", content))] == [
        datetime(2024, 2, 13, 21, 5, 11, tzinfo=UTC),
        datetime(2024, 2, 13, 21, 6, 11, tzinfo=UTC),
    ]


def test_what_somebody_does_is_no_notice_unless_its_whole_wording_is_one(tmp_path: Path) -> None:
    content = "[21:05] <robin> hi\n[21:06] * robin has left the house, come over\n[21:07] * robin has left #bakers\n"
    found = read_one(write(tmp_path / "a.log", content))
    assert [(m.kind, m.speaker) for m in found][1:] == [("message", "robin"), ("system", None)]


def test_a_line_that_is_no_row_is_nobodys_and_told(tmp_path: Path) -> None:
    content = "[21:05] <robin> hi\na stray line\n[21:06] <kim> yes\n[21:07] <kim> rye\n"
    (conversation,), log = read_all(write(tmp_path / "a.log", content))
    assert [(m.kind, m.speaker, m.text) for m in conversation.messages][:2] == [
        ("message", "robin", "hi"),
        ("unsupported", None, "a stray line"),
    ]
    assert any(warning.where.endswith("a.log:2") for warning in log.warnings)


def test_colours_stay_in_the_text_and_not_in_the_name(tmp_path: Path) -> None:
    found = read_one(write(tmp_path / "a.log", "[21:05] <\x0304robin\x03> \x02bread\x02?\n[21:06] -ChanServ- welcome\n"))
    assert [(m.speaker, m.text) for m in found] == [("robin", "\x02bread\x02?"), ("ChanServ", "welcome")]
    assert found[1].meta["notice"] is True


def test_a_log_in_an_old_encoding_is_read_and_told(tmp_path: Path) -> None:
    rows = "".join(f"[21:0{n}] <robin> hvor længe skal brødet bage på søndag?\n" for n in range(9))
    (conversation,), log = read_all(write(tmp_path / "a.log", rows.encode("cp1252")))
    assert {m.text for m in conversation.messages} == {"hvor længe skal brødet bage på søndag?"}
    assert any("not UTF-8 but cp1252" in warning.what for warning in log.warnings)


def test_damage_is_named_by_its_line(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"a\.log:1: none of the 1 lines begins a message of an IRC log"):
        read_all(write(tmp_path / "a.log", "some words\n"), format="irc")
    with pytest.raises(ExportError, match=r"a\.log:3: not UTF-8"):
        read_all(write(tmp_path / "a.log", ("[21:05] <robin> brød é\n" * 2).encode() + b"[21:06] <kim> \xff\n"))
