"""HTML of any size as a stream: events of lxml's parser, or the elements that a reader asks for, one at a time.

No tree of the page is kept, so that memory does not grow with the file. ::

    for element in read_elements(file, lambda element: "message" in element.classes):
        element.find("text")            # the first element within that has this class
        element.words()                 # its text, with a line break for each <br>
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue] - it is compiled, without stubs

from pipeline.errors import ExportError
from pipeline.ingest.files.export_file import ExportFile

_PIECE = 1 << 16
_LARGEST_ELEMENT = 1 << 24
"""How many characters of one element are held at most."""
_TAIL = 1 << 10


class HtmlEvent(NamedTuple):
    """A start with its attributes, an end, or text; ``line`` counts from 1. Tags and names of attributes are in lower case."""

    kind: Literal["start", "end", "text"]
    value: str
    attributes: dict[str, str]
    line: int


class Element:
    """An element with all that stands in it. ``line`` is where it starts, ``number`` its place among those yielded, from 1."""

    __slots__ = ("attributes", "content", "line", "number", "tag")

    def __init__(self, tag: str, attributes: dict[str, str], line: int) -> None:
        self.tag = tag
        self.attributes = attributes
        self.line = line
        self.number = 0
        self.content: list[Element | str] = []

    @property
    def classes(self) -> list[str]:
        """The names in its ``class``."""
        return self.attributes.get("class", "").split()

    @property
    def children(self) -> list[Element]:
        """The elements that stand in it directly."""
        return [part for part in self.content if isinstance(part, Element)]

    def walk(self, *, into: Callable[[Element], bool] = lambda element: True) -> Iterator[Element]:
        """Yield every element within it, in the order of the page; what is within one that ``into`` refuses is left out."""
        waiting = self.children[::-1]
        while waiting:
            element = waiting.pop()
            yield element
            if into(element):
                waiting += element.children[::-1]

    def find(self, class_: str) -> Element | None:
        """Return the first element within it that has a class."""
        return next((element for element in self.walk() if class_ in element.classes), None)

    def find_all(self, *classes: str) -> list[Element]:
        """Return the elements within it that have one of these classes."""
        return [element for element in self.walk() if any(name in classes for name in element.classes)]

    def words(self, *, without: Callable[[Element], bool] = lambda element: False) -> str:
        r"""Return its text as it stands there, with ``\n`` for each ``<br>``; elements for which ``without`` holds are left out."""
        parts: list[str] = []
        waiting: list[Element | str] = self.content[::-1]
        while waiting:
            part = waiting.pop()
            if isinstance(part, str):
                parts.append(part)
            elif part.tag == "br":
                parts.append("\n")
            elif not without(part):
                waiting += part.content[::-1]
        return "".join(parts)


class _Target:
    """Collects what the parser finds; ``line`` is set by who feeds it."""

    def __init__(self) -> None:
        self.events: list[HtmlEvent] = []
        self.line = 1

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.events.append(HtmlEvent("start", tag, dict(attributes), self.line))

    def end(self, tag: str) -> None:
        self.events.append(HtmlEvent("end", tag, {}, self.line))

    def data(self, text: str) -> None:
        self.events.append(HtmlEvent("text", text, {}, self.line))

    def close(self) -> None:
        """Nothing is built."""


def head_events(head: bytes) -> list[HtmlEvent]:
    """Return the events of the beginning of a page, however it goes on."""
    target = _Target()
    parser = _parser(target)
    parser.feed(head.decode("utf-8", "replace").encode())
    return target.events


def read_html(file: ExportFile) -> Iterator[HtmlEvent]:
    """Yield the events of a whole page.

    Raises
    ------
    ExportError
        When it is not UTF-8 or has no end, with the line.
    """
    target = _Target()
    parser = _parser(target)
    decoder = codecs.getincrementaldecoder("utf-8")()
    tail = b""
    with file.open() as stream:
        while piece := stream.readline(_PIECE):
            piece = piece.removeprefix(codecs.BOM_UTF8) if not tail else piece
            tail = (tail + piece)[-_TAIL:]
            try:
                decoder.decode(piece)
                parser.feed(piece)
            except UnicodeDecodeError:
                raise _damaged(file, target.line, "not UTF-8 in this line") from None
            except etree.LxmlError:
                raise _damaged(file, target.line, "not HTML that can be read") from None
            yield from target.events
            target.events.clear()
            target.line += piece.endswith(b"\n")
    if b"</html" not in tail.lower() or decoder.getstate()[0]:
        raise _damaged(file, target.line, "the page is cut off: its `</html>` is missing")
    parser.close()
    yield from target.events


def _damaged(file: ExportFile, line: int, what: str) -> ExportError:
    return ExportError(what, where=f"{file.name}:{line}", do="Copy or export it again, and do not edit it")


def read_elements(file: ExportFile, wanted: Callable[[Element], bool]) -> Iterator[Element]:
    """Yield the elements that are wanted, each whole, in the order of the page; one within another is only a part of it.

    ``wanted`` sees an element without its content.

    Raises
    ------
    ExportError
        When the page is damaged, or one element is larger than any message.
    """
    return _elements(read_html(file), wanted, file.name)


def head_elements(head: bytes, wanted: Callable[[Element], bool]) -> Iterator[Element]:
    """Yield the elements of the beginning of a page that are wanted and whole, however it goes on."""
    return _elements(iter(head_events(head)), wanted, "")


def _elements(events: Iterator[HtmlEvent], wanted: Callable[[Element], bool], name: str) -> Iterator[Element]:
    open_elements: list[Element] = []
    root = Element("", {}, 0)
    size = number = 0
    for event in events:
        if event.kind == "start":
            element = Element(event.value, event.attributes, event.line)
            if open_elements:
                open_elements[-1].content.append(element)
                open_elements.append(element)
            elif wanted(element):
                root = element
                open_elements.append(root)
                size = 0
            size += 100
        elif not open_elements:
            continue
        elif event.kind == "text":
            open_elements[-1].content.append(event.value)
            size += len(event.value)
        else:
            while open_elements.pop().tag != event.value and open_elements:
                pass  # an end tag closes what was left open within its element
            if not open_elements:
                number += 1
                root.number = number
                yield root
        if size > _LARGEST_ELEMENT:
            raise ExportError(
                f"an element of {_LARGEST_ELEMENT:,} characters or more", where=f"{name}:{event.line}", do="Check the file"
            )


def _parser(target: _Target) -> etree.HTMLParser:
    return etree.HTMLParser(target=target, encoding="utf-8", huge_tree=True)
