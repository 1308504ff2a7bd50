"""KakaoTalk's text of every device and the Mac's CSV: times in Korean and English, notices, and lines that a person types."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from helpers.exports import read_all, read_one, write
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ExportError

LAYOUTS = {
    "android": (
        "지우 님과 카카오톡 대화\n저장한 날짜 : 2024년 2월 14일 오전 8:00\n\n",
        "{y}년 {m}월 {d}일 {k} {h}:{n}, {name} : {text}\n",
    ),
    "android-24": (
        "지우 님과 카카오톡 대화\n저장한 날짜 : 2024년 2월 14일 8:00\n\n",
        "{y}년 {m}월 {d}일 {H}:{n}, {name} : {text}\n",
    ),
    "ios": ("지우 님과 카카오톡 대화\n저장한 날짜 : 2024. 2. 14. 오전 8:00\n\n", "{y}. {m}. {d}. {k} {h}:{n}, {name} : {text}\n"),
    "english": (
        "KakaoTalk Chats with Jiwoo\nDate Saved : Feb 14, 2024 at 8:00 AM\n\n",
        "{b} {d}, {y} at {h}:{n} {p}, {name} : {text}\n",
    ),
    "older": ("Talk_2024.2.13 21:05-1.txt\n", "{B} {d}, {y}, {h}:{n} {p}, {name} : {text}\n"),
}
WINDOWS = "지우 님과 카카오톡 대화\n저장한 날짜 : 2024-02-14 08:00:00\n\n--------------- 2024년 2월 13일 화요일 ---------------\n"
names = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12)
texts = st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r"), max_size=40).map(lambda line: f"·{line}"),
    min_size=1,
    max_size=3,
).map("\n".join)


def row(layout: str, moment: datetime, name: str, text: str) -> str:
    half = ("오전", "AM") if moment.hour < 12 else ("오후", "PM")
    parts = {"y": moment.year, "m": moment.month, "d": moment.day, "h": (moment.hour - 1) % 12 + 1, "H": moment.hour}
    parts |= {"n": f"{moment:%M}", "k": half[0], "p": half[1], "b": f"{moment:%b}", "B": f"{moment:%B}"}
    return LAYOUTS[layout][1].format(**parts, name=name, text=text)


@given(
    layout=st.sampled_from(sorted(LAYOUTS)), drawn=st.lists(st.tuples(names, texts, st.integers(0, 2000)), min_size=1, max_size=8)
)
def test_what_is_written_is_read(layout: str, drawn: list[tuple[str, str, int]], tmp_path_factory: pytest.TempPathFactory) -> None:
    moment, content, written = datetime(2024, 1, 14, 9, 30), LAYOUTS[layout][0], []
    for name, text, minutes in drawn:
        moment += timedelta(minutes=minutes)
        content += row(layout, moment, name, text)
        written.append((name, text, moment))
    found = read_one(write(tmp_path_factory.mktemp("x") / "chat", content))
    assert [(m.speaker, m.text, m.timestamp) for m in found] == written


@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r")), min_size=1, max_size=5))
def test_the_csv_is_read_as_written(texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    out.write("Date,User,Message\n")
    writer.writerows(["2024-02-13 21:05:11", "지우", f"·{text}"] for text in texts)
    found = read_one(write(tmp_path_factory.mktemp("x") / "KakaoTalk_Chat.csv", out.getvalue()))
    assert [m.text for m in found] == [f"·{text}" for text in texts]


def test_windows_takes_the_day_from_the_line_above(tmp_path: Path) -> None:
    rows = "[지우] [오후 9:05] 빵?\n[민호] [오전 1:06] 네\n둘째 줄\n"
    rows += "--------------- 2024년 2월 14일 수요일 ---------------\n[지우] [오전 8:00] 안녕\n"
    (conversation,), log = read_all(write(tmp_path / "k.txt", WINDOWS + rows))
    assert (conversation.title, [export.format for export in log.exports], log.warnings) == ("지우", ["kakaotalk"], [])
    assert [(m.speaker, m.text, m.timestamp) for m in conversation.messages] == [
        ("지우", "빵?", datetime(2024, 2, 13, 21, 5)),
        ("민호", "네\n둘째 줄", datetime(2024, 2, 13, 1, 6)),
        ("지우", "안녕", datetime(2024, 2, 14, 8, 0)),
    ]


def test_a_notice_of_windows_is_one_only_where_a_row_follows(tmp_path: Path) -> None:
    rows = "민호님이 지우님을 초대하였습니다.\n[지우] [오후 9:05] 빵\n민호님이 나갔습니다.\n더 쓴 말\n"
    rows += "민호님이 나갔습니다.\n[민호] [오후 9:06] 네\n"
    found = read_one(write(tmp_path / "k.txt", WINDOWS + rows))
    assert [(m.kind, m.speaker, m.text) for m in found] == [
        ("system", None, "민호님이 지우님을 초대하였습니다."),
        ("message", "지우", "빵\n민호님이 나갔습니다.\n더 쓴 말"),
        ("system", None, "민호님이 나갔습니다."),
        ("message", "민호", "네"),
    ]


def test_rows_that_are_no_ordinary_message_are_kept_as_what_they_are(tmp_path: Path) -> None:
    moment = datetime(2024, 2, 13, 21, 5)
    words = ["사진 3장", "삭제된 메시지입니다.", "보이스톡 해요", "사진 보낼게", "파일: 빵.pdf"]
    content = LAYOUTS["ios"][0] + "".join(row("ios", moment, "지우", text) for text in words)
    content += "2024. 2. 13. 오후 9:06: 민호님이 나갔습니다.\n"
    found = read_one(write(tmp_path / "k.txt", content))
    assert [m.kind for m in found] == ["media", "deleted", "system", "message", "media", "system"]
    assert [m.text for m in found][:5] == words


def test_times_are_the_devices_own(tmp_path: Path) -> None:
    content = LAYOUTS["android"][0] + row("android", datetime(2024, 2, 13, 21, 5), "지우", "빵")
    path = write(tmp_path / "k.txt", content)
    assert read_one(path, timezone="Asia/Seoul")[0].timestamp == datetime(2024, 2, 13, 12, 5, tzinfo=UTC)
    table = write(
        tmp_path / "k.csv",
        'Date,User,Message\n2024-02-13 21:05:11,"지우","빵"\n2024-02-13 21:06:11,"민호","민호님이 나갔습니다."\n',
    )
    (conversation,), _ = read_all(table, timezone="Asia/Seoul")
    first, second = conversation.messages
    assert (conversation.platform, first.timestamp) == ("kakaotalk", datetime(2024, 2, 13, 12, 5, 11, tzinfo=UTC))
    assert (second.kind, second.meta["actor_id"]) == ("system", "민호")


def test_another_programs_table_with_these_columns_is_not_taken(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="no column `conversation_id`"):
        read_all(write(tmp_path / "x.csv", "Date,User,Message\n13.02.2024,kim,bread\n"))


def test_damage_is_named_by_its_line(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"k\.csv:2: not valid CSV"):
        read_all(write(tmp_path / "k.csv", 'Date,User,Message\n2024-02-13 21:05:11,"지우","open\n'))
    with pytest.raises(ExportError, match=r"k\.txt:1: none of the 1 lines begins a message of KakaoTalk"):
        read_all(write(tmp_path / "k.txt", "some words\n"), format="kakaotalk")
