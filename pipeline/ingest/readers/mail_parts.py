"""The words and the files of a mail, however it is put together and encoded."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from html.parser import HTMLParser

_BREAKS = frozenset({"br", "p", "div", "tr", "li", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6"})
_SILENT = frozenset({"style", "script", "head", "title"})
_BLANKS = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True)
class Body:
    """The words of a mail, the names of its files, and how many characters of the words could not be decoded."""

    text: str
    files: tuple[str, ...]
    unreadable: int = 0


def parse_mail(raw: bytes) -> Message:
    """Return a mail from its bytes; the parser takes any bytes."""
    return message_from_bytes(raw)


def headers(mail: Message, name: str) -> list[str]:
    """Return the values of a header, decoded, each on one line."""
    return [_decoded(value) for value in mail.get_all(name, [])]


def header(mail: Message, name: str) -> str:
    """Return the first value of a header; nothing where there is none."""
    return next(iter(headers(mail, name)), "")


def _decoded(value: object) -> str:
    text = str(value)
    with suppress(MessageError, LookupError, UnicodeError, ValueError):
        text = str(make_header(decode_header(text)))
    return " ".join(text.encode("utf-8", "replace").decode("utf-8").split())


def text_and_files(mail: Message) -> Body:
    """Return the words of the plain parts, or of the HTML where there is no plain one, and the names of the other parts."""
    plain: list[str] = []
    rich: list[str] = []
    files: list[str] = []
    lost = 0
    for part in mail.walk():
        if part.is_multipart():
            continue
        type_ = part.get_content_type()
        name = _file_name(part)
        if name or part.get_content_disposition() == "attachment" or not type_.startswith("text/"):
            files.append(name or type_)
            continue
        text, broken = _text(part)
        lost += broken
        (rich if type_ == "text/html" else plain).append(text)
    words = "\n".join(plain) if any(text.strip() for text in plain) else "\n".join(map(_from_html, rich))
    return Body(words.replace("\r\n", "\n").strip("\n"), tuple(files), lost)


def _file_name(part: Message) -> str:
    try:
        name = part.get_filename()
    except (LookupError, UnicodeError, ValueError, MessageError):
        return "file"
    return _decoded(name) if name else ""


def _text(part: Message) -> tuple[str, int]:
    """Return the words of a part, and how many characters were lost."""
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return "", 0
    try:
        return raw.decode(part.get_content_charset() or "utf-8"), 0
    except (LookupError, UnicodeError, ValueError, MessageError):
        text = raw.decode("utf-8", "replace")
        return text, text.count("\ufffd")


class _Words(HTMLParser):
    """Gathers the words of a page, with a line break where a block begins."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT
        if tag in _BREAKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _SILENT and self._silent > 0

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(" ".join(data.split()) if not data.strip() else data)


def _from_html(text: str) -> str:
    words = _Words()
    try:
        words.feed(text)
        words.close()
    except (AssertionError, ValueError):
        return text
    return _BLANKS.sub("\n\n", "".join(words.parts)).strip()
