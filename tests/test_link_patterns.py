"""Patterns over conversations: targets, actors, scripts, groups; and the written network."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="the extra link")

from helpers.link_runs import CONFIG, INDICATORS, linked, names, of_kind
from helpers.linked import ROOT, Line, Talk, groomed

from pipeline.link.link import link
from pipeline.link.tables import read_accounts, read_conversations, read_edges, read_patterns


def test_one_actor_with_several_targets_is_found_with_the_order_and_the_speed(tmp_path: Path) -> None:
    day = 24 * 60
    talks = [Talk(f"c{n}", groomed("9001001", f"800{n}001", minute=n * 2 * day)) for n in range(3)]
    quiet = [Talk("q", [Line("5550001", "hi"), Line("5550002", "hello")])]
    folder = linked(tmp_path, [*talks, *quiet])
    (pattern,) = of_kind(folder, "one_actor_many_targets")
    known = names(folder)
    assert [(known[part.account], part.role) for part in pattern.accounts if part.role == "actor"] == [("9001001@discord", "actor")]
    assert {known[part.account] for part in pattern.accounts if part.role == "target"} == {f"800{n}001@discord" for n in range(3)}
    assert {reason.reason: reason.value for reason in pattern.reasons} == {"targets": 3, "severe": 3, "speed": 2.0}
    times = [message.time for message in pattern.messages if message.time]
    assert times == sorted(times)
    assert pattern.strength == pytest.approx(1 - 0.25 * 0.75 * 0.8)
    first = next(read_accounts(folder))
    assert (first.name, first.targets, first.alerts) == ("9001001", 3, 3)
    assert {reason.reason for reason in first.priority_reasons} == {"alert", "targets", "severe", "meeting", "speed", "recent"}


def test_stages_without_an_alert_or_of_one_message_make_no_actor(tmp_path: Path) -> None:
    once = [Talk(f"c{n}", [Line("9001001", "x", ("secrecy",)), Line(f"800{n}001", "y")]) for n in range(3)]
    assert list(read_patterns(linked(tmp_path, once))) == []


def test_in_a_group_the_one_replied_to_is_the_target(tmp_path: Path) -> None:
    lines = [
        Line("7000001", "hello all"),
        Line("7000002", "hi"),
        Line("9001001", "one", ("secrecy",), reply_to=1),
        Line("9001001", "two", ("approach",), reply_to=1),
    ]
    folder = linked(tmp_path, [Talk("g", lines)])
    known = names(folder)
    shown = {
        (known[edge.source], known[edge.target]): edge.signs
        for edge in read_edges(folder)
        if edge.kind == "writes_to" and edge.signs
    }
    assert shown == {("9001001@discord", "7000001@discord"): 2}


def test_one_target_of_several_actors_says_whether_they_know_one_another(tmp_path: Path) -> None:
    talks = [Talk("c1", groomed("9001001", "8000001")), Talk("c2", groomed("9001002", "8000001", minute=600))]
    folder = linked(tmp_path / "apart", talks)
    (apart,) = of_kind(folder, "one_target_many_actors")
    assert any("know one another" in line for line in apart.unknown)
    lines = [*groomed("9001001", "8000001"), Line("9001001", "my friend wants to meet you", (), 30)]
    brought = [Talk("c1", lines), talks[1], Talk("c3", [Line("9001001", "tonight"), Line("9001002", "yes")])]
    (pattern,) = of_kind(linked(tmp_path / "known", brought), "one_target_many_actors")
    assert {"introduced", "acquainted"} <= {reason.reason for reason in pattern.reasons}
    assert pattern.strength > apart.strength


def test_a_script_is_found_with_its_differences_marked(tmp_path: Path) -> None:
    words = "hey {} saw your clip from {} you are really good for your age"
    given = [("ana", "norton"), ("bo", "the big hall"), ("cy", "seaton")]
    talks = [
        Talk(f"c{n}", [Line("9001001", words.format(*filled), ("trust",)), Line(f"800{n}001", f"thanks {n}")])
        for n, filled in enumerate(given)
    ]
    (pattern,) = of_kind(linked(tmp_path, talks), "same_script")
    texts = {f"c{n}": words.format(*filled) for n, filled in enumerate(given)}
    conversations = {one.conversation: one.conversation_id for one in read_conversations(tmp_path / "linked")}
    marked = {
        texts[str(conversations[message.conversation])][span.start : span.end]
        for message in pattern.messages
        for span in message.spans
    }
    assert marked == {"ana", "norton", "bo", "the", "big", "hall", "cy", "seaton"}


def test_of_hashed_texts_equal_ones_of_one_person_are_a_script(tmp_path: Path) -> None:
    talks = [Talk(f"c{n}", [Line("9001001", "the same words", ("trust",)), Line(f"800{n}001", "ok")]) for n in range(3)]
    (pattern,) = of_kind(linked(tmp_path, talks, text="hash"), "same_script")
    assert any("hashes" in line for line in pattern.unknown)


def test_a_group_needs_several_actors_and_several_kinds_of_indicator(tmp_path: Path) -> None:
    def talks(*, cues: tuple[str, str]) -> list[Talk]:
        first = [*groomed("9001001", "8000001"), Line("9001001", cues[0], (), 40)]
        second = [*groomed("9001002", "8000001", minute=60), Line("9001002", cues[1], (), 90)]
        return [Talk("c1", first), Talk("c2", second), Talk("c3", groomed("9001002", "8000002", minute=200))]

    folder = linked(tmp_path / "with", talks(cues=("bring a friend, ill pick you up", "you owe us")))
    (pattern,) = of_kind(folder, "group")
    (told,) = [reason for reason in pattern.reasons if reason.reason == "indicators"]
    assert told.value == 3
    known = names(folder)
    assert {known[part.account] for part in pattern.accounts if part.role in ("actor", "broker")} >= {"9001001@discord"}
    assert of_kind(linked(tmp_path / "without", talks(cues=("hello", "hello"))), "group") == []


def test_the_written_network_gives_every_planted_pattern_and_nothing_else(tmp_path: Path) -> None:
    from pipeline.ingest import ReadOptions
    from pipeline.score import score

    network = ROOT / "data" / "network"
    parts = [("discord", "snapchat"), ("instagram", "whatsapp")]
    runs = []
    for number, platforms in enumerate(parts):
        options = ReadOptions(date_order="dmy")
        run = score(
            [network / name for name in platforms],
            model=ROOT / "models" / "default",
            out=tmp_path / f"run{number}",
            options=options,
            text="include",
        )
        runs.append(run.path)
    folder = link(runs, tmp_path / "out", config=CONFIG, indicators=INDICATORS, names="include", places=False).path
    known = names(folder)
    assert len(set(known.values())) == 60
    persons = {
        "A": {"700000000000000101@discord", "danny.k22@snapchat", "+44 7700 900111@whatsapp"},
        "B": {"rico.fits7@instagram", "rico_fits7@snapchat", "+44 7700 900122@whatsapp"},
        "C": {"700000000000000103@discord", "steffy.m_09@instagram", "+44 7700 900133@whatsapp"},
        "Lena": {"700000000000000200@discord", "lena.bx@snapchat"},
        "Ellie": {"700000000000000221@discord", "ellie.sews@instagram"},
        "Maya": {"700000000000000202@discord"},
        "Maya's telephone": {"Maya@whatsapp"},
        "Joss": {"joss_rides@snapchat"},
        "Tom": {"tom.shoots@instagram"},
        "Lena's telephone": {"Lena B@whatsapp"},
    }
    person_of = {account: person for person, accounts in persons.items() for account in accounts}
    by_person: dict[str, set[str]] = {}
    for one in read_accounts(folder):
        by_person.setdefault(one.person, set()).add(known[one.account])
    several = [accounts for accounts in by_person.values() if len(accounts) > 1]
    assert sorted(several, key=min) == sorted((accounts for accounts in persons.values() if len(accounts) > 1), key=min)
    found = {
        (pattern.kind, *sorted({f"{person_of.get(known[part.account])} {part.role}" for part in pattern.accounts}))
        for pattern in read_patterns(folder)
    }
    members = {"Ellie", "Joss", "Lena", "Lena's telephone", "Maya", "Maya's telephone", "Tom"}
    assert found == {
        ("one_actor_many_targets", "A actor", "Lena target", "Maya target", "Maya's telephone target"),
        ("one_actor_many_targets", "B actor", "Ellie target", "Joss target", "Lena target", "Tom target"),
        ("one_actor_many_targets", "C actor", "Ellie target", "Tom target"),
        ("one_target_many_actors", "A introducer", "B actor", "Lena target"),
        ("one_target_many_actors", "B actor", "C introducer", "Ellie target"),
        ("one_target_many_actors", "B actor", "C actor", "Tom target"),
        ("same_script", "B sender", "Ellie receiver", "Joss receiver", "Tom receiver"),
        ("group", "A actor", "B broker", "C actor", *(f"{name} member" for name in sorted(members))),
    }
