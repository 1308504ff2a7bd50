"""A link run as a whole: what leaves, the order of runs, what is forgotten, what is refused."""

from __future__ import annotations

import hashlib
import json
import stat
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

pytest.importorskip("duckdb", reason="the extra link")

from helpers.link_runs import CONFIG, INDICATORS, SMALL, account, content_of, linked, names
from helpers.linked import Line, Talk, groomed, write_run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import ConfigError, ResultsError
from pipeline.link.erase import accounts_of_speaker, forget_accounts
from pipeline.link.keys import key_place, read_key
from pipeline.link.link import link
from pipeline.link.schemas import GRAPH_JSON, GRAPHML, REPORT, SCHEMAS
from pipeline.link.tables import read_accounts, read_conversations, read_edges, read_patterns

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
    st.tuples(
        st.lists(st.tuples(LINES, st.sampled_from(["discord", "snapchat"])), min_size=1, max_size=3),
        st.sampled_from(["include", "include", "hash", "omit"]),
        st.booleans(),
    ),
    min_size=2,
    max_size=3,
)
"""Of each run its conversations, what it kept of the text, and whether it holds those of the first run once more."""


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
    space = "{http://graphml.graphdrawing.org/xmlns}"
    kinds = {key.get("id"): key.get("for") for key in graph.findall(f"{space}key")}
    for kind, count in (("node", len(nodes)), ("edge", len(list(read_edges(folder))))):
        elements = graph.findall(f"{space}graph/{space}{kind}")
        assert len(elements) == count
        assert {kinds[data.get("key")] for element in elements for data in element} == {kind}
    page = (folder / REPORT).read_text("utf-8")
    assert "never a finding" in page
    assert "<script" not in page


def runs_of(folder: Path, drawn: list[Any]) -> list[Path]:
    """Write drawn runs; one that holds the first run's conversations again has them of the same files."""
    paths: list[Path] = []
    first: list[Talk] = []
    for number, (talks, text, again) in enumerate(drawn):
        own = [Talk(f"c{number}-{n}", lines, form, f"{number}-{n}.json") for n, (lines, form) in enumerate(talks)]
        first = first or own
        paths.append(write_run(folder / f"run{number}", own + (first if again and number else []), text=text))
    return paths


@given(drawn=RUNS, chance=st.randoms())
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_order_of_runs_does_not_matter_and_a_run_added_equals_building_anew(
    drawn: list[Any], chance: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    key = folder / "key"
    key.write_text("cd" * 32, "ascii")
    paths = runs_of(folder, drawn)
    wanted: dict[str, Any] = {"config": CONFIG, "indicators": INDICATORS, "key": key, "names": "include", "places": False}
    whole = content_of(link(paths, folder / "whole", **wanted).path)
    mixed = [*paths, paths[0]]
    chance.shuffle(mixed)
    assert content_of(link(mixed, folder / "mixed", **wanted).path) == whole
    for graph in (GRAPHML, GRAPH_JSON):
        assert (folder / "mixed" / graph).read_bytes() == (folder / "whole" / graph).read_bytes()
    for count in range(1, len(paths) + 1):  # one after another, each in place of the one before
        link(paths[:count], folder / "grown", overwrite=True, **wanted)
    assert content_of(folder / "grown") == whole
    # Nothing is counted twice: a conversation of two runs is one, and so are its accounts and edges.
    assert len({one.conversation for one in whole["c"]}) == len(whole["c"]) == sum(len(talks) for talks, *_ in drawn)
    assert sum(one.messages for one in whole["c"]) == sum(len(lines) for talks, *_ in drawn for lines, _ in talks)


@given(drawn=RUNS)
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_an_added_run_tells_never_takes_away_a_link(drawn: list[Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("runs")
    key = folder / "key"
    key.write_text("cd" * 32, "ascii")
    paths = runs_of(folder, [(talks, "include", False) for talks, *_ in drawn])
    wanted: dict[str, Any] = {"config": CONFIG, "indicators": INDICATORS, "key": key, "places": False}
    fewer = link(paths[:-1], folder / "fewer", **wanted).path
    more = link(paths, folder / "more", **wanted).path

    def together(folder: Path) -> set[frozenset[str]]:
        persons: dict[str, set[str]] = {}
        for one in read_accounts(folder):
            persons.setdefault(one.person, set()).add(one.account)
        return {frozenset(pair) for accounts in persons.values() for pair in combinations(sorted(accounts), 2)}

    assert {one.account for one in read_accounts(fewer)} <= {one.account for one in read_accounts(more)}
    assert together(fewer) <= together(more)


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
    patterns = len(list(read_patterns(folder)))
    counts = forget_accounts(folder, [gone])
    assert (counts.accounts, counts.patterns) == (1, patterns)
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


def test_forget_and_purge_of_the_review_reach_the_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sqlalchemy", reason="the extra review")
    from datetime import timedelta

    from pipeline.results import open_run
    from pipeline.review.index import open_in_store
    from pipeline.review.retention import delete, plan_forget, plan_purge
    from pipeline.review.store import open_store

    monkeypatch.setattr(
        "pipeline.review.erasure.write_report", lambda run, out, patterns: out.touch()
    )  # a page that tells of a model
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


@pytest.mark.slow
def test_a_ray_cluster_says_the_same(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the extra ray")
    talks = [Talk(f"c{n}", groomed("9001001", f"800{n}001", minute=n)) for n in range(4)]
    assert content_of(linked(tmp_path / "a", talks)) == content_of(linked(tmp_path / "b", talks, engine="ray"))
