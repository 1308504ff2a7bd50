"""Tables of messages: JSON Lines, CSV and Parquet with named columns; nothing guessed, nothing lost."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers.exports import read_all, read_one, write
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import AmbiguousDateOrder, ArchiveRefused, ConfigError, ExportError
from pipeline.ingest.parsing import table_groups

ROW = {"conversation_id": "c1", "speaker": "Kim", "timestamp": "2024-02-13T21:05:00+00:00", "text": "hello"}


def jsonl(path: Path, *rows: dict[str, Any]) -> Path:
    return write(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def csv_text(rows: Sequence[dict[str, str]], **dialect: Any) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]), **dialect)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=3)
    return path


def test_a_jsonl_record_becomes_a_message(tmp_path: Path) -> None:
    (message,) = read_one(jsonl(tmp_path / "a.jsonl", {**ROW, "message_id": "m1", "platform": "game", "mood": "fine"}))
    assert (message.message_id, message.speaker, message.text, message.kind) == ("m1", "Kim", "hello", "message")
    assert message.timestamp == datetime(2024, 2, 13, 21, 5, tzinfo=UTC)
    assert message.meta == {"mood": "fine"}
    assert str(message.source) == f"{tmp_path / 'a.jsonl'}:1"


@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=8),
    ids=st.randoms(use_true_random=False),
)
def test_jsonl_gives_back_every_text_as_it_was(texts: list[str], ids: Any) -> None:
    rows = [{**ROW, "message_id": str(number), "text": text} for number, text in enumerate(texts)]
    ids.shuffle(rows)
    with tempfile.TemporaryDirectory() as folder:
        found = read_one(jsonl(Path(folder, "a.jsonl"), *rows))
    assert [(m.message_id, m.text) for m in found] == [(row["message_id"], row["text"]) for row in rows]


@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1, max_size=8),
    delimiter=st.sampled_from(",;\t"),
    # Python's writer leaves a lone carriage return unquoted when lines end with \n: such a file is an error, not a loss.
    style=st.sampled_from([(csv.QUOTE_MINIMAL, "\r\n"), (csv.QUOTE_ALL, "\n"), (csv.QUOTE_ALL, "\r\n")]),
    mark=st.sampled_from([b"", b"\xef\xbb\xbf"]),
)
def test_csv_gives_back_every_text_as_it_was(texts: list[str], delimiter: str, style: tuple[Any, str], mark: bytes) -> None:
    rows = [{**ROW, "message_id": str(number), "text": text} for number, text in enumerate(texts)]
    content = csv_text(rows, delimiter=delimiter, quoting=style[0], lineterminator=style[1])
    with tempfile.TemporaryDirectory() as folder:
        found = read_one(write(Path(folder, "a.csv"), mark + content.encode()))
    assert [m.text for m in found] == texts


@given(texts=st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=8))
def test_parquet_gives_back_every_text_as_it_was(texts: list[str | None]) -> None:
    rows = [{**ROW, "message_id": str(number), "text": text} for number, text in enumerate(texts)]
    with tempfile.TemporaryDirectory() as folder:
        found = read_one(parquet(Path(folder, "a.parquet"), rows))
    assert [m.text for m in found] == [text or "" for text in texts]
    assert [m.kind for m in found] == ["unsupported" if text is None else "message" for text in texts]
    assert [m.source.row for m in found] == list(range(1, len(rows) + 1))


def test_parquet_times_are_read_as_times(tmp_path: Path) -> None:
    noon = datetime(2024, 2, 13, 12, tzinfo=UTC)
    table = pa.table({**{key: [value] for key, value in ROW.items()}, "timestamp": pa.array([noon], pa.timestamp("ns", "UTC"))})
    pq.write_table(table, tmp_path / "a.parquet")
    assert read_one(tmp_path / "a.parquet")[0].timestamp == noon


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-02-13T21:05:00Z", datetime(2024, 2, 13, 21, 5, tzinfo=UTC)),
        ("2024-02-13 22:05:00+01:00", datetime(2024, 2, 13, 21, 5, tzinfo=UTC)),
        ("2024-02-13T21:05:00", datetime(2024, 2, 13, 21, 5)),
        (1707858300, datetime(2024, 2, 13, 21, 5, tzinfo=UTC)),
        (1707858300000, datetime(2024, 2, 13, 21, 5, tzinfo=UTC)),
        ("1707858300000000", datetime(2024, 2, 13, 21, 5, tzinfo=UTC)),
        (None, None),
        ("", None),
    ],
)
def test_times_are_iso_or_numbers(value: object, expected: datetime | None, tmp_path: Path) -> None:
    assert read_one(jsonl(tmp_path / "a.jsonl", {**ROW, "timestamp": value}))[0].timestamp == expected


def test_a_zone_is_given_to_naive_times(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", {**ROW, "timestamp": "2024-07-01T12:00:00"})
    assert read_one(path, timezone="Europe/Madrid")[0].timestamp == datetime(2024, 7, 1, 10, tzinfo=UTC)


def test_columns_can_be_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "thread,from,sent_at,body\n7,Kim,2024-02-13T21:05:00Z,hello\n")
    columns = {"conversation_id": "thread", "speaker": "from", "timestamp": "sent_at", "text": "body"}
    (conversation,), _ = read_all(path, columns=columns)
    assert conversation.conversation_id == "7"
    assert [m.text for m in conversation.messages] == ["hello"]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_missing_column_is_named_with_those_that_were_found(suffix: str, tmp_path: Path) -> None:
    row = {"conversation_id": "c", "speaker": "k", "timestamp": "", "body": "hello"}
    path = tmp_path / f"a.{suffix}"
    match suffix:
        case "csv":
            write(path, csv_text([row]))
        case "jsonl":
            jsonl(path, row)
        case _:
            parquet(path, [row])
    with pytest.raises(
        ExportError, match=r"no column `text`; found: conversation_id, speaker, timestamp, body.*--column text="
    ) as e:
        read_all(path)
    assert "hello" not in str(e.value)


def test_a_field_that_we_do_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such field"):
        read_all(jsonl(tmp_path / "a.jsonl", ROW), columns={"txt": "body"})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"conversation_id": "c", "speaker"\n', r"\.jsonl:2: not valid JSON"),
        ("[1]\n", r"\.jsonl:2: not a JSON object"),
        (b"\xff\xfe\n", r"\.jsonl:2: not valid UTF-8 at byte 0"),
        ('{"text": NaN}\n', r"\.jsonl:2: not valid JSON"),
        ('{"text": "a", "text": "b"}\n', r"\.jsonl:2: not valid JSON"),
        (json.dumps({**ROW, "conversation_id": None}) + "\n", r"\.jsonl:2: the record names no conversation"),
        (json.dumps({**ROW, "timestamp": "noonish"}) + "\n", r"\.jsonl:2: `timestamp` is no time that we can read"),
        (json.dumps({**ROW, "speaker": ["Kim"]}) + "\n", r"\.jsonl:2: `speaker` is neither a string nor a number"),
        (json.dumps({**ROW, "kind": "shout"}) + "\n", r"\.jsonl:2: `kind` is none of message, system"),
        ("[" * 100_000 + "\n", r"\.jsonl:2: values are nested more than 100 deep"),
    ],
)
def test_a_bad_line_is_named(content: str | bytes, words: str, tmp_path: Path) -> None:
    raw = content.encode() if isinstance(content, str) else content
    path = write(tmp_path / "a.jsonl", json.dumps(ROW).encode() + b"\n" + raw)
    with pytest.raises(ExportError, match=words):
        read_all(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('c,k,"an open quote\n', r"\.csv:2: not valid CSV"),
        ("c,k,2024-02-13\n", r"\.csv:2: 3 fields where the header has 4"),
        ("c,k,,a\0b\n", r"\.csv:2: a NUL byte"),
        ("c,k,31/02/2024,a\n", r"\.csv:2: `timestamp` is no time"),
        (b"c,k,,caf\x81\n", r"\.csv:2: not valid UTF-8"),
    ],
)
def test_a_bad_record_of_csv_is_named(content: str | bytes, words: str, tmp_path: Path) -> None:
    raw = content.encode() if isinstance(content, str) else content
    path = write(tmp_path / "a.csv", b"conversation_id,speaker,timestamp,text\n" + raw)
    with pytest.raises(ExportError, match=words):
        read_all(path, format="csv")


def test_a_column_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "conversation_id,speaker,timestamp,text,text\nc,k,,a,b\n")
    with pytest.raises(ExportError, match="stand twice in the header: text"):
        read_all(path)


@pytest.mark.parametrize("cut", [40, 400])
def test_a_cut_off_parquet_file_is_a_clear_error(cut: int, tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", [ROW] * 9)
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(ExportError, match="Parquet file is damaged"):
        read_all(path)


@pytest.mark.parametrize("held", [1, 1 << 29])
def test_records_that_do_not_stand_together_are_put_together(held: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_groups, "HELD_BYTES", held)
    rows = [{**ROW, "conversation_id": c, "text": t} for c, t in [("b", "1"), ("a", "2"), ("b", "3"), ("c", "4"), ("a", "5")]]
    conversations, log = read_all(jsonl(tmp_path / "a.jsonl", *rows))
    found = [(c.conversation_id, [m.text for m in c.messages]) for c in conversations]
    assert found == [("b", ["1", "3"]), ("a", ["2", "5"]), ("c", ["4"])]
    assert [warning.what for warning in log.warnings if "do not stand together" in warning.what]


def test_an_id_that_stands_twice_keeps_both_messages(tmp_path: Path) -> None:
    rows = [{**ROW, "message_id": "m", "text": text} for text in "abc"]
    path = jsonl(tmp_path / "a.jsonl", *rows, {**ROW, "conversation_id": "c2", "message_id": "m", "text": "d"})
    conversations, log = read_all(path)
    assert [[m.message_id for m in c.messages] for c in conversations] == [["m", "m~2", "m~3"], ["m"]]
    assert any("stands twice" in warning.what for warning in log.warnings)


def test_without_ids_they_are_made_of_file_and_line(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", ROW, ROW)
    first, second = read_one(path)
    assert first.message_id.partition(":")[2] == "1"
    assert first.message_id != second.message_id
    assert [m.message_id for m in read_one(path)] == [first.message_id, second.message_id]


def test_packed_json_lines_are_read_and_guarded(tmp_path: Path) -> None:
    content = "".join(json.dumps({**ROW, "text": "a" * 100}) + "\n" for _ in range(200)).encode()
    path = write(tmp_path / "a.jsonl.gz", gzip.compress(content))
    assert len(read_one(path)) == 200
    with pytest.raises(ArchiveRefused, match="unpacks to more than 9,999 bytes"):
        read_all(path, max_member_bytes=9_999)
    with pytest.raises(ExportError, match="damaged or cut off"):
        read_all(write(tmp_path / "b.jsonl.gz", gzip.compress(content)[:-30]), format="jsonl")


def test_half_a_character_is_shown_as_such_and_said(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", json.dumps({**ROW, "text": "ha\ud83d"}) + "\n")
    (conversation,), log = read_all(path)
    assert [m.text for m in conversation.messages] == ["ha\ufffd"]
    assert any("half characters" in warning.what for warning in log.warnings)


def test_two_conversations_of_two_files_with_one_id_are_kept_apart(tmp_path: Path) -> None:
    jsonl(tmp_path / "a.jsonl", ROW)
    jsonl(tmp_path / "b.jsonl", {**ROW, "text": "other"})
    conversations, log = read_all(tmp_path)
    assert [c.conversation_id for c in conversations] == ["c1", "c1~2"]
    assert any("kept apart" in warning.what for warning in log.warnings)


def test_parquet_text_that_is_not_utf8_is_a_clear_error(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", [ROW | {"text": "a plain hello"}])
    path.write_bytes(path.read_bytes().replace(b"a plain hello", b"a plain h\xffllo"))
    with pytest.raises(ExportError, match=r"a\.parquet: the Parquet file is damaged"):
        read_all(path)


def test_a_parquet_column_whose_name_is_not_utf8_is_a_clear_error(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", [ROW | {"colour_of_it": "red"}])
    path.write_bytes(path.read_bytes().replace(b"colour_of_it", b"colour\xb7of_it"))
    with pytest.raises(ExportError, match=r"a\.parquet"):
        read_all(path)


def test_an_id_that_is_too_large_a_number_is_an_error_with_its_row(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(
        '[{"conversation_id": 1e999999999, "message_id": 1, "speaker": "A", "text": "hello"}]', "utf-8"
    )
    with pytest.raises(ExportError, match=r"a\.json"):
        read_all(tmp_path / "a.json")


def test_local_times_are_read_in_the_order_that_the_whole_table_tells(tmp_path: Path) -> None:
    rows = ["c,kim,03/04/2024 21:05:11,one", "c,kim,13/04/2024 9:06 PM,two"]
    path = write(tmp_path / "t.csv", "\n".join(["conversation_id,speaker,timestamp,text", *rows]) + "\n")
    assert [m.timestamp for m in read_one(path)] == [datetime(2024, 4, 3, 21, 5, 11), datetime(2024, 4, 13, 21, 6)]
    assert read_one(path, timezone="Europe/Madrid")[0].timestamp == datetime(2024, 4, 3, 19, 5, 11, tzinfo=UTC)


def test_local_times_that_fit_two_orders_ask_for_one(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "conversation_id,speaker,timestamp,text\nc,kim,03/04/2024 21:05:11,one\n")
    with pytest.raises(AmbiguousDateOrder):
        read_all(path)
    assert read_one(path, date_order="mdy")[0].timestamp == datetime(2024, 3, 4, 21, 5, 11)
