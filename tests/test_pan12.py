"""PAN 2012's XML: attributes, entities written twice, times without a day, and nothing that XML can do beyond it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from helpers.exports import read_all, read_one, write
from helpers.pan12_xml import conversation, corpus, message
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ArchiveRefused, ExportError

# XML 1.0 has no place for other control characters, and a parser makes one line end of two.
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1)


@given(texts=st.lists(WORDS, min_size=1, max_size=5))
def test_what_is_written_is_read(texts: list[str]) -> None:
    content = corpus(conversation("c1", *(message(line, text) for line, text in enumerate(texts, 1))))
    with tempfile.TemporaryDirectory() as folder:
        found = read_one(write(Path(folder, "p.xml"), content))
    assert [(m.message_id, m.text) for m in found] == [(str(line), text) for line, text in enumerate(texts, 1)]


def test_ids_lines_authors_and_times_are_kept(tmp_path: Path) -> None:
    content = corpus(
        conversation("e1f", message(1, "hi"), message(2, "a & b <c>", author="b" * 32, time="23:59")), conversation("e2")
    )
    first, second = read_all(write(tmp_path / "p.xml", content))[0]
    assert (first.conversation_id, first.platform) == ("e1f", "pan12")
    one, two = first.messages
    assert (one.message_id, one.speaker, one.meta, one.timestamp) == ("1", "a" * 32, {"time": "03:20"}, None)
    assert (two.speaker, two.text, two.meta["raw_text"]) == ("b" * 32, "a & b <c>", "a &amp; b &lt;c&gt;")
    assert [one.source.line, two.source.line] == [4, 5]
    assert list(second.messages) == []


def test_an_empty_text_is_still_a_message(tmp_path: Path) -> None:
    content = corpus(conversation("c", '<message line="1"><author>x</author><time>01:00</time><text/></message>'))
    (found,) = read_one(write(tmp_path / "p.xml", content))
    assert (found.kind, found.speaker, found.text) == ("message", "x", "")


@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_a_cut_off_file_is_an_error_with_its_line(keep: float, tmp_path: Path) -> None:
    content = corpus(conversation("c", *(message(line, "hello") for line in range(1, 30))))
    with pytest.raises(ExportError, match=r"p\.xml:\d+: not valid XML"):
        read_all(write(tmp_path / "p.xml", content[: int(len(content) * keep)]))


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]>',
    ],
)
def test_a_document_type_is_refused(doctype: str, tmp_path: Path) -> None:
    content = corpus(conversation("c", message(1, "hello"))).replace("<conversations>", f"{doctype}<conversations>")
    with pytest.raises(ArchiveRefused, match="declares a document type"):
        read_all(write(tmp_path / "p.xml", content))


@pytest.mark.parametrize("encoding", ["UTF-4", "utf-7"])
def test_an_encoding_that_the_parser_does_not_know_is_an_error(encoding: str, tmp_path: Path) -> None:
    content = f'<?xml version="1.0" encoding="{encoding}"?>\n' + corpus(conversation("c", message(1, "hello"))).split("?>")[-1]
    with pytest.raises(ExportError, match=r"p\.xml:1: an encoding that"):
        read_all(write(tmp_path / "p.xml", content))


def test_another_element_is_named_by_its_line(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"p\.xml:4: an element `note` stands here"):
        read_all(write(tmp_path / "p.xml", corpus(conversation("c", "<note/>"))))
