"""LINE's chat histories: languages, the computer's layout, quoted texts, notices, and lines that a person types."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from helpers.exports import read_all, read_one, write
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import AmbiguousDateOrder, ExportError

HEAD = "[LINE] Chat history with Robin\nSaved on: 2024/02/14 08:00\n\n"
names = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12)
texts = st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r"), max_size=40).map(lambda line: f"·{line}"),
    min_size=1,
    max_size=3,
).map("\n".join)


def wrapped(text: str) -> str:
    return f'"{text}"' if "\n" in text else text


@given(drawn=st.lists(st.tuples(names, texts, st.integers(0, 2000)), min_size=1, max_size=8))
def test_what_is_written_is_read(drawn: list[tuple[str, str, int]], tmp_path_factory: pytest.TempPathFactory) -> None:
    moment, day, content, written = datetime(2024, 1, 14, 9, 30), None, HEAD, []
    for name, text, minutes in drawn:
        moment += timedelta(minutes=minutes)
        if moment.date() != day:
            day = moment.date()
            content += f"\n{day:%Y/%m/%d}(Tue)\n" if content != HEAD else f"{day:%Y/%m/%d}(Tue)\n"
        content += f"{moment:%H:%M}\t{name}\t{wrapped(text)}\n"
        written.append((name, text, moment))
    found = read_one(write(tmp_path_factory.mktemp("x") / "chat", content))
    assert [(m.speaker, m.text, m.timestamp) for m in found] == written


@pytest.mark.parametrize(
    ("title", "saved", "day", "clock"),
    [
        ("[LINE] Chat history with Robin", "Saved on: 02/14/2024, 08:00", "Tue, 02/13/2024", "09:05PM"),
        ("[LINE] Robinとのトーク履歴", "保存日時：2024/02/14 08:00", "2024/02/13(火)", "午後9:05"),
        ("[LINE] 與Robin的聊天記錄", "儲存日期： 2024/02/14 08:00", "2024/02/13（週二）", "下午09:05"),
        ("[LINE] ประวัติการสนทนากับ Robin", "บันทึกวันที่: 2024/02/14 08:00", "2024/02/13(อ.)", "21:05"),
        ("Chat history with Robin", "Saved on: 2/14/2024, 8:00 AM", "Tue, 2/13/2024", "9:05 PM"),
        ("[LINE] Robin的聊天紀錄", "儲存日期：2024/02/14 08:00", "2024/02/13（二）", "下午9:05"),
        ("[LINE] Robin", "저장 일시: 2024/02/14 08:00", "2024/02/13 화", "오후 9:05"),
    ],
)
def test_every_language_of_a_phone_is_read(title: str, saved: str, day: str, clock: str, tmp_path: Path) -> None:
    content = f"{title}\n{saved}\n\n{day}\n{clock}\tRobin\tbread?\n{clock}\tKim\tyes\n"
    (conversation,), log = read_all(write(tmp_path / "x.txt", content))
    assert [export.format for export in log.exports] == ["line"]
    assert (conversation.title, conversation.platform, log.warnings) == ("Robin", "line", [])
    assert "saved" in conversation.meta
    assert [(m.speaker, m.timestamp, m.source.line) for m in conversation.messages] == [
        ("Robin", datetime(2024, 2, 13, 21, 5), 5),
        ("Kim", datetime(2024, 2, 13, 21, 5), 6),
    ]


def test_local_times_obey_the_zone_and_the_order_of_dates(tmp_path: Path) -> None:
    path = write(tmp_path / "x.txt", HEAD + "Sun, 03/04/2024\n21:05\tRobin\tbread?\n21:06\tKim\tyes\n")
    with pytest.raises(AmbiguousDateOrder):
        read_all(path)
    assert read_one(path, date_order="mdy")[0].timestamp == datetime(2024, 3, 4, 21, 5)
    moment = read_one(path, date_order="dmy", timezone="Asia/Tokyo")[0].timestamp
    assert moment == datetime(2024, 4, 3, 12, 5, tzinfo=UTC)


def test_notices_calls_files_and_deleted_messages_are_kept_as_what_they_are(tmp_path: Path) -> None:
    rows = "21:05\tRobin joined the group.\n21:06\t\tRobin unsent a message.\n21:07\tRobin\t[Photo]\n21:08\tKim\t☎ Call time 1:05\n"
    rows += "21:09\tKim\t☎ is a telephone\n"
    found = read_one(write(tmp_path / "x.txt", HEAD + "2024/02/13(Tue)\n" + rows))
    assert [(m.kind, m.speaker) for m in found] == [
        ("system", None),
        ("system", None),
        ("media", "Robin"),
        ("system", None),
        ("message", "Kim"),
    ]
    assert (found[3].text, found[3].meta["actor_id"]) == ("☎ Call time 1:05", "Kim")


def test_nothing_that_a_person_types_hides_what_follows(tmp_path: Path) -> None:
    rows = '21:05\tRobin\t"open\n21:06\tKim\tmy words\n21:07\tRobin\tlook:\n\n2024/02/20\nstill my words\n21:08\tKim\tyes\n'
    found = read_one(write(tmp_path / "x.txt", HEAD + "2024/02/13(Tue)\n" + rows))
    assert [(m.speaker, m.text) for m in found] == [
        ("Robin", '"open'),
        ("Kim", "my words"),
        ("Robin", "look:\n\n2024/02/20\nstill my words"),
        ("Kim", "yes"),
    ]
    assert found[3].timestamp == datetime(2024, 2, 13, 21, 8)


def test_the_computers_layout_is_read_with_names_of_several_words_where_they_can_be_told(tmp_path: Path) -> None:
    rows = "21:05 Robin Baker bread?\n21:06 Kim yes\n21:07 Robin Baker rye then\n21:08 Robin Baker at noon\n"
    path = write(tmp_path / "x.txt", "[LINE] Robin\n\n2024.02.13 火曜日\n" + rows)
    (conversation,), log = read_all(path)
    assert [export.format for export in log.exports] == ["line"]
    assert [(m.speaker, m.text) for m in conversation.messages][:2] == [("Robin Baker", "bread?"), ("Kim", "yes")]
    assert any("may be cut" in warning.what for warning in log.warnings)


def test_few_rows_among_many_lines_are_warned_of_with_the_first_other(tmp_path: Path) -> None:
    content = HEAD + "2024/02/13(Tue)\n21:05\tRobin\tbread\n" + "a line\n" * 40
    _, log = read_all(write(tmp_path / "x.txt", content), format="line")
    assert [(warning.where[-2:], warning.what[:10]) for warning in log.warnings] == [(":6", "only 1 of ")]


def test_a_file_without_rows_and_a_line_that_is_not_utf8_are_named(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"x\.txt:1: none of the 1 lines begins a message of LINE"):
        read_all(write(tmp_path / "x.txt", "some words\n"), format="line")
    with pytest.raises(ExportError, match=r"x\.txt:7: not UTF-8"):
        read_all(
            write(
                tmp_path / "x.txt", (HEAD + "2024/02/13(Tue)\n" + "21:05\tRobin\tbread é é\n" * 2).encode() + b"21:06\tKim\t\xff\n"
            )
        )


def test_one_chat_exported_twice_is_one_conversation(tmp_path: Path) -> None:
    rows = [f"21:{n:02}\t{('Robin', 'Kim')[n % 2]}\tbread number {n} of {n * 7}\n" for n in range(20)]
    for name, own in (("a.txt", rows[:15]), ("b.txt", rows)):
        write(tmp_path / name, HEAD + "2024/02/13(Tue)\n" + "".join(own))
    (conversation,), _ = read_all(tmp_path)
    assert len(list(conversation.messages)) == 20
