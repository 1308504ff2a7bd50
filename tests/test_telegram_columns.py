"""Telegram's rows read by the block say the same as when the parser reads each: messages, counts, warnings, errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.errors import ExportError
from pipeline.ingest import ReadLog, ReadOptions
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadWarning
from pipeline.ingest.parsing import json_cut, json_stream
from pipeline.ingest.parsing.json_cut import ListCutter, parsed_list, read_alike
from pipeline.ingest.parsing.json_stream import build
from pipeline.ingest.read import read_unit
from pipeline.ingest.units import Unit
from pipeline.schema import Message

TEXTS = st.sampled_from(["bread?", 'a "loaf": of', "\\", '\\"', "🥖", "{[", "]}", "messages", "", "x: y", "\u0001", " \x7f"])
VALUES = st.one_of(TEXTS, st.integers(-5, 5), st.sampled_from([2**63, 2**70, 1.5, -0.0, 1e20, None, True, [], {"a": [{"b": 1}]}]))


@st.composite
def rows(draw: st.DrawFn) -> Any:
    """Draw a row: mostly words, sometimes odd."""
    number = draw(st.integers(1, 99))
    row: dict[str, Any] = {
        "id": number,
        "type": "message",
        "date": "2024-02-13T21:05:11",
        "date_unixtime": str(1_707_858_311 + number),
    }
    row |= {"from": draw(st.sampled_from(["Kim", "Åsa", None])), "from_id": "user7", "text": draw(TEXTS)}
    row["text_entities"] = [{"type": "plain", "text": row["text"]}]
    if draw(st.integers(0, 3)) == 0:
        row["reply_to_message_id"] = draw(st.integers(-5, 5))
    if draw(st.integers(0, 4)) == 0:
        name = draw(st.sampled_from([*row, "reply_to_message_id", "photo", "edited", "messages", "x"]))
        row[name] = draw(VALUES)
    if draw(st.integers(0, 9)) == 0:
        row.pop(draw(st.sampled_from(sorted(row))))
    return row if draw(st.integers(0, 40)) else draw(VALUES)


@st.composite
def exports(draw: st.DrawFn) -> bytes:
    """Draw the export of a chat or of an account, or a damaged one."""

    def chat() -> dict[str, Any]:
        made: dict[str, Any] = {"name": "Kim", "type": "personal_chat", "id": draw(st.integers(1, 3))}
        made["messages"] = draw(st.lists(rows(), max_size=8))
        names = list(made) if draw(st.booleans()) else list(made)[::-1]
        return {name: made[name] for name in names}

    whole = (
        chat()
        if draw(st.booleans())
        else {"about": draw(TEXTS), "chats": {"list": [chat() for _ in range(draw(st.integers(0, 3)))]}}
    )
    text = json.dumps(whole, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1])))
    content = text.encode()
    if draw(st.integers(0, 2)) == 0:
        hostile = [
            b'"',
            b"\\",
            b",",
            b"{",
            b"}",
            b"[",
            b"]",
            b"},{",
            b"\xff",
            b'"messages": [{}], ',
            b'"text": "y", ',
            b"\\x41",
            b"\\ud800",
        ]
        hostile += [b'"id" : 5, "id": 6,', b"[" * 120, b"9" * 30, b"-0", b"{}", b"\\u0022:"]
        hostile += [b"\0", b"\n", b"\r", b"\t", b",,", b", 5", b"NaN", b"\\q", b"/**/"]
        at = draw(st.integers(0, len(content)))
        content = content[:at] + draw(st.sampled_from(hostile)) + content[at + draw(st.sampled_from([0, 0, 1])) :]
    return content


Found = tuple[list[tuple[str, list[Message]]], str | None, dict[str, int], list[ReadWarning]]


def read(path: Path) -> Found:
    """Return what is read, and the error that ended it."""
    log, found, error = ReadLog(), [], None
    try:
        for conversation in read_unit(Unit("telegram", (ExportFile(path),)), ReadOptions(), log):
            messages: list[Message] = []
            found.append((f"{conversation.conversation_id} {conversation.title} {conversation.meta}", messages))
            for message in conversation.messages:
                messages.append(message)
    except ExportError as known:
        error = f"{type(known).__name__} {known}"
    return found, error, dict(log.kinds), log.warnings


def test_rows_by_the_block_say_what_the_parser_says(tmp_path: Path) -> None:
    path = tmp_path / "result.json"

    @settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(exports(), st.sampled_from([16, 100, 1 << 18]))
    def check(content: bytes, size: int) -> None:
        path.write_bytes(content)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(json_stream, "_CUT_BLOCK", size)
            fast = read(path)
            patch.setattr(ListCutter, "feed", lambda _, block: block)
            slow = read(path)
        assert fast[1] == slow[1]
        if slow[1] is None:
            assert fast == slow
            assert [m.meta for _, messages in fast[0] for m in messages] == [m.meta for _, messages in slow[0] for m in messages]
        for (title, before), (other, all_before) in zip(fast[0], slow[0], strict=False):
            shared = min(len(before), len(all_before))
            assert (title, before[:shared]) == (other, all_before[:shared])

    check()


def test_of_two_faults_the_one_that_stands_first_is_told(tmp_path: Path) -> None:
    """A row that Telegram does not write stands before damage in the same block: cut out or not, the row is named."""
    row = {"id": 1, "type": "message", "date": "2024-02-13T21:05:11", "from": "Kim", "from_id": "user7", "text": "bread?"}
    rows = [json.dumps(row), json.dumps(row | {"edited": "bread?"}), "\\\\" + json.dumps(row)]
    path = tmp_path / "result.json"
    path.write_text('{"name": "Kim", "type": "personal_chat", "id": 1, "messages": [' + ", ".join(rows) + "]}", "utf-8")
    error = read(path)[1]
    assert error is not None
    assert "record 2: a message is not of the form" in error


def test_a_list_among_the_rows_ends_the_cutting_and_nothing_is_read_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "_CUT_BLOCK", 16)
    path = tmp_path / "result.json"
    row = {"id": 1, "type": "message", "date": "2024-02-13T21:05:11", "date_unixtime": "1707858311", "from": "Kim", "from_id": "u"}
    path.write_text(json.dumps({"id": 1, "type": "personal_chat", "messages": [row | {"text": "bread?"}, []]}), "utf-8")
    assert "record 2" in str(read(path)[1])


@given(st.lists(st.dictionaries(st.sampled_from(["a", 'b"', "c:", "d\\"]), VALUES, max_size=4), max_size=4), st.booleans())
@example([{"a": 2**70}], False)
def test_a_list_is_read_as_the_parser_reads_it(value: list[Any], ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only).encode()
    found = read_alike(text)
    if found is not None:
        assert repr(found) == repr(parsed_list(text, build, "x"))


@pytest.mark.parametrize(
    "text",
    [
        '[{"a": 1, "a": 2}]',
        '[{"a": 1, "a" : 2}]',
        '[{"a": 1, "a"\n: 2}]',
        '[{"a": "\\u0022:", "a": 2}]',
        '[{"a": "x\\"\\u0020:", "a": 1}]',
    ],
)
def test_a_key_that_stands_twice_is_left_to_the_parser(text: str) -> None:
    assert read_alike(text.encode()) is None


def test_what_telegram_writes_is_read_by_the_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    message = {
        "id": 1,
        "type": "message",
        "date": "2024-02-13T21:05:11",
        "date_unixtime": "1707858311",
        "from": "Kim",
        "from_id": "u",
    }
    whole = {"name": "Kim", "id": 7, "type": "personal_chat", "messages": [message | {"text": "bread?", "text_entities": []}] * 900}
    (tmp_path / "result.json").write_text(json.dumps(whole, indent=1), "utf-8")
    monkeypatch.setattr(json_cut, "parsed_list", None)
    monkeypatch.setattr("pipeline.ingest.readers.telegram._Reader._message", None)
    (found,) = read(tmp_path / "result.json")[0]
    assert len(found[1]) == 900
