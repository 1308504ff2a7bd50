"""Google Voice from Takeout: pages of one number are one conversation, with calls and voicemails."""

from __future__ import annotations

import html
from datetime import UTC, datetime
from pathlib import Path

import pytest
from helpers.exports import read_all, write
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ExportError

ROBIN, PAT = "+447700900123", "+447700900125"
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1).map(
    lambda t: f"·{t}·"
)


def cite(number: str = ROBIN, name: str = "Robin") -> str:
    tag = "abbr" if name == "Me" else "span"
    return f'<cite class="sender vcard"><a class="tel" href="tel:{number}"><{tag} class="fn">{name}</{tag}></a></cite>'


def message(words: str, sender: str = "", minute: int = 5, more: str = "") -> str:
    time = f"2024-02-13T21:{minute:02}:11.000+01:00"
    quoted = html.escape(words).replace("\n", "<br>")
    return f'<div class="message"><abbr class="dt" title="{time}">x</abbr>:\n{sender or cite()}: <q>{quoted}</q>{more}</div>\n'


ME = cite("+447700900124", "Me")


def page(folder: Path, name: str, *content: str, before: str = "") -> Path:
    head = '<?xml version="1.0" ?>\n<html xmlns="http://www.w3.org/1999/xhtml"><head><title>Robin</title></head>\n<body>'
    folder.mkdir(parents=True, exist_ok=True)
    body = f'{head}<div class="hChatLog hfeed">\n{before}{"".join(content)}</div></body></html>\n'
    return write(folder / f"{name}.html", body)


@given(texts=st.lists(WORDS, min_size=1, max_size=4))
@settings(max_examples=50)
def test_what_is_written_is_read(texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = page(tmp_path_factory.mktemp("x"), "Robin - Text - 2024-02-13T21_05_11Z", *(message(text) for text in texts))
    (conversation,), _ = read_all(path)
    assert [m.text for m in conversation.messages] == texts


def test_all_pages_of_a_number_are_one_conversation_in_order(tmp_path: Path) -> None:
    calls = tmp_path / "Takeout" / "Voice" / "Calls"
    page(calls, "Robin - Text - 2024-02-14T08_00_00Z", message("of rye\nnow", ME, 9))
    page(calls, "Robin - Text - 2024-02-13T21_05_11Z", message("bread?"), message("yes", ME, 6))
    page(calls, f"{PAT} - Text - 2024-02-13T22_00_00Z", message("hi", cite(PAT, PAT)))
    conversations, log = read_all(tmp_path)
    assert [export.format for export in log.exports] == ["google_voice"]
    found = {conversation.conversation_id: list(conversation.messages) for conversation in conversations}
    assert [(m.speaker, m.text) for m in found[ROBIN]] == [(ROBIN, "bread?"), ("Me", "yes"), ("Me", "of rye\nnow")]
    first = found[ROBIN][0]
    assert (first.timestamp, first.meta["speaker_name"]) == (datetime(2024, 2, 13, 20, 5, 11, tzinfo=UTC), "Robin")
    assert (first.source.line, [m.speaker for m in found[PAT]]) == (4, [PAT])


def test_a_group_is_a_conversation_of_its_own(tmp_path: Path) -> None:
    group = f'<div class="participants">Group conversation with:\n{cite()}, {cite(PAT, "Pat")}</div>\n'
    page(tmp_path, "Group Conversation - 2024-02-13T21_05_11Z", message("hi", cite(PAT, "Pat")), before=group)
    (conversation,), _ = read_all(tmp_path)
    assert conversation.conversation_id == f"{ROBIN}~{PAT}"
    assert [m.speaker for m in conversation.messages] == [PAT]


def test_calls_voicemails_and_files_are_kept_as_what_they_are(tmp_path: Path) -> None:
    def call(title: str, more: str = "") -> str:
        return (
            f'<div class="haudio"><span class="fn">{title}\nRobin</span>'
            f'<div class="contributor vcard"><a class="tel" href="tel:{ROBIN}">'
            f'<span class="fn">Robin</span></a></div><abbr class="published" title="2024-02-13T22:00:00.000Z">x</abbr>{more}</div>'
        )

    page(tmp_path, "Robin - Text - 2024-02-13T21_05_11Z", message("look", more='<div><img src="Robin-1.jpg" alt="Image"></div>'))
    page(tmp_path, "Robin - Missed - 2024-02-13T22_00_00Z", call("Missed call from"))
    spoken = '<span class="description"><span class="full-text">call me</span></span><audio src="a.mp3"></audio>'
    page(tmp_path, "Robin - Voicemail - 2024-02-13T22_00_01Z", call("Voicemail from", spoken))
    (conversation,), _ = read_all(tmp_path)
    assert [(m.kind, m.speaker, m.text) for m in conversation.messages] == [
        ("media", ROBIN, "look"),
        ("system", None, "Missed call from Robin"),
        ("media", ROBIN, "call me"),
    ]


def test_a_page_with_the_owners_words_alone_is_of_the_number_that_its_name_has_elsewhere(tmp_path: Path) -> None:
    page(tmp_path, "Robin - Text - 2024-02-13T21_05_11Z", message("bread?"))
    page(tmp_path, "Robin - Text - 2024-02-14T21_05_11Z", message("hello?", ME, 7))
    (conversation,), _ = read_all(tmp_path)
    assert len(list(conversation.messages)) == 2


def test_damage_is_named(tmp_path: Path) -> None:
    whole = page(tmp_path, "Robin - Text - 2024-02-13T21_05_11Z", message("bread?")).read_bytes()
    with pytest.raises(ExportError, match=r"a\.html: the page is cut off"):
        read_all(write(tmp_path / "a.html", whole[:-30]))
    with pytest.raises(ExportError, match="not of the form that Google Voice writes"):
        read_all(write(tmp_path / "b.html", whole.replace(b"2024-02-13T21:05", b"noon")))
    with pytest.raises(ExportError, match="holds no message and no call"):
        read_all(write(tmp_path / "c.html", "<html><body></body></html>"), format="google_voice")
    with pytest.raises(ExportError, match="holds nothing that can be read"):
        read_all(write(tmp_path / "d.html", "<!-- hChatLog --></html>"), format="google_voice")
