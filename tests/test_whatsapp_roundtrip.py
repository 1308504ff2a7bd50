"""What a phone writes is what is read, whatever the text, the names, the header style and the number of messages."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from helpers.exports import read_all, read_one, write
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ingest import ReadLog, ReadOptions, read_conversations

STYLES = {
    "ios": "[{:%d/%m/%Y, %H:%M:%S}] ",
    "android": "{:%d/%m/%Y, %H:%M} - ",
    "us": "{:%m/%d/%y, %I:%M %p} - ",
    "sv": "{:%Y-%m-%d %H:%M} - ",
    "fi": "{:%d.%m.%Y klo %H.%M} - ",
}


@dataclass(frozen=True)
class Row:
    speaker: str
    text: str
    moment: datetime


# A name without ": " and line breaks; a text in which no line begins like a header (the format cannot tell those apart).
names = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cf", "Zl", "Zp", "Zs")), min_size=1, max_size=12).filter(
    lambda name: ":" not in name and name.strip() == name
)
texts = st.lists(
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\n\r"), max_size=40).map(lambda line: f"·{line}"),
    min_size=1,
    max_size=4,
).map("\n".join)
rows = st.lists(st.tuples(names, texts, st.integers(0, 5000)), min_size=1, max_size=12)


def write_chat(rows: list[Row], style: str) -> str:
    """Write messages as a phone would."""
    return "".join(f"{STYLES[style].format(row.moment)}{row.speaker}: {row.text}\n" for row in rows)


@given(style=st.sampled_from(sorted(STYLES)), drawn=rows)
@settings(max_examples=300)
def test_what_is_written_is_read(style: str, drawn: list[tuple[str, str, int]], tmp_path_factory: pytest.TempPathFactory) -> None:
    moment = datetime(2024, 1, 14, 9, 30)
    written = []
    for speaker, text, minutes in drawn:
        moment += timedelta(minutes=minutes)
        written.append(Row(speaker, text, moment))
    # The first day is past the 12th, so that the order is always told.
    file = write(tmp_path_factory.mktemp("x") / "chat", write_chat(written, style))
    read = read_one(file)
    assert [(message.speaker, message.text, message.timestamp) for message in read] == [
        (row.speaker, row.text, row.moment) for row in written
    ]
    assert {message.kind for message in read} == {"message"}


@given(content=st.binary(max_size=300), number=st.integers(1, 3))
@settings(max_examples=200)
def test_any_bytes_after_a_message_are_kept_or_refused(
    content: bytes, number: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from pipeline.errors import ExportError

    head = b"13/02/2024, 21:05 - Kim: hello\n" * number
    file = write(tmp_path_factory.mktemp("x") / "chat", head + content)
    try:
        (conversation,), _ = read_all(file, format="whatsapp", date_order="dmy")
    except ExportError:
        with pytest.raises(UnicodeDecodeError):
            content.decode()
        return
    lines = sum(message.text.count("\n") + 1 for message in conversation.messages)
    assert lines == len((head + content).removesuffix(b"\n").split(b"\n"))


def test_memory_does_not_grow_with_the_export(tmp_path: Path) -> None:
    peaks = []
    for count in (25_001, 75_001):
        file = write(
            tmp_path / f"{count}", "".join(f"13/02/2024, 21:{n % 60:02} - Kim: message number {n}\n" for n in range(count))
        )
        tracemalloc.start()
        for conversation in read_conversations([file], ReadOptions(), ReadLog()):
            assert sum(1 for _ in conversation.messages) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 200_000
