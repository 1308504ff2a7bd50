"""Linking runs: evidence that accounts are one person, patterns over conversations, what leaves, what is forgotten."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

pytest.importorskip("duckdb", reason="the extra link")

from helpers.linked import Line, Talk, groomed, write_run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import ConfigError, ResultsError
from pipeline.link.erase import accounts_of_speaker, forget_accounts
from pipeline.link.keys import key_place, read_key
from pipeline.link.link import link
from pipeline.link.schemas import GRAPH_JSON, GRAPHML, LINK, REPORT, SCHEMAS
from pipeline.link.tables import (
    Account,
    Pattern,
    read_accounts,
    read_conversations,
    read_edges,
    read_identity_links,
    read_patterns,
)

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "configs" / "link.toml"
INDICATORS = (ROOT / "configs" / "indicators" / "group.toml",)


def linked(folder: Path, *runs: list[Talk], text: str = "include", out: str = "linked", **options: Any) -> Path:
    key = folder / "secret"
    key.write_text("ab" * 32, "ascii")
    paths = [write_run(folder / f"{out}-run{number}", list(talks), text=text) for number, talks in enumerate(runs)]
    wanted = {"config": CONFIG, "indicators": INDICATORS, "key": key, "names": "include", "places": False}
    return link(paths, folder / out, **{**wanted, **options}).path


def names(folder: Path) -> dict[str, str]:
    return {account.account: f"{account.name}@{account.platform}" for account in read_accounts(folder)}


def joined(folder: Path) -> set[tuple[str, str, str, float]]:
    known = names(folder)
    return {
        (one.reason, *sorted((known[one.source], known[one.target])), one.strength)  # type: ignore[misc]
        for one in read_identity_links(folder)
    }


def of_kind(folder: Path, kind: str) -> list[Pattern]:
    return [pattern for pattern in read_patterns(folder) if pattern.kind == kind]


def account(folder: Path, name: str) -> Account:
    (found,) = [one for one in read_accounts(folder) if one.name == name]
    return found


SMALL = [Line("1234567", "hi"), Line("7654321", "hello")]


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
    assert {reason.reason for reason in first.priority_reasons} == {"alert", "targets", "severe", "speed", "recent"}


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


def test_no_name_and_no_text_leaves_without_being_asked_for(tmp_path: Path) -> None:
    lines = [*groomed("Zyxwanna", "Qwertilda", words="swordfish"), Line("Zyxwanna", "my number is 07700 900123")]
    folder = linked(tmp_path, [Talk("chat of Zyxwanna", lines, "whatsapp", "Zyxwanna.txt")], names="omit")
    for path in folder.iterdir():
        content = path.read_bytes()
        for word in (b"Zyxwanna", b"Qwertilda", b"swordfish", b"900123"):
            assert word not in content, path.name
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {one.name for one in read_accounts(folder)} == {None}


def test_the_key_lies_beside_the_output_and_is_used_again(tmp_path: Path) -> None:
    run = [Talk("c", SMALL)]
    first = set(names(linked(tmp_path, run, key=None)))
    place = key_place(tmp_path / "linked")
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    again = link(
        [tmp_path / "linked-run0"], tmp_path / "linked", config=CONFIG, indicators=INDICATORS, overwrite=True, places=False
    )
    assert {one.account for one in read_accounts(again.path)} == first
    place.write_text("ff", "ascii")
    with pytest.raises(ConfigError, match="too short"):
        read_key(place)


def test_every_file_has_its_schema_and_the_graph_its_ids(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    folder = linked(tmp_path, [Talk("c1", groomed("9001001", "8000001")), Talk("c2", SMALL)])
    for name, schema in SCHEMAS.items():
        assert pq.read_schema(folder / name).equals(schema), name
    nodes = {node["id"] for node in json.loads((folder / GRAPH_JSON).read_text("utf-8"))["nodes"]}
    assert nodes == {*names(folder), *(one.conversation for one in read_conversations(folder))}
    graph = ET.parse(folder / GRAPHML).getroot()  # noqa: S314 - our own file
    assert len(graph.findall(".//{*}node")) == len(nodes)
    page = (folder / REPORT).read_text("utf-8")
    assert "never a finding" in page
    assert "<script" not in page


def content_of(folder: Path) -> dict[str, Any]:
    read = {"a": read_accounts, "c": read_conversations, "e": read_edges, "i": read_identity_links, "p": read_patterns}
    return {name: list(reader(folder)) for name, reader in read.items()}


PEOPLE = st.sampled_from(["9001001", "9001002", "8000001", "8000002", "8000003", "kim_44"])
WORDS = st.sampled_from(
    ["hello", "bring a friend, ill pick you up", "add me on snap its kim_44", "you owe me for the new phone i got you"]
)
LINES = st.lists(
    st.builds(Line, PEOPLE, WORDS, st.sampled_from([(), ("trust",), ("secrecy", "approach")]), st.integers(0, 9000)),
    min_size=2,
    max_size=5,
)
RUNS = st.lists(
    st.lists(st.tuples(LINES, st.sampled_from(["discord", "snapchat"])), min_size=1, max_size=3), min_size=2, max_size=3
)


@given(RUNS, st.randoms())
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_order_of_runs_does_not_matter_and_a_run_added_equals_building_anew(
    drawn: list[Any], chance: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    key = folder / "key"
    key.write_text("cd" * 32, "ascii")
    paths = [
        write_run(folder / f"run{n}", [Talk(f"c{n}-{m}", lines, form, f"{n}-{m}.json") for m, (lines, form) in enumerate(talks)])
        for n, talks in enumerate(drawn)
    ]
    wanted: dict[str, Any] = {"config": CONFIG, "indicators": INDICATORS, "key": key, "names": "include", "places": False}
    whole = content_of(link(paths, folder / "whole", **wanted).path)
    mixed = [*paths, paths[0]]
    chance.shuffle(mixed)
    assert content_of(link(mixed, folder / "mixed", **wanted).path) == whole
    link(paths[:-1], folder / "grown", **wanted)
    assert content_of(link([*paths[:-1], paths[-1]], folder / "grown", overwrite=True, **wanted).path) == whole


def test_blocks_of_any_size_say_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    talks = [Talk(f"c{n}", groomed("9001001", f"800{n}001", minute=n)) for n in range(5)]
    whole = content_of(linked(tmp_path / "a", talks))
    monkeypatch.setattr("pipeline.link.collect.blocks_of.__defaults__", (3,))
    assert content_of(linked(tmp_path / "b", talks)) == whole


def test_a_person_who_is_forgotten_is_in_no_file(tmp_path: Path) -> None:
    talks = [Talk(f"c{n}", groomed("9001001", f"800{n}001", minute=n)) for n in range(3)]
    folder = linked(tmp_path, [*talks, Talk("q", [Line("5550001", "hi"), Line("5550002", "hello")])])
    digest = hashlib.sha256(b"9001001").hexdigest()
    (gone,) = accounts_of_speaker(folder, digest, read_key(tmp_path / "secret"))
    counts = forget_accounts(folder, [gone])
    assert (counts.accounts, counts.patterns) == (1, 1)
    for path in folder.iterdir():
        assert gone.encode() not in path.read_bytes(), path.name
    assert account(folder, "5550001").messages == 1
    before = content_of(folder)
    assert forget_accounts(folder, [gone]).accounts == 0
    assert content_of(folder) == before


def test_a_conversation_that_is_deleted_takes_along_who_was_only_there(tmp_path: Path) -> None:
    folder = linked(tmp_path, [Talk("c1", groomed("9001001", "8000001")), Talk("c2", SMALL)])
    (gone,) = [one.conversation for one in read_conversations(folder) if one.conversation_id == "c1"]
    forget_accounts(folder, [], conversations=[gone])
    assert {one.name for one in read_accounts(folder)} == {"1234567", "7654321"}


def test_forget_and_purge_of_the_review_reach_the_graph(tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy", reason="the extra review")
    from datetime import timedelta

    from pipeline.results import open_run
    from pipeline.review.index import open_in_store
    from pipeline.review.retention import delete, plan_forget, plan_purge
    from pipeline.review.store import open_store

    folder = linked(tmp_path, [Talk("c1", groomed("9001001", "8000001")), Talk("c2", SMALL)])
    store = open_store(tmp_path / "review.db")
    open_in_store(store, open_run(tmp_path / "linked-run0"), actor="kim")
    delete(store, plan_forget(store, "9001001"), actor="kim")
    assert {one.name for one in read_accounts(folder)} == {"8000001", "1234567", "7654321"}
    assert {(one.conversation_id, one.run_row, one.title) for one in read_conversations(folder)} == {
        ("c1", 0, None),
        ("c2", 1, "c2"),
    }
    delete(store, plan_purge(store, older_than=timedelta(0)), actor="kim")
    assert [*read_accounts(folder), *read_conversations(folder)] == []


def test_what_is_no_run_or_of_other_stages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"lacks run\.json"):
        link([tmp_path], tmp_path / "out", config=CONFIG, indicators=INDICATORS)
    with pytest.raises(ResultsError, match="no run was given"):
        link([], tmp_path / "out", config=CONFIG, indicators=INDICATORS)
    run = write_run(tmp_path / "run", [Talk("c", SMALL)])
    with pytest.raises(ConfigError, match="is no size"):
        link([run], tmp_path / "out", config=CONFIG, indicators=INDICATORS, memory="plenty")
    assert not (tmp_path / "out").exists()


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
    }
    person_of = {account: person for person, accounts in persons.items() for account in accounts}
    by_person: dict[str, set[str]] = {}
    for one in read_accounts(folder):
        by_person.setdefault(one.person, set()).add(known[one.account])
    several = [accounts for accounts in by_person.values() if len(accounts) > 1]
    assert sorted(several, key=min) == sorted((accounts for accounts in persons.values() if len(accounts) > 1), key=min)
    found = sorted(
        (pattern.kind, *sorted({(part.role, person_of.get(known[part.account])) for part in pattern.accounts}))
        for pattern in read_patterns(folder)
    )
    assert found == []
