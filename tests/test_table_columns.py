"""A table read by columns says the same as one read record by record: messages, counts, warnings, errors and their places."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import ExportError
from pipeline.ingest import ReadLog, ReadOptions
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadWarning
from pipeline.ingest.parsing import table_blocks, table_groups, text_lines
from pipeline.ingest.read import read_unit
from pipeline.ingest.readers import table_columns, tables
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation
from pipeline.scoring.chats import chat_table

Found = tuple[list[Conversation], str | None, dict[str, int], list[ReadWarning]]

USUAL = {
    "conversation_id": st.sampled_from(["a", "b", "c"]),
    "speaker": st.sampled_from(["kim", "pat", "Åsa"]),
    "timestamp": st.sampled_from(["2024-02-13T21:05:11+00:00", "2024-02-13T21:05:12+00:00", "2024-02-13T20:00:00+00:00"]),
    "text": st.sampled_from(["bread?", "yes,\nof rye", 'a "loaf"', "", "🥖", "x" * 40, "a;b\tc", "line\r\nend"]),
    "message_id": st.uuids().map(str),
}
TIMES = ["", "2024-02-13", "2024-02-13T21:05:11Z", "2024-02-13 21:05:11", "2024-02-30T21:05:11Z", "13/02/2024 21:05", "1707858311"]
TIMES += ["0000-01-01T00:00:00Z", "2024-02-13T21:05:60+00:00", "2024-02-13T24:00:00+00:00", "2024-02-13T21:05:11.123+02:00", "soon"]
TIMES += [" 2024-02-13T21:05:11+00:00", "2024-02-13T21:05:11+00:00\n", "٢٠٢٤-02-13T21:05:11Z", "9999-12-31T23:59:59-14:00"]
ODD: dict[str, st.SearchStrategy[Any]] = {
    "conversation_id": st.sampled_from(["", None, 7, True, "a"]),
    "speaker": st.sampled_from(["", None, 12, 1.5, False, "\x00"]),
    "timestamp": st.sampled_from([*TIMES, None, 1707858311, 1707858311000, 1.5, 10**30, float("nan")]),
    "text": st.sampled_from([None, 5, ["x"], "\x00", "{}"]),
    "message_id": st.sampled_from(["1", "1", "2", "", None, 3, 2**70]),
    "kind": st.sampled_from(["message", "media", "system", "", None, "odd", 4]),
    "platform": st.sampled_from(["discord", "irc", "", None]),
    "conversation_title": st.sampled_from(["Bakers", None, 5]),
    "conversation_meta": st.sampled_from(['{"a": 1}', "{", None]),
    "meta": st.sampled_from(['{"reply_to": "1"}', "x", "", None, {"edited": True}]),
    "source_file": st.sampled_from(["chat.txt", "", None]),
    "source_line": st.sampled_from([3, None, "4", "x"]),
    "source_row": st.sampled_from([None, 5]),
    "room": st.sampled_from(["red", "", None, 5, 0.5, [1]]),
    "meta~2": st.sampled_from(["z", None]),
}


@st.composite
def records(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw records that are usual but for some, with more fields in some tables or records than in others."""
    extra = draw(st.sets(st.sampled_from(sorted(ODD.keys() - USUAL.keys())), max_size=3))
    odd_share = draw(st.sampled_from([0, 0, 10, 3]))
    made: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 14))):
        record = {name: draw(values) for name, values in USUAL.items()} | {name: draw(ODD[name]) for name in sorted(extra)}
        if odd_share and draw(st.integers(0, odd_share)) == 0:
            for name in draw(st.sets(st.sampled_from(sorted(ODD)), min_size=1, max_size=2)):
                record[name] = draw(ODD[name])
        if draw(st.integers(0, 20)) == 0:
            record.pop(draw(st.sampled_from(sorted(record))))
        made.append(record)
    if draw(st.booleans()):
        made.sort(key=lambda record: str(record.get("conversation_id")))
    return made


def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Put something that breaks readers somewhere, now and then."""
    if draw(st.integers(0, 2)):
        return content
    hostile = [
        b'"',
        b"\n",
        b"\r",
        b"\r\n",
        b"\0",
        b"\xff",
        b",",
        b"{",
        b"}",
        b"}{",
        b'{"a":[{}',
        b"\\ud800",
        b"[" * 200,
        b"9" * 500,
    ]
    at = draw(st.integers(0, len(content)))
    end = min(len(content), at + draw(st.sampled_from([0, 0, 1, 5])))
    return content[:at] + draw(st.sampled_from(hostile)) + content[end:]


@st.composite
def jsonl(draw: st.DrawFn) -> bytes:
    """Draw JSON Lines as programs write them, or damaged."""
    lines = [json.dumps(record, ensure_ascii=draw(st.booleans())) for record in draw(records())]
    end = draw(st.sampled_from(["\n", "\n", "\r\n", "\n\n"]))
    start = draw(st.sampled_from(["", "", "\ufeff"]))
    return damaged(draw, (start + end.join(lines) + draw(st.sampled_from(["", end]))).encode())


@st.composite
def csv_file(draw: st.DrawFn) -> bytes:
    """Draw CSV as programs write it, or damaged."""
    rows = draw(records())
    names = list(dict.fromkeys(name for row in rows for name in row))
    stream = io.StringIO()
    style: Literal[0, 1] = csv.QUOTE_ALL if draw(st.booleans()) else csv.QUOTE_MINIMAL
    end = draw(st.sampled_from(["\n", "\r\n"]))
    writer = csv.DictWriter(stream, names, delimiter=draw(st.sampled_from(",;\t")), quoting=style, lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    start = draw(st.sampled_from(["", "", "\ufeff", "\n"]))
    content = (start + stream.getvalue()).encode()
    return damaged(draw, content.rstrip(b"\r\n") if draw(st.booleans()) else content)


def one_type(values: list[Any], draw: st.DrawFn) -> pa.Array:
    """Return a column of Parquet: of texts, or of the type that the values have."""
    if draw(st.integers(0, 3)) == 0:
        try:
            column = pa.array(values)
        except (pa.ArrowException, OverflowError, ValueError):
            column = pa.nulls(0)
        if len(column) == len(values):
            return column
    texts = [None if value is None else value if isinstance(value, str) else str(value) for value in values]
    type_ = draw(st.sampled_from([pa.string(), pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())]))
    return pa.array(texts, pa.string()).cast(type_)


@st.composite
def parquet(draw: st.DrawFn) -> bytes:
    """Draw Parquet with columns of several types."""
    rows = draw(records())
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: one_type([row.get(name) for row in rows], draw) for name in names}
    if draw(st.integers(0, 4)) == 0:
        columns["timestamp"] = pa.array([datetime(2024, 2, 13, 21, 5, n % 60, tzinfo=UTC) for n in range(len(rows))])
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    return stream.getvalue()


def read(path: Path, format_: str, options: ReadOptions) -> Found:
    """Return what is read, and the error that ended it."""
    log, found, error = ReadLog(), [], None
    try:
        for conversation in read_unit(Unit(format_, (ExportFile(path),)), options, log):
            messages = []
            found.append((conversation, messages))
            for message in conversation.messages:
                messages.append(message)
    except ExportError as known:
        error = f"{type(known).__name__} {known}"
    loaded = [
        Conversation(
            conversation_id=one.conversation_id, platform=one.platform, title=one.title, meta=one.meta, messages=tuple(messages)
        )
        for one, messages in found
    ]
    return loaded, error, dict(log.kinds), log.warnings


def both(content: bytes, format_: str, folder: Path, *, size: int, options: ReadOptions) -> tuple[Found, Found]:
    """Read by columns and record by record."""
    path = folder / f"night.{format_}"
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_lines, "_BLOCK", size)
        patch.setattr(table_blocks, "STEP", 2)
        patch.setattr(table_blocks, "_ROWS", 3)
        patch.setattr(table_groups, "HELD_BYTES", 4000)
        fast = read(path, format_, options)
        patch.setattr(tables, "_blocks", lambda *_: None)
        return fast, read(path, format_, options)


OPTIONS = st.sampled_from([ReadOptions(), ReadOptions(timezone=ZoneInfo("Europe/Berlin"), date_order="dmy")])


@pytest.mark.parametrize(("format_", "content"), [("jsonl", jsonl()), ("csv", csv_file()), ("parquet", parquet())])
def test_columns_say_what_records_say(format_: str, content: st.SearchStrategy[bytes], tmp_path: Path) -> None:
    @settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(content, st.sampled_from([40, 200, 900, 1 << 16]), OPTIONS)
    def check(content: bytes, size: int, options: ReadOptions) -> None:
        fast, slow = both(content, format_, tmp_path, size=size, options=options)
        assert fast == slow
        assert json.dumps([m.meta for c in fast[0] for m in c.messages]) == json.dumps(
            [m.meta for c in slow[0] for m in c.messages]
        )

    check()


def night(count: int) -> list[dict[str, str]]:
    """Return a regular table."""
    return [
        {
            "conversation_id": f"c{n // 7}",
            "message_id": str(n),
            "speaker": ("kim", "pat")[n % 2],
            "timestamp": f"2024-02-13T21:{n // 60 % 60:02}:{n % 60:02}+00:00",
            "text": f"loaf {n}\nof rye",
        }
        for n in range(count)
    ]


def write(rows: list[dict[str, str]], format_: str, folder: Path) -> Path:
    path = folder / f"night.{format_}"
    if format_ == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif format_ == "csv":
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


@pytest.mark.parametrize("order", ["together", "mixed"])
@pytest.mark.parametrize("format_", ["jsonl", "csv", "parquet"])
def test_no_record_of_a_regular_table_is_read_alone(
    format_: str, order: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = night(300)
    path = write(rows if order == "together" else rows[::2] + rows[1::2], format_, tmp_path)
    monkeypatch.setattr(table_columns, "Listed", None)
    unit = Unit(format_, (ExportFile(path),))
    fast = chat_table(list(read_unit(unit, ReadOptions(), ReadLog())) if order == "mixed" else one_by_one(unit))
    monkeypatch.setattr(tables, "_blocks", lambda *_: None)
    assert fast.equals(chat_table([one.load() for one in read_unit(unit, ReadOptions(), ReadLog())]))


def one_by_one(unit: Unit) -> Any:
    """Yield the conversations, each to be used before the next."""
    yield from read_unit(unit, ReadOptions(), ReadLog())
