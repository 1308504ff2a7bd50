"""JSON streams: escapes mended wherever blocks are cut, damage told by line and byte, never by the words around it."""

from __future__ import annotations

import json
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ExportError
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog
from pipeline.ingest.parsing.json_escapes import EscapeMender
from pipeline.ingest.parsing.json_stream import build, read_events, read_items


def mend(text: bytes, *cuts: int, hex_escapes: bool = True) -> bytes:
    mender = EscapeMender(hex_escapes=hex_escapes)
    bounds = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    return b"".join(mender.feed(text[a:b]) for a, b in pairwise(bounds)) + mender.rest()


def load(path: Path, content: bytes, *, hex_escapes: bool = False) -> object:
    path.write_bytes(content)
    events = read_events(ExportFile(path), ReadLog(), hex_escapes=hex_escapes)
    value = build(events, *next(events), str(path))
    assert list(events) == []
    return value


@pytest.mark.parametrize(
    ("written", "mended"),
    [
        (rb'"a\x0Bc"', rb'"a\u000Bc"'),
        (rb'"\x1F\x00"', rb'"\u001F\u0000"'),
        (rb'"\\x0B"', rb'"\\x0B"'),
        (rb'"\\\x0B"', rb'"\\\u000B"'),
        (rb'"\\\\x0B"', rb'"\\\\x0B"'),
        (rb'"\xZZ"', rb'"\xZZ"'),
        (rb'"\ud83d\ude00"', rb'"\ud83d\ude00"'),
        (rb'"\ud83d!"', rb'"\ufffd!"'),
        (rb'"\ude00"', rb'"\ufffd"'),
        (rb'"\ud83d\ud83d\ude00"', rb'"\ufffd\ud83d\ude00"'),
        (rb'"\ud83d\u0041"', rb'"\ufffd\u0041"'),
        (rb'"\\ud83d\ude00"', rb'"\\ud83d\ufffd"'),
        (rb'"\\ud83d"', rb'"\\ud83d"'),
        (rb'"\n\t\u00e9"', rb'"\n\t\u00e9"'),
    ],
)
def test_escapes_are_mended_at_every_cut(written: bytes, mended: bytes) -> None:
    assert mend(written) == mended
    for cut in range(len(written)):
        for other in range(cut, len(written)):
            assert mend(written, cut, other) == mended


@given(
    st.lists(st.sampled_from([b"\\\\", b"\\x0B", b"\\ud83d", b"\\ude00", b"\\n", b'\\"', b"x0B", b"ud83d", b"a"])),
    st.lists(st.integers(0, 80)),
)
def test_where_blocks_are_cut_makes_no_difference(units: list[bytes], cuts: list[int]) -> None:
    text = b"".join(units)
    assert mend(text, *cuts) == mend(text)


def test_hex_escapes_are_left_alone_where_the_format_has_none(tmp_path: Path) -> None:
    assert mend(rb'"\x0B"', hex_escapes=False) == rb'"\x0B"'
    with pytest.raises(ExportError, match="not valid JSON at byte 1"):
        load(tmp_path / "a.json", rb'"\x0B"')


def test_halves_of_characters_are_counted_in_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(rb'["cut \ud83d", "\ude00"]')
    log = ReadLog()
    assert list(read_items(ExportFile(path), "item", log)) == ["cut \ufffd", "\ufffd"]
    assert [warning.what[:19] for warning in log.warnings] == ["2 half character(s)"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_a_value_is_built_as_the_standard_library_reads_it(value: object) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for ascii_ in (True, False):
            assert load(Path(folder) / "a.json", json.dumps(value, ensure_ascii=ascii_).encode()) == value


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    assert load(tmp_path / "a.json", b'\xef\xbb\xbf{"a": 1.5}') == {"a": 1.5}


def test_a_key_that_stands_twice_loses_nothing(tmp_path: Path) -> None:
    assert load(tmp_path / "a.json", b'{"a": "x", "a": ""}') == {"a": "x"}
    assert load(tmp_path / "a.json", b'{"a": "", "a": "x"}') == {"a": "x"}
    assert load(tmp_path / "a.json", b'{"a": "x", "a": "y", "a": "z", "a": "x"}') == {"a": "x", "a~2": "y", "a~3": "z"}


PADDING = b" " * 70_000


@pytest.mark.parametrize("padding", [b"", PADDING, b"\n" * 70_000], ids=["first-block", "second-block", "many-lines"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte-order-mark"])
@pytest.mark.parametrize(
    ("content", "byte", "says"),
    [
        (b'{"a": 1, "quiet words" ?}', 23, "not valid JSON at byte {}"),
        (b'{"a": "quiet words", "b": nope}', 27, "not valid JSON at byte {}"),
        (b'{"a": "quiet words \xff"}', 19, "not valid UTF-8 at byte {}"),
        (b'{"a": "\\n quiet \xed\xa0\x80"}', 16, "not valid UTF-8 at byte {}"),
        (b'{"a": "quiet wo', 15, "cut off: the file ends at byte {}"),
        (b'{"a": [{"b": 1}', 15, "cut off: the file ends at byte {}"),
    ],
)
def test_damage_is_told_by_line_and_byte_and_not_by_words(
    tmp_path: Path, content: bytes, byte: int, says: str, padding: bytes, mark: bytes
) -> None:
    path = tmp_path / "a.json"
    with pytest.raises(ExportError) as caught:
        load(path, mark + padding + content)
    assert says.format(len(mark) + len(padding) + byte) in caught.value.what
    assert caught.value.where == f"{path}:{padding.count(10) + 1}"
    assert "quiet" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_byte_after_mended_escapes_is_counted_in_the_file_as_it_is(tmp_path: Path) -> None:
    content = b'["' + b"\\x0B" * 20_000 + b'", nope]'
    with pytest.raises(ExportError, match=f"byte {content.index(b'nope') + 1}"):
        load(tmp_path / "a.json", content, hex_escapes=True)


def test_something_after_the_end_is_damage(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="at byte 3"):
        load(tmp_path / "a.json", b'{}\n{"a": 1}')


def test_values_nested_beyond_reason_are_an_error_not_a_crash(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="nested"):
        load(tmp_path / "a.json", b"[" * 5_000 + b"]" * 5_000)


@pytest.mark.parametrize("number", ["2e" + "6" * 40, "-1.5e99999999999999999999"])
def test_a_number_that_nothing_can_hold_is_damage(number: str, tmp_path: Path) -> None:
    """Found by fuzzing: the parser raised an error of its decimals."""
    path = tmp_path / "result.json"
    path.write_text(f'{{"messages": [{{"id": {number}}}]}}', "utf-8")
    with pytest.raises(ExportError, match="1: a number that is larger than any"):
        list(read_events(ExportFile(path), ReadLog()))
