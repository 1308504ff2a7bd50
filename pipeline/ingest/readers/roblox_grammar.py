"""What the lines of a Roblox client's log are: the words that its player wrote and saw, among thousands of the engine's own.

::

    2024-02-13T21:05:11.006Z,11.006128,5958,6 [FLog::Output] [ExpChat/mountClientApp (Trace)] - Player added: robin_b 1598581117
    2024-02-13T21:05:12.006Z,12.006128,5958,6,Info [FLog::Output] [ExpChat/mountClientApp (Debug)]
        - Incoming MessageReceived Status: Success Text: shall we build          (one line)
    2024-02-13T21:05:13.006Z,13.006128,5958,6 [FLog::Output] … - Outgoing SendingMessage Status: Sending Text: yes
    2024-02-13T21:05:14.006Z,14.006128,5958,6 [FLog::Output] Info: chat: robin_b: shall we build

The client does not log who wrote what it received: the speaker is ``unknown``. What the player sends comes in again: that row is
the program's own. The last form is what games print.
"""

from __future__ import annotations

import re

from pipeline.ingest.addresses import OWNER, UNKNOWN
from pipeline.ingest.readers.text_grammar import Aside, Entry, Line, TextFormat
from pipeline.ingest.times.written import WrittenTime, read_written

_HEAD = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})T(?P<clock>\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?)Z,\d+\.\d+,[0-9a-f]+,\d+(?:,\w+)? "
    r"\[D?FLog::\w+\] ?(?P<rest>.*)",
    re.DOTALL,
)
_CHAT = r"\[ExpChat/mountClientApp \((?:Debug|Trace)\)\] - "
_CAME = re.compile(rf"{_CHAT}Incoming MessageReceived Status: \w+ Text: (?P<text>.*)", re.DOTALL)
_SENT = re.compile(rf"{_CHAT}Outgoing SendingMessage Status: \w+ Text: (?P<text>.*)", re.DOTALL)
_PLAYER = re.compile(rf"{_CHAT}(?P<text>Player (?:added|removed): .*)", re.DOTALL | re.IGNORECASE)
_PRINTED = re.compile(r"(?:Info: )?chat: (?P<name>[^\s:]{1,30}): (?P<text>.*)", re.DOTALL | re.IGNORECASE)
_SPOKEN = re.compile(rf"{_CHAT}(?:Incoming|Outgoing) |\] (?:Info: )?chat: [^\s:]{{1,30}}: ")


class RobloxGrammar:
    """What the lines of a log are; it remembers what the player sent last, which comes in again."""

    def __init__(self) -> None:
        self._sent: list[str] = []

    def line(self, text: str) -> Line:
        """Return what a line is."""
        head = _HEAD.fullmatch(text)
        written = read_written(f"{head['day']} {head['clock']} UTC") if head is not None else None
        if head is None or written is None:
            return None
        return self._row(head["rest"], written) or Aside("program", "Roblox client")

    def _row(self, rest: str, written: WrittenTime) -> Entry | None:
        if match := _SENT.fullmatch(rest):
            self._sent.append(match["text"])
            return Entry(OWNER, match["text"], written, meta={"owner": True})
        if match := _CAME.fullmatch(rest):
            if match["text"] in self._sent:
                self._sent.remove(match["text"])
                return Entry(None, match["text"], written, kind="system", meta={"repeats": "what the player sent"})
            return Entry(UNKNOWN, match["text"], written)
        if match := _PRINTED.fullmatch(rest):
            return Entry(match["name"], match["text"], written)
        if match := _PLAYER.fullmatch(rest):
            return Entry(None, match["text"], written, kind="system")
        return None

    def whole(self, entry: Entry, text: str) -> Entry:
        """Return the row as it is: it has one line."""
        return entry


def is_roblox(text: str) -> bool:
    """Whether a head is that of a Roblox client's log."""
    lines = [line for line in text.split("\n")[:20] if line.strip()]
    heads = [_HEAD.match(line) is not None for line in lines]
    return bool(heads) and heads[0] and sum(heads) * 2 > len(heads)


def has_chat(text: str) -> bool:
    """Whether anybody chats in a log, as far as the text goes."""
    return _SPOKEN.search(text) is not None


FORMAT = TextFormat(
    "a Roblox log", "roblox", RobloxGrammar, do="Give the client's log, of logs/ in Roblox's folder", stray="unsupported"
)
