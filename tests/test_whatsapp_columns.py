"""Rows of WhatsApp that are read at once say the same as when each is read with care."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.errors import ExportError
from pipeline.ingest import ReadLog, ReadOptions
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadWarning
from pipeline.ingest.parsing import text_lines
from pipeline.ingest.read import read_unit
from pipeline.ingest.readers import whatsapp, whatsapp_columns, whatsapp_evidence
from pipeline.ingest.readers.whatsapp_phrases import DELETED, OMITTED
from pipeline.ingest.readers.whatsapp_rows import Judged, judge, split_row
from pipeline.ingest.units import Unit
from pipeline.schema import Message
from pipeline.scoring.chats import hold_chat

PHRASES = [
    *sorted(DELETED)[::7],
    *sorted(OMITTED)[::5],
    *(
        "Missed voice call",
        "null",
        "No answer.",
        "Waiting for this message. This may take a while.",
        "image omitted",
        "GIF weggelassen",
    ),
    *("a.pdf • 3 pages document omitted", "<attached: 1-PHOTO.jpg>", "IMG-1.jpg (file attached)", "https://maps.google.com/?q=1,2"),
    *("Ort: https://maps.apple.com/?q=1", "yes <This message was edited>", "This message was deleted by admin Kim", "사진 생략됨"),
    *(
        "<two words>",
        "<word>",
        "view once voice message omitted",
        'changed the subject to "a: b"',
        "POLL:\nBread?\n\u200eOPTION: rye",
    ),
]
USUAL = [
    "bread?",
    "yes",
    "no\nreally not",
    "a: b",
    "🥖",
    "see https://bread.example",
    "Straße",
    "ılık",
    "(of rye)",
    "...",
    "x" * 300,
]
NAMES = ["Kim", "Åsa B", "+44 7700 900123", "\u202aKim\u202c", "Kim changed the subject to “a", "one two three four five six seven"]
NAMES += ["Kim added Pat to the community", "", " "]
LETTERS = {"i": "ıİ", "s": "ſ", "k": "K", "ss": "ß", "fi": "ﬁ", "σ": "ς"}


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Draw what people write, and what WhatsApp does, with other letters, marks and blanks around."""
    text = draw(st.sampled_from(USUAL)) if draw(st.integers(0, 2)) else draw(st.sampled_from(PHRASES))
    if draw(st.integers(0, 4)) == 0:
        letter = draw(st.sampled_from(sorted(LETTERS)))
        text = text.replace(letter, draw(st.sampled_from(LETTERS[letter])), 1)
    if draw(st.integers(0, 4)) == 0:
        text = draw(st.sampled_from([text.upper(), text.title(), text.casefold()]))
    around = st.sampled_from(["", "", "", " ", "\u200e", "\u200f", "\xa0", "\x1f", "\u2009", ".", "。", "..", "\t", "\r", "\x85"])
    return draw(around) + text + draw(around) + draw(st.sampled_from(["", "", "", "\n", "\nsee above", "\n\u200e"]))


@given(texts(), st.booleans(), st.sampled_from(NAMES))
@example("Mıssed voice call", False, "Kim")
@example("Thiß meßage was deleted", False, "Kim")
@settings(max_examples=3000, deadline=None)
def test_a_text_that_is_taken_for_plain_is_a_message_of_words(text: str, ios: bool, name: str) -> None:
    first, *more = text.split("\n")
    head = split_row(f"{name}: {first}")
    speaker = whatsapp_columns._plain_speaker(name, ios)
    if speaker is not None and not list(whatsapp_columns._not_plain([text])):
        assert (head.speaker, "\n".join([head.text, *more])) == (speaker, text)
        assert judge(head, text, ios=ios) == Judged("message")


def test_what_people_write_is_taken_for_plain() -> None:
    plain = ["bread?", "yes", "no\nreally not", "a: b", "🥖", "see https://bread.example", "ılık", "missed you", "deleted it"]
    assert list(whatsapp_columns._not_plain(plain)) == []
    assert whatsapp_columns._plain_speaker("Åsa B", ios=False) == "Åsa B"


def header(form: str, moment: datetime) -> str:
    """Return a header in one of several styles."""
    return {
        "ios": f"[{moment:%d/%m/%Y, %H:%M:%S}] ",
        "ios-12": f"[{moment:%d/%m/%y, %I:%M:%S}\u202f{moment:%p}] ",
        "android": f"{moment:%d/%m/%Y, %H:%M} - ",
        "year": f"[{moment:%Y-%m-%d %H:%M:%S}] ",
        "marked": f"\u200e[{moment:%d/%m/%Y, %H:%M:%S}] ",
        "no day": f"[31/02/2024, {moment:%H:%M:%S}] ",
    }[form]


@st.composite
def chats(draw: st.DrawFn) -> bytes:
    """Draw a chat in one style, with some lines that are not as the others."""
    form = draw(st.sampled_from(["ios", "ios", "android", "android", "ios-12", "year"]))
    end = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    inner = draw(st.sampled_from(["\n", end]))
    parts: list[str] = [draw(st.sampled_from(["", "", "\ufeff", "before the first header\n"]))]
    stamp = 1_700_000_000
    for _ in range(draw(st.integers(1, 25))):
        stamp += draw(st.sampled_from([0, 5, 61, 3600, 90_000, -40, -200_000]))
        own = form if draw(st.integers(0, 12)) else draw(st.sampled_from(["ios", "android", "marked", "no day", "year"]))
        name = draw(st.sampled_from(NAMES)) if draw(st.integers(0, 6)) == 0 else draw(st.sampled_from(NAMES[:3]))
        text = draw(texts()).replace("\n", inner)
        colon = draw(st.sampled_from([": ", ": ", ": ", ": ", ":", " joined"]))
        parts.append(header(own, datetime.fromtimestamp(stamp, ZoneInfo("UTC"))) + name + colon + text + end)
    content = "".join(parts)
    content = content if draw(st.booleans()) else content.rstrip("\r\n")
    raw = content.encode()
    return raw.replace(b"yes", b"\xff", 1) if draw(st.integers(0, 15)) == 0 else raw


Found = tuple[list[Message], str | None, dict[str, int], list[ReadWarning]]


def read(path: Path, options: ReadOptions) -> Found:
    """Return what is read, and the error that ended it."""
    log, found, error = ReadLog(), [], None
    try:
        for conversation in read_unit(Unit("whatsapp", (ExportFile(path),)), options, log):
            for message in conversation.messages:
                found.append(message)
    except ExportError as known:
        error = f"{type(known).__name__} {known}"
    return found, error, dict(log.kinds), log.warnings


OPTIONS = st.sampled_from(
    [ReadOptions(date_order="dmy"), ReadOptions(timezone=ZoneInfo("Europe/Berlin"), date_order="mdy"), ReadOptions()]
)


def test_rows_at_once_say_what_rows_read_with_care_say(tmp_path: Path) -> None:
    path = tmp_path / "chat.txt"

    @settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(chats(), st.sampled_from([64, 1 << 16]), OPTIONS)
    def check(content: bytes, size: int, options: ReadOptions) -> None:
        path.write_bytes(content)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(text_lines, "_BLOCK", size)
            patch.setattr(whatsapp, "_ROWS", 3)
            fast = read(path, options)
            patch.setattr(whatsapp, "common_header", lambda _: None)
            patch.setattr(whatsapp_evidence, "common_header", lambda _: None)
            patch.setattr(whatsapp_columns, "_not_plain", lambda texts: iter(range(len(texts))))
            assert fast == read(path, options)

    check()


def test_the_commonest_rows_are_not_read_with_care(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "chat.txt"
    rows = [f"[13/02/2024, 21:{n // 60 % 60:02}:{n % 60:02}] {('Kim', 'Pat')[n % 2]}: bread {n}\nof rye\n" for n in range(500)]
    path.write_text("".join(rows), "utf-8")
    for name in ("judge", "split_row"):
        monkeypatch.setattr(whatsapp, name, None)
    (conversation,) = (hold_chat(one) for one in read_unit(Unit("whatsapp", (ExportFile(path),)), ReadOptions(), ReadLog()))
    assert conversation.size == 500
    assert all(piece.meta is None for piece in conversation.messages)
