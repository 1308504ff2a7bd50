"""imessage-exporter's text: a block a message, with what stands below its words."""

from __future__ import annotations

import html
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from helpers.exports import read_all, read_one, write
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ExportError

NAMES = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12)
TEXTS = st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r"), max_size=40).map(lambda line: f"·{line}·"),
    min_size=1,
    max_size=3,
).map("\n".join)


def time(moment: datetime) -> str:
    return f"{moment:%b %d, %Y} {(moment.hour - 1) % 12 + 1:2}:{moment:%M:%S %p}"


def block(sender: str, *lines: str, minute: int = 5) -> str:
    return "\n".join([time(datetime(2024, 2, 13, 21, minute, 11)), sender, *lines]) + "\n\n"


@given(drawn=st.lists(st.tuples(NAMES, TEXTS, st.integers(0, 2000)), min_size=1, max_size=8))
def test_what_is_written_is_read(drawn: list[tuple[str, str, int]], tmp_path_factory: pytest.TempPathFactory) -> None:
    moment, content, written = datetime(2024, 1, 14, 9, 30), "", []
    for name, text, minutes in drawn:
        moment += timedelta(minutes=minutes)
        content += f"{time(moment)}\n{name}\n{text}\n\n"
        written.append((name, text, moment))
    (conversation,), log = read_all(write(tmp_path_factory.mktemp("x") / "Kim.txt", content))
    assert [export.format for export in log.exports] == ["imessage_exporter"]
    assert [(m.speaker, m.text, m.timestamp) for m in conversation.messages] == written


def test_what_stands_below_the_words_is_kept_apart_from_them(tmp_path: Path) -> None:
    content = block("Kim", "bread?", "Sent with Confetti", "Tapbacks:", "Loved by Me", "🎉 by Robin", "")
    content += block("Me", "/Users/me/Library/Messages/Attachments/a/IMG_1.heic", "of rye")
    (conversation,), _ = read_all(write(tmp_path / "Kim.txt", content))
    first, second = conversation.messages
    assert (conversation.title, conversation.platform, first.text) == ("Kim", "imessage", "bread?")
    assert first.meta["reactions"] == [{"emoji": "Loved", "speaker": "Me"}, {"emoji": "🎉", "speaker": "Robin"}]
    assert first.meta["effect"] == "Confetti"
    assert (second.kind, second.text) == ("media", "of rye")


def test_words_that_look_like_reactions_stay_words(tmp_path: Path) -> None:
    content = block("Kim", "Tapbacks:", "I bake more than the others") + block("Me", "yes")
    assert read_one(write(tmp_path / "Kim.txt", content))[0].text == "Tapbacks:\nI bake more than the others"


def test_an_answer_that_stands_twice_is_read_once_and_one_that_does_not_is_kept(tmp_path: Path) -> None:
    nested = ["    " + line for line in block("Robin", "yes", minute=6).rstrip("\n").split("\n")]
    lost = ["    " + line for line in block("Robin", "of rye", minute=7).rstrip("\n").split("\n")]
    content = block("Kim", "bread?", *nested, "", *lost, "")
    content += block("Robin", "yes", "This message responded to an earlier message.", minute=6)
    found = read_one(write(tmp_path / "Kim.txt", content))
    assert [(m.speaker, m.text) for m in found] == [("Kim", "bread?"), ("Robin", "of rye"), ("Robin", "yes")]
    assert (found[1].meta["reply_to"], found[2].meta["reply"]) == (found[0].message_id, True)
    assert len({m.message_id for m in found}) == 3


def test_notices_and_unsent_messages_are_kept_as_what_they_are(tmp_path: Path) -> None:
    content = "Feb 13, 2024  9:05:00 PM Kim named the conversation Bakers\n\n"
    content += block("Kim", "Kim unsent this message part 3 seconds after sending!") + block("Kim")
    found = read_one(write(tmp_path / "Kim.txt", content))
    assert [(m.kind, m.speaker) for m in found] == [("system", None), ("deleted", "Kim"), ("unsupported", "Kim")]


def test_a_pasted_line_of_another_program_does_not_change_the_format(tmp_path: Path) -> None:
    path = write(tmp_path / "Kim.txt", block("Kim", "bread?") + block("Me", "[x] [9:05 PM] y") * 3)
    (conversation,), log = read_all(path)
    assert [export.format for export in log.exports] == ["imessage_exporter"]
    assert [m.speaker for m in conversation.messages] == ["Kim", "Me", "Me", "Me"]


def test_times_are_the_computers_own(tmp_path: Path) -> None:
    path = write(tmp_path / "Kim.txt", block("Kim", "bread?") + block("Me", "yes"))
    assert read_one(path, timezone="Europe/Madrid")[0].timestamp == datetime(2024, 2, 13, 20, 5, 11, tzinfo=UTC)


def test_damage_is_named_by_its_line(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"x\.txt:1: none of the 1 lines begins a message of imessage-exporter"):
        read_all(write(tmp_path / "x.txt", "some words\n"), format="imessage_exporter")
    with pytest.raises(ExportError, match=r"x\.txt:11: not UTF-8"):
        read_all(write(tmp_path / "x.txt", (block("Kim", "brød") * 2 + block("Me", "?")).encode().replace(b"?", b"\xff")))


def bubble(sender: str, text: str, *below: str, minute: int = 5) -> str:
    words = html.escape(text)
    side = "sent iMessage" if sender == "Me" else "received"
    return (
        f'<div class="message">\n<div class="{side}"><p><span class="timestamp"><a title="x" href="sms://open">'
        f'{time(datetime(2024, 2, 13, 21, minute, 11))}</a></span>\n<span class="sender">{sender}</span></p>\n<hr>'
        f'<div class="message_part"><span class="bubble">{words}</span></div>{"".join(below)}</div></div>\n'
    )


def page(*content: str) -> str:
    return f'<html><head><meta charset="UTF-8"><style>p {{}}</style></head><body>\n{"".join(content)}</body></html>\n'


@given(texts=st.lists(TEXTS.map(lambda text: "".join(c for c in text if c.isprintable() or c == "\n")), min_size=1, max_size=5))
def test_pages_are_read_as_written(texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    (conversation,), log = read_all(
        write(tmp_path_factory.mktemp("x") / "Kim.html", page(*(bubble("Kim", text) for text in texts)))
    )
    assert [export.format for export in log.exports] == ["imessage_exporter"]
    assert [(m.speaker, m.text) for m in conversation.messages] == [("Kim", text) for text in texts]


def test_a_page_keeps_what_stands_beside_the_words(tmp_path: Path) -> None:
    liked = (
        '<div class="tapbacks"><hr><p>Tapbacks:</p><div class="tapback"><span class="tapback"><b>Loved</b> by Me</span></div></div>'
    )
    nested = f'<div class="replies"><div class="reply">{bubble("Me", "yes", minute=6)}</div></div>'
    lost = f'<div class="replies"><div class="reply">{bubble("Robin", "of rye", minute=7)}</div></div>'
    photo = '<hr><div class="message_part"><img src="attachments/1/a.jpeg" loading="lazy"></div>'
    content = bubble("Kim", "bread?", liked, nested, lost)
    content += bubble("Me", "yes", '<span class="reply_context">This message responded to an earlier message.</span>', minute=6)
    content += bubble("Kim", "look", photo, minute=8)
    content += (
        f'<div class="announcement"><p><span class="timestamp">{time(datetime(2024, 2, 13, 21, 9))}</span> Kim left</p></div>'
    )
    found = read_one(write(tmp_path / "Kim.html", page(content)))
    assert [(m.kind, m.speaker, m.text) for m in found] == [
        ("message", "Kim", "bread?"),
        ("message", "Robin", "of rye"),
        ("message", "Me", "yes"),
        ("media", "Kim", "look"),
        ("system", None, "Kim left"),
    ]
    assert found[0].meta["reactions"] == [{"emoji": "Loved", "speaker": "Me"}]
    assert (found[0].timestamp, found[3].meta["attachments"]) == (datetime(2024, 2, 13, 21, 5, 11), ["attachments/1/a.jpeg"])


def test_an_edited_message_keeps_the_words_of_all_versions(tmp_path: Path) -> None:
    edited = bubble("Kim", "").replace(
        '<span class="bubble"></span>', '<div class="edited"><table><td>bread?</td><td>rye?</td></table></div>'
    )
    (message,) = read_one(write(tmp_path / "Kim.html", page(edited)))
    assert ("bread?" in message.text, "rye?" in message.text, message.meta["edited"]) == (True, True, True)


def test_a_page_that_is_cut_off_is_named(tmp_path: Path) -> None:
    whole = page(bubble("Kim", "bread?"), bubble("Me", "yes"))
    with pytest.raises(ExportError, match=r"Kim\.html: record 3: the page is cut off"):
        read_all(write(tmp_path / "Kim.html", whole[: whole.index("yes")]))
