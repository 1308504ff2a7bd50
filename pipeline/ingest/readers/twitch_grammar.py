"""What the lines of a Twitch chat are, as Chatterino logs them and as TwitchDownloader writes them to text.

::

    # Start logging at 2024-02-13 21:05:11 CET
    [21:05:11]  robin_b: words
    [2024-02-13 21:05:20 UTC] kim: words        TwitchDownloader; [0:05:20] kim: words counts from the start of the broadcast

A line without a name before a colon is Twitch's own: a subscription, somebody timed out.
"""

from __future__ import annotations

import re

from pipeline.ingest.readers.text_grammar import Aside, Day, Entry, Line, TextFormat
from pipeline.ingest.times.clock import read_clock
from pipeline.ingest.times.written import read_written

_OPENED = re.compile(r"# (?:Start|Stop) logging at (?P<time>\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}).{0,40}")
_ROW = re.compile(
    r"\[(?P<time>(?:\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2} UTC)|\d{1,2}:\d{2}:\d{2}|\d{2}:\d{2})\] {1,2}"
    r"(?:(?P<name>[^\s:<>\[\]*#]{1,40}(?: ?\(\w{2,25}\)| \w{2,25})?):(?: (?P<text>(?!<[^<>]{1,40}> ).*))?|(?P<own>[^<\[*].*))",
    re.DOTALL,
)
_LEVEL = re.compile(r"(?:INFO|WARN|WARNING|ERROR|DEBUG|TRACE|FATAL|NOTICE)\b", re.IGNORECASE)


class TwitchGrammar:
    """What the lines of a chat are."""

    def line(self, text: str) -> Line:
        """Return what a line is."""
        if opened := _OPENED.fullmatch(text):
            written = read_written(opened["time"])
            return Day(written) if written and "# Start" in text else Aside("stopped", opened["time"])
        row = _ROW.fullmatch(text)
        if row is None or _LEVEL.match(row["name"] or row["own"]):
            return None
        entry = Entry(row["name"], row["text"] or "") if row["name"] else Entry(None, row["own"], kind="system")
        time = row["time"]
        if len(time) > 8:
            written = read_written(time)
            return Entry(entry.speaker, entry.text, written, kind=entry.kind) if written else None
        clock = read_clock(time)
        return Entry(entry.speaker, entry.text, clock=clock, kind=entry.kind) if clock else None

    def whole(self, entry: Entry, text: str) -> Entry:
        """Return the row as it is: it has one line."""
        return entry


FORMAT = TextFormat(
    "a Twitch chat",
    "twitch",
    TwitchGrammar,
    do="Give Chatterino's log, or TwitchDownloader's text",
    wraps=True,
    stray="unsupported",
)
