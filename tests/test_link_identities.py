"""Evidence that accounts of several exports are one person, and what is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="the extra link")

from helpers.link_runs import SMALL, joined, linked
from helpers.linked import Line, Talk

from pipeline.link.schemas import LINK
from pipeline.link.tables import read_accounts, read_identity_links


@pytest.mark.parametrize(
    ("platforms", "speakers", "reason", "strength"),
    [
        (("discord", "discord"), ("123456789", "123456789"), "same_platform_id", 0.99),
        (("whatsapp", "signal"), ("+44 7700 900123", "07700900123"), "same_number", 0.95),
        (("mbox", "google_chat"), ("Kim@mail.example", "kim@mail.example"), "same_address", 0.95),
        (("snapchat", "snapchat"), ("kim_44", "kim_44"), "same_handle", 0.9),
        (("snapchat", "instagram"), ("kim_44", "kim_44"), "same_handle", 0.6),
        (("whatsapp", "whatsapp"), ("Kim Example", "Kim Example"), "same_name", 0.3),
    ],
)
def test_one_identifier_in_two_exports_is_evidence(
    platforms: tuple[str, str], speakers: tuple[str, str], reason: str, strength: float, tmp_path: Path
) -> None:
    runs = [
        [Talk(f"c{number}", [Line(speaker, "hi"), Line(f"other {number}", f"hello {number}")], platform, f"{number}.json")]
        for number, (platform, speaker) in enumerate(zip(platforms, speakers, strict=True))
    ]
    folder = linked(tmp_path, *runs)
    (found,) = read_identity_links(folder)
    assert (found.reason, found.strength, found.joined) == (reason, strength, strength >= 0.9)
    assert {(one.source_file, one.line) for one in found.evidence} == {("0.json", 1), ("1.json", 1)}


@pytest.mark.parametrize(
    ("platforms", "speakers"),
    [
        (("discord", "telegram"), ("123456789", "123456789")),  # two platforms count on their own
        (("whatsapp", "signal"), ("Kim", "Kim")),  # a name on two platforms
        (("whatsapp", "whatsapp"), ("+44 7700 900123", "+44 7700 900124")),
    ],
)
def test_what_two_people_may_share_links_nothing(platforms: tuple[str, str], speakers: tuple[str, str], tmp_path: Path) -> None:
    runs = [
        [Talk(f"c{number}", [Line(speaker, "hi"), Line(f"other {number}", f"hello {number}")], platform, f"{number}.json")]
        for number, (platform, speaker) in enumerate(zip(platforms, speakers, strict=True))
    ]
    assert list(read_identity_links(linked(tmp_path, *runs))) == []


def test_a_name_that_is_in_every_phone_links_nothing(tmp_path: Path) -> None:
    runs = [[Talk(f"c{n}", [Line("Mum", "hi"), Line(f"child {n}", f"hello {n}")], "whatsapp", f"{n}.txt")] for n in range(6)]
    assert list(read_identity_links(linked(tmp_path, *runs))) == []


@pytest.mark.parametrize(
    ("words", "strength"),
    [
        ("add me on snap, its kim_44", 0.9),
        ("mein snap ist kim_44", 0.9),
        ("add me: kim_44", 0.75),
        ("find me on insta kim_44", 0.6),
        ("what did kim_44 say", None),
        ("my friend wants you to add me on snap too, hes kim_44", None),
    ],
)
def test_where_somebody_says_to_be_found_is_a_hand_over(words: str, strength: float | None, tmp_path: Path) -> None:
    here = [Talk("c1", [Line("123456", words), Line("654321", "ok")], "discord", "1.json")]
    there = [Talk("c2", [Line("kim_44", "hi"), Line("ana_1", "there you are")], "snapchat", "2.json")]
    found = joined(linked(tmp_path, here, there))
    wanted = set() if strength is None else {("hand_over", "123456@discord", "kim_44@snapchat", strength)}
    assert found == wanted


def test_a_number_that_two_accounts_give_as_their_own_is_weaker_evidence(tmp_path: Path) -> None:
    runs = [
        [Talk(f"c{n}", [Line(f"12345{n}", f"my number is 07700 90012{3}"), Line(f"65432{n}", f"ok {n}")], "discord", f"{n}.json")]
        for n in range(2)
    ]
    assert joined(linked(tmp_path, *runs)) == {("same_contact", "123450@discord", "123451@discord", 0.8)}


def test_a_notice_of_a_changed_name_links_the_two(tmp_path: Path) -> None:
    lines = [
        Line("Kim", "hi"),
        Line("Ana", "hello"),
        Line(None, "\u200eKim changed to Robin", kind="system"),
        Line("Robin", "still me"),
    ]
    assert joined(linked(tmp_path, [Talk("c", lines, "whatsapp", "a.txt")])) == {
        ("name_changed", "Kim@whatsapp", "Robin@whatsapp", 0.9)
    }


def test_one_chat_of_two_phones_joins_its_speakers(tmp_path: Path) -> None:
    lines = [Line(who, f"words {n}") for n, who in enumerate(("A", "B", "A", "B"))]
    other = [Line({"A": "Al", "B": "Bo"}[line.speaker or ""], line.text) for line in lines]
    found = joined(linked(tmp_path, [Talk("c", lines, "whatsapp", "a.txt")], [Talk("d", other, "whatsapp", "b.txt")]))
    assert found == {("same_chat", "A@whatsapp", "Al@whatsapp", 0.95), ("same_chat", "B@whatsapp", "Bo@whatsapp", 0.95)}


def test_a_run_without_names_has_accounts_of_one_conversation_and_says_so(tmp_path: Path) -> None:
    folder = linked(tmp_path, [Talk("c1", SMALL), Talk("c2", SMALL)], text="omit")
    assert {one.identifier_kind for one in read_accounts(folder)} == {"slot"}
    assert len(list(read_accounts(folder))) == 4
    assert "kept no names" in json.loads((folder / LINK).read_text("utf-8"))["warnings"][0]
