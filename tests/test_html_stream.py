"""HTML as a stream: every element that is wanted, whole, with its line, in memory that does not grow with the page."""

from __future__ import annotations

import html
import tempfile
import tracemalloc
from pathlib import Path

import pytest
from helpers.exports import write
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ExportError
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.parsing.html_stream import Element, head_events, read_elements

# NUL has no form in HTML, and a parser makes a line feed of each carriage return.
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"))


def rows(path: Path) -> list[Element]:
    return list(read_elements(ExportFile(path), lambda element: "row" in element.classes))


def page(*parts: str) -> str:
    return "<!DOCTYPE html>\n<html><body>\n" + "\n".join(parts) + "\n</body></html>\n"


@given(texts=st.lists(WORDS, max_size=6))
def test_text_that_is_escaped_is_read_as_it_was(texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        parts = [f'<div class="a row"><b>{html.escape(text)}</b></div>' for text in texts]
        found = rows(write(Path(folder, "a.html"), page(*parts)))
    assert [element.words() for element in found] == texts
    assert [element.number for element in found] == list(range(1, len(texts) + 1))


def test_elements_have_their_lines_and_what_stands_in_them(tmp_path: Path) -> None:
    content = '<div class="row">\n<p class="x">a<br>b &amp; c</p><p class="y" title="t">d</p></div>'
    first, second = rows(
        write(tmp_path / "a.html", page(content, "<p>between</p>", '<div class="row"><div class="row">e</div></div>'))
    )
    assert (first.line, second.line) == (3, 6)
    x, y = first.find("x"), first.find("y")
    assert x is not None
    assert y is not None
    assert (x.words(), y.words(), y.attributes["title"]) == ("a\nb & c", "d", "t")
    assert first.words(without=lambda element: element is y) == "\na\nb & c"
    assert [element.words() for element in second.find_all("row")] == ["e"]


def test_a_row_in_one_long_line_of_many_bytes_is_whole(tmp_path: Path) -> None:
    content = "".join(f'<div class="row">ü{"€" * number}</div>' for number in range(600))
    found = rows(write(tmp_path / "a.html", "\ufeff<html>" + content + "</html>"))
    assert [element.words() for element in found] == [f"ü{'€' * number}" for number in range(600)]


def test_a_page_that_is_cut_off_is_an_error_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.html", page('<div class="row">a</div>')[:-9])
    with pytest.raises(ExportError, match=r"a\.html:4: the page is cut off"):
        rows(path)


def test_a_page_that_is_not_utf_8_is_an_error_with_its_line_and_not_its_text(tmp_path: Path) -> None:
    path = write(tmp_path / "a.html", page('<div class="row">bread\xff</div>').encode("latin-1"))
    with pytest.raises(ExportError, match=r"a\.html:3: not UTF-8") as caught:
        rows(path)
    assert "bread" not in str(caught.value)


def test_an_element_that_never_ends_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.html", page('<div class="row">', "x" * (1 << 24), "</div>"))
    with pytest.raises(ExportError, match="an element of"):
        rows(path)


def test_elements_deep_in_each_other_are_read(tmp_path: Path) -> None:
    (element,) = rows(write(tmp_path / "a.html", page('<div class="row">' + "<span>" * 5000 + "a" + "</span>" * 5000 + "</div>")))
    assert element.words() == "a"


def test_memory_does_not_grow_with_the_page(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    with path.open("w", encoding="utf-8") as stream:
        stream.write("<html><body>\n")
        for number in range(20_000):
            stream.write(f'<div class="row" id="r{number}"><p>words {number} &amp; more</p><img src="a"></div>\n')
        stream.write("</body></html>\n")
    tracemalloc.start(1)
    count = sum(1 for _ in read_elements(ExportFile(path), lambda element: "row" in element.classes))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (count, peak < 1_000_000) == (20_000, True)


def test_the_beginning_of_a_page_is_enough_for_its_marks() -> None:
    assert [event.value for event in head_events(b'<html><div class="a">b') if event.kind == "start"] == ["html", "body", "div"]
