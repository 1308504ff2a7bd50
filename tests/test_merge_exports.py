"""Exports of one chat from files to results: merged, the same whatever the engine and the order, and resumed to the same bytes."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.convert import convert
from pipeline.ingest import ReadLog, ReadOptions, read_conversations
from pipeline.ingest.merge import candidates
from pipeline.ingest.merge import plan as planning
from pipeline.ingest.merge.plan import Merged, Parted
from pipeline.ingest.read import merge_units, open_units, read_unit
from pipeline.inspect import inspect_exports
from pipeline.review.originals import read_originals
from pipeline.schema import Conversation
from pipeline.score import score

JANUARY = """13/02/2024, 21:05 - +44 7700 900123: shall we bake
13/02/2024, 21:06 - Kim: yes
13/02/2024, 21:07 - +44 7700 900123: rye then
14/02/2024, 08:00 - Kim: ok
"""
FEBRUARY = JANUARY.replace("+44 7700 900123", "Robin") + (
    "15/02/2024, 09:00 - Robin: how old are you anyway\n15/02/2024, 09:01 - Kim: great\n"
)
OTHER = "13/02/2024, 21:05 - Sam: shall we swim\n13/02/2024, 21:06 - Kim: no\n14/02/2024, 21:06 - Sam: well\n"


def read(*paths: Path, **options: Any) -> tuple[list[Conversation], ReadLog]:
    log = ReadLog()
    return [conversation.load() for conversation in read_conversations(paths, ReadOptions(**options), log)], log


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    folder = tmp_path / "exports"
    for name, text in (
        ("a/WhatsApp Chat with +44 7700 900123.txt", JANUARY),
        ("b/WhatsApp Chat with Sam.txt", OTHER),
        ("c/WhatsApp Chat with Robin.txt", FEBRUARY),
    ):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(text, "utf-8")
    return folder


def thread(path: Path, texts: list[tuple[str, int, str]], **more: Any) -> Path:
    """Write a thread of Meta's, newest first."""
    rows = [{"sender_name": who, "timestamp_ms": 1707858311000 + 1000 * at, "content": text} for who, at, text in reversed(texts)]
    content = {"participants": [{"name": "Kim"}, {"name": "Robin"}], "messages": rows, "title": "Robin", **more}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), "utf-8")
    return path


def test_two_exports_of_a_chat_are_one_conversation(exports: Path) -> None:
    conversations, log = read(exports)
    assert [[m.text for m in c.messages] for c in conversations] == [
        [line.partition(": ")[2] for line in FEBRUARY.splitlines()],
        ["shall we swim", "no", "well"],
    ]
    assert {m.speaker for m in conversations[0].messages} == {"Robin", "Kim"}
    assert conversations[0].title == "WhatsApp Chat with Robin"
    assert log.kinds == {"message": 9}
    (record,) = log.merged
    assert (record["by"], record["messages"], record["repeated"], record["speakers_renamed"]) == (["messages"], 6, 4, 1)
    assert [part["messages"] for part in record["exports"]] == [4, 6]
    assert log.warnings == []


def test_the_order_of_files_changes_nothing(exports: Path) -> None:
    files = sorted(exports.rglob("*.txt"))
    first, second = read(*files)[0], read(*reversed(files))[0]
    assert {c.conversation_id: c.messages for c in first} == {c.conversation_id: c.messages for c in second}


def test_never_keeps_all_apart_and_reads_nothing_twice(exports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "_survey", lambda *_: pytest.fail("surveyed"))
    conversations, log = read(exports, merge="never")
    assert len(conversations) == 3
    assert log.merged == []


def test_a_damaged_export_of_a_chat_is_named_and_the_others_are_merged(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "channel"
    folder.mkdir()
    for part, numbers in (("a", range(1, 6)), ("b", range(3, 8)), ("c", range(6, 9))):
        (folder / f"{part}.json").write_text(channel(numbers), "utf-8")
    (folder / "c.json").write_text(channel(range(6, 9))[:-40], "utf-8")
    run = score([folder], model=tiny_model, out=tmp_path / "out")
    assert [chat["messages"] for chat in run.record["merged"]] == [7]
    assert [one["export"] for one in run.record["failed"]] == [str(folder / "c.json")]
    assert run.record["counts"]["conversations"] == 1


def test_a_thread_in_several_folders_and_zips_is_one_in_order(tmp_path: Path) -> None:
    thread(tmp_path / "d" / "messages" / "inbox" / "robin_111" / "message_1.json", [("Kim", 0, "what flour"), ("Robin", 1, "rye")])
    thread(
        tmp_path / "d" / "messages" / "e2ee_cutover" / "robin_111" / "message_1.json",
        [("Robin", 2, "and now bake")],
        thread_path="e2ee_cutover/robin_111",
    )
    later = thread(tmp_path / "message_2.json", [("Robin", 5, "out"), ("Robin", 6, "of the oven")], thread_path="inbox/robin_111")
    with zipfile.ZipFile(tmp_path / "d" / "part2.zip", "w") as archive:
        archive.write(later, "messages/inbox/robin_111/message_2.json")
    later.unlink()
    conversations, log = read(tmp_path / "d")
    (conversation,) = conversations
    assert [m.text for m in conversation.messages] == ["what flour", "rye", "and now bake", "out", "of the oven"]
    assert log.merged[0]["by"] == ["id"]
    assert len(log.merged[0]["exports"]) == 3


def channel(numbers: Iterable[int]) -> str:
    """Return a channel of Discord's with some of its messages."""
    rows = [
        {"id": str(n), "type": "Default", "timestamp": f"2024-02-13T21:0{n}:11+00:00", "content": f"loaf {n}"}
        | {"author": {"id": "7", "name": "kim"}}
        for n in numbers
    ]
    return json.dumps({"guild": {"id": "0", "name": "d"}, "channel": {"id": "123", "name": "robin"}, "messages": rows})


def test_partitions_of_a_channel_are_one_in_order(tmp_path: Path) -> None:
    for part, numbers in (("", range(1, 6)), (" [part 2]", range(6, 9)), (" [again]", range(3, 8))):
        (tmp_path / f"robin [123]{part}.json").write_text(channel(numbers), "utf-8")
    (conversation,), log = read(tmp_path)
    assert [m.text for m in conversation.messages] == [f"loaf {n}" for n in range(1, 9)]
    assert [m.message_id for m in conversation.messages] == [str(n) for n in range(1, 9)]
    assert log.merged[0]["repeated"] == 5


def hourly(numbers: Iterable[int]) -> list[tuple[str, int, str]]:
    """Return messages of which each hour says the same as the last."""
    words = (
        "shall we bake",
        "yes",
        "rye then",
        "ok",
        "or wheat",
        "wheat",
        "with seeds",
        "sure",
        "at noon",
        "at one",
        "fine",
        "bye",
    )
    return [(("Kim", "Robin")[number % 2], 300 * number, words[number % 12]) for number in numbers]


def test_what_is_said_again_an_hour_later_was_said_twice(tmp_path: Path) -> None:
    """The exports tell each moment: no clock is an hour behind another."""
    for name, numbers in (("1", range(24, 48)), ("2", range(24))):
        folder = tmp_path / f"meta-{name}"
        path = thread(folder / "inbox/robin_7" / f"message_{name}.json", hourly(numbers), thread_path="inbox/robin_7")
        rows = "".join(
            f'"{1 + (who == "Kim")}","{who}","2024-02-13T{8 + at // 3600:02}:{at // 60 % 60:02}:00.0000000+00:00","{text}","",""\n'
            for who, at, text in hourly(numbers)
        )
        path.with_name(f"g - general [123] [part {3 - int(name)}].csv").write_text(
            f"AuthorID,Author,Date,Content,Attachments,Reactions\n{rows}", "utf-8"
        )
    conversations, log = read(tmp_path)
    assert sorted((c.platform, len(tuple(c.messages))) for c in conversations) == [("discord", 48), ("meta", 48)]
    assert [record["repeated"] for record in log.merged] == [0, 0]


def test_other_ids_in_one_channel_are_other_messages(tmp_path: Path) -> None:
    """Of two parts that meet within a minute, both rows with the same words are kept."""
    for part, numbers in ((1, range(10)), (2, range(10, 20))):
        content = json.loads(channel(numbers))
        for row in content["messages"]:
            row |= {"content": "ok", "timestamp": "2024-02-13T21:05:11+00:00", "author": {"id": "1", "name": "kim"}}
        (tmp_path / f"g - general [123] [part {part}].json").write_text(json.dumps(content), "utf-8")
    (conversation,), _ = read(tmp_path)
    assert len(tuple(conversation.messages)) == 20


def test_an_account_downloaded_twice_has_each_chat_once(tmp_path: Path) -> None:
    def account(path: Path, counts: dict[int, int]) -> None:
        chats = [
            {
                "name": f"Friend {chat}",
                "type": "personal_chat",
                "id": chat,
                "messages": [
                    {"id": 100 * chat + n, "type": "message", "date_unixtime": str(1707858311 + 60 * n), "text": f"loaf {chat} {n}"}
                    | {"from": "Kim", "from_id": "user1" if n % 2 else f"user{chat}"}
                    for n in range(count)
                ],
            }
            for chat, count in counts.items()
        ]
        path.write_text(json.dumps({"chats": {"list": chats}}), "utf-8")

    account(tmp_path / "january.json", {11: 4, 12: 5, 13: 6})
    account(tmp_path / "march.json", {11: 8, 12: 5, 14: 3})
    conversations, log = read(tmp_path)
    counts = {c.conversation_id: len(tuple(c.messages)) for c in conversations}
    assert counts == {"user11": 8, "user12": 5, "user13": 6, "user14": 3}
    assert len(log.merged) == 2
    assert log.kinds == {"message": 22}
    units = merge_units(list(open_units([tmp_path], ReadOptions(), ReadLog())), ReadOptions(), ReadLog())
    assert [type(unit).__name__ for unit in units] == ["Merged", "Parted", "Parted"]


def test_chats_are_held_a_few_at_a_time(exports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (exports / "e").mkdir()
    (exports / "e" / "x.txt").write_text(OTHER + "15/02/2024, 21:06 - Sam: a long and other swim\n", "utf-8")
    whole, _ = read(exports)
    monkeypatch.setattr(planning, "HELD_BYTES", 1)
    found, _ = read(exports)
    assert found == whole
    assert len(found) == 2


def test_thinned_hashes_still_find_a_long_chat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"13/02/2024, {n // 60:02}:{n % 60:02} - {'Kim' if n % 3 else 'Robin'}: loaf number {n}\n" for n in range(600)]
    for name, part in (("a", lines[:400]), ("b", lines[200:])):
        (tmp_path / f"{name}.txt").write_text("".join(part), "utf-8")
    monkeypatch.setattr(candidates, "MOST_KEYS", 100)
    (conversation,), log = read(tmp_path)
    assert len(tuple(conversation.messages)) == 600
    assert any("may have been overlooked" in warning.what for warning in log.warnings)


def test_any_engine_reads_the_units_again_after_they_were_sent(exports: Path) -> None:
    options = ReadOptions()
    units = merge_units(list(open_units([exports], options, ReadLog())), options, ReadLog())
    assert isinstance(units[0], Merged)
    assert not any(isinstance(unit, Parted) for unit in units)
    sent = pickle.loads(pickle.dumps(units))  # noqa: S301 - as Ray sends them
    found = [[c.load() for unit in some for c in read_unit(unit, options, ReadLog())] for some in (units, sent)]
    assert found[0] == found[1]


def test_a_run_says_what_was_merged_and_the_risk_reads_the_whole(exports: Path, tiny_model: Path, tmp_path: Path) -> None:
    run = score([exports], model=tiny_model, out=tmp_path / "out", text="include")
    again = score([exports], model=tiny_model, out=tmp_path / "again", text="include", options=ReadOptions())
    alone = score([exports / "c"], model=tiny_model, out=tmp_path / "alone", text="include")
    rows = pq.read_table(run.path / "scores.parquet").to_pylist()
    own = [row for row in rows if row["conversation_id"] == run.record["merged"][0]["conversation_id"]]
    assert [row["risk"] for row in own] == pq.read_table(alone.path / "scores.parquet")["risk"].to_pylist()
    assert run.record["counts"] == {"conversations": 2, "rows": 9, "kinds": {"message": 9}}
    assert run.record["settings"]["merge"] == "auto"
    for name in ("scores.parquet", "conversations.parquet"):
        assert (run.path / name).read_bytes() == (again.path / name).read_bytes()
    kept = read_originals(run, [own[0]["conversation_id"]])
    assert [m.text for m in kept[own[0]["conversation_id"]].messages] == [row["text"] for row in own]


def test_a_merged_run_goes_on_where_it_was(
    exports: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.scoring.engines import local

    whole = score([exports], model=tiny_model, out=tmp_path / "whole")
    prepare, seen = local.prepare_table, []

    def stopping(chats: Any, *rest: Any) -> Any:
        seen.append(chats)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return prepare(chats, *rest)

    monkeypatch.setattr(local, "prepare_table", stopping)
    with pytest.raises(KeyboardInterrupt):
        score([exports], model=tiny_model, out=tmp_path / "out")
    run = score([exports], model=tiny_model, out=tmp_path / "out")
    for name in ("scores.parquet", "conversations.parquet"):
        assert (run.path / name).read_bytes() == (whole.path / name).read_bytes()


def test_inspect_and_convert_merge_too(exports: Path, tmp_path: Path) -> None:
    found = inspect_exports([exports], ReadOptions())
    assert (found.conversations, found.messages, len(found.merged)) == (2, 9, 1)
    convert([exports], to="jsonl", out=tmp_path / "chats.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "chats.jsonl").read_text("utf-8").splitlines()]
    assert len(rows) == 9
    assert len(rows[0]["conversation_meta"]["merged"]) == 2
    again, log = read(tmp_path / "chats.jsonl", exports)
    assert sorted(len(tuple(conversation.messages)) for conversation in again) == [3, 6]
    assert len(log.merged) == 2
