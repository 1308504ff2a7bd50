"""What reads the common case faster says the same as what reads every case, and passes to it whatever it cannot be sure of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.errors import ExportError
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog
from pipeline.ingest.parsing import text_lines
from pipeline.ingest.parsing.json_line import DECODER, read_fast
from pipeline.ingest.parsing.table_records import _lines, jsonl_records
from pipeline.ingest.parsing.text_lines import whole_lines
from pipeline.ingest.readers.whatsapp_header import _any_header, _common_header

NUMBERS = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False) | st.integers(-5, 5)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.text(max_size=4), VALUES, max_size=6),
    st.booleans(),
    st.sampled_from([(", ", ": "), (",", ":"), (" ,", " : ")]),
)
def test_a_line_of_json_is_read_alike(value: dict[str, Any], ascii_only: bool, separators: tuple[str, str]) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only, separators=separators).encode("utf-8", "surrogatepass")
    found = read_fast(raw)
    if found is not None:
        assert repr(found) == repr(DECODER.decode(raw.decode("utf-8")))


@pytest.mark.parametrize(
    "line",
    [
        '{"a": 1, "a": 2}',
        '{"a": 1, "a" : 2, "b": 3}',
        '{"a": 1, "a"\\t: 2, "b": 3}'.replace("\\t", "\t"),
        '{"a": 1, "a"\\r: 2, "b": 3}'.replace("\\r", "\r"),
        '{"b": {"a": 1, "a": 2}}',
        '{"b": [{"a": 1, "a": 1}]}',
        '{"a": "x\\":", "a": 2, "b": 3}',
        '{"a": NaN}',
        '{"a": 123456789012345678901234567890}',
        '{"a": [123456789012345678901234567890]}',
        '{"\\u0061": 1, "a": 2}',
        "[1]",
        "1",
    ],
)
def test_what_orjson_would_read_otherwise_is_not_left_to_it(line: str) -> None:
    assert read_fast(line.encode()) is None


def test_what_people_write_is_read_fast() -> None:
    assert read_fast(b'{"conversation_id": "c", "text": "see: here", "n": 5, "meta": {"a": [1.5, {"b": null}]}}\n') is not None


@given(
    st.sampled_from(["[", "", "\u200e["]),
    st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 2600)),
    st.sampled_from(["/", ".", "-", "년"]),
    st.sampled_from([", ", " ", ",", "،"]),
    st.from_regex(r"[0-9]{1,2}[:.][0-9]{1,2}([:.][0-9]{1,2})?( ?[ap]m| h)?", fullmatch=True),
    st.sampled_from(["]", " -", ":", "", " – "]),
    st.sampled_from([" Kim: hello", "\tx", " 12:30 - y", "1] z", " "]),
    st.booleans(),
)
@example("[", (13, 2, 2024), "/", ", ", "24:05:11", "]", " Kim: hello", False)
def test_a_common_header_is_read_as_any(
    start: str, numbers: tuple[int, int, int], separator: str, glue: str, clock: str, close: str, rest: str, year_first: bool
) -> None:
    date = separator.join(map(str, numbers[::-1] if year_first else numbers))
    line = f"{start}{date}{glue}{clock}{close}{rest}"
    found = _common_header(line)
    if found is not None:
        assert found == _any_header(line)


def test_the_commonest_headers_are_read_fast() -> None:
    for line in ("[13/02/2024, 21:05:11] Kim: x", "13/02/24, 21:05 - Kim: x", "[2024-02-13 21:05] Kim: x", "13.02.2024, 9:05 - x"):
        assert _common_header(line) == _any_header(line) is not None


@given(st.lists(st.sampled_from([b"a", b"\n", b"\r", b"\r\n", "é".encode(), b"\xef\xbb\xbf", b"\0", b"\x85"[:0]]), max_size=60))
def test_lines_by_the_block_are_the_lines(tmp_path_factory: pytest.TempPathFactory, parts: list[bytes]) -> None:
    content = b"".join(parts)
    path = tmp_path_factory.mktemp("lines") / "a.txt"
    path.write_bytes(content)
    raw = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    expected = [line + b"\n" for line in raw[:-1]] + ([raw[-1]] if raw[-1] else [])
    for size in (1, 3, 1 << 16):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(text_lines, "_BLOCK", size)
            assert [text.encode() for _, text in whole_lines(ExportFile(path))] == expected
            assert [line for _, line in _lines(ExportFile(path))] == expected
            assert [number for number, _ in whole_lines(ExportFile(path))] == list(range(1, len(expected) + 1))


def test_damage_names_its_line_and_comes_after_the_lines_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_bytes(b"one\ntwo\nth\xffree\nfour\n")
    lines = whole_lines(ExportFile(tmp_path / "a.txt"))
    assert [next(lines), next(lines)] == [(1, "one\n"), (2, "two\n")]
    with pytest.raises(ExportError, match=r"a\.txt:3"):
        next(lines)
    monkeypatch.setattr(text_lines, "_LONGEST", 8)
    monkeypatch.setattr(text_lines, "_BLOCK", 6)
    (tmp_path / "b.txt").write_bytes(b"{}\n{}\n{}\n" + b"x" * 40)
    with pytest.raises(ExportError, match=r"b\.txt:4: a line of 8"):
        list(whole_lines(ExportFile(tmp_path / "b.txt")))
    with pytest.raises(ExportError, match=r"b\.txt:4: a line of 8"):
        list(jsonl_records(ExportFile(tmp_path / "b.txt"), ReadLog()))
