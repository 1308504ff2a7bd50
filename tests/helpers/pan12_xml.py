"""PAN 2012's XML, built from messages."""

from __future__ import annotations

import html
from xml.sax.saxutils import escape, quoteattr


def message(line: int, text: str, author: str = "a" * 32, time: str = "03:20") -> str:
    words = escape(html.escape(text))
    return f"<message line={quoteattr(str(line))}><author>{author}</author><time>{time}</time><text>{words}</text></message>"


def corpus(*conversations: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<conversations>\n{"".join(conversations)}\n</conversations>\n'


def conversation(id_: str, *messages: str) -> str:
    return f"<conversation id={quoteattr(id_)}>\n" + "\n".join(messages) + "\n</conversation>\n"
