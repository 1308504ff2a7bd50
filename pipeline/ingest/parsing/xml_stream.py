"""XML of any size as a stream of events. A document type is refused, for a chat needs none and an attack does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Literal, NamedTuple
from xml.parsers import expat

from pipeline.errors import ArchiveRefused, ExportError
from pipeline.ingest.files.export_file import ExportFile

_BLOCK = 1 << 20


class XmlEvent(NamedTuple):
    """A start with its attributes, an end, or text; ``line`` counts from 1."""

    kind: Literal["start", "end", "text"]
    value: str
    attributes: dict[str, str]
    line: int


def read_xml(file: ExportFile, mended: Callable[[Iterator[bytes]], Iterator[bytes]] = iter) -> Iterator[XmlEvent]:
    """Yield the events of a whole file; ``mended`` repairs its bytes, block by block, where a program is known to write bad XML.

    Raises
    ------
    ExportError
        When it is not well-formed, with the line.
    ArchiveRefused
        When it declares a document type.
    """
    events: list[XmlEvent] = []
    parser = expat.ParserCreate("utf-8" if file.encoding or file.marked_encoding else None)
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, attributes: events.append(
        XmlEvent("start", name, attributes, parser.CurrentLineNumber)
    )
    parser.EndElementHandler = lambda name: events.append(XmlEvent("end", name, {}, parser.CurrentLineNumber))
    parser.CharacterDataHandler = lambda text: events.append(XmlEvent("text", text, {}, parser.CurrentLineNumber))
    doctypes: list[int] = []
    parser.StartDoctypeDeclHandler = lambda *_: doctypes.append(parser.CurrentLineNumber)
    # Entities cannot be declared before the document type is, so that a block with one is never looked at.
    parser.EntityDeclHandler = lambda *_: doctypes.append(parser.CurrentLineNumber)
    with file.open() as stream:
        for block in chain(mended(iter(lambda: stream.read(_BLOCK), b"")), [b""]):
            try:
                parser.Parse(block, not block)
            except expat.ExpatError as error:
                raise _refused(file, doctypes) if doctypes else _damaged(file, error) from None
            except (LookupError, ValueError):
                raise ExportError(
                    "an encoding that the XML parser does not know", where=f"{file.name}:1", do="Save it as UTF-8"
                ) from None
            if doctypes:
                raise _refused(file, doctypes)
            yield from events
            events.clear()


def _refused(file: ExportFile, doctypes: list[int]) -> ArchiveRefused:
    return ArchiveRefused("the XML declares a document type", where=f"{file.name}:{doctypes[0]}", do="Do not trust this file")


def _damaged(file: ExportFile, error: expat.ExpatError) -> ExportError:
    return ExportError(
        f"not valid XML at character {error.offset + 1} of the line",
        where=f"{file.name}:{error.lineno}",
        do="Copy the file again, whole",
    )
