"""What the lines of IRC logs are: irssi, WeeChat, mIRC, HexChat and XChat, and the manner of energymech, eggdrop, ZNC and Limnoria.

::

    --- Log opened Tue Feb 13 21:05:11 2024         21:05 <@robin> words      21:05 -!- kim [~kim@host] has joined #bakers
    Session Start: Tue Feb 13 21:05:11 2024         [21:05] <robin> words     [21:05] * kim has joined #bakers
    **** BEGIN LOGGING AT Tue Feb 13 21:05:11 2024  Feb 13 21:05:11 <robin><TAB>words
    2024-02-13 21:05:11<TAB>robin<TAB>words         2024-02-13 21:05:11<TAB>--><TAB>kim (~kim@host) has joined #bakers
    [21:05:11] <robin> words                        [21:05:11] *** Joins: kim (~kim@host)

A row is one line. ``* robin waves`` is what robin says of themselves, a message with ``meta["action"]``, unless its whole wording
is a notice's. Colours and other marks of mIRC's are kept in the text.
"""

from __future__ import annotations

import re
from dataclasses import replace

from pipeline.ingest.readers.text_grammar import Aside, Day, Entry, Line, TextFormat
from pipeline.ingest.times.clock import read_clock
from pipeline.ingest.times.written import WrittenTime, read_written

_OPENED = re.compile(
    r"(?:--- Log (?:opened|closed)|--- Day changed|Session (?:Start|Close|Time):|\*\*\*\* (?:BEGIN|ENDING) LOGGING AT"
    r"|# Log (?:started|closed):) (?P<time>.{10,40})"
)
_ABOUT = re.compile(r"Session Ident: (?P<name>.{1,200})")
_ISO = r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:?\d{2})?"
_TIME = re.compile(
    rf"(?:\[(?P<boxed>{_ISO}|\d{{2}}:\d{{2}}(?::\d{{2}})?)\]|(?P<whole>{_ISO})"
    r"|(?P<short>[A-Z][a-z]{2} \d{2} \d{2}:\d{2}:\d{2})|(?P<clock>\d{2}:\d{2}(?::\d{2})?))(?P<gap>[ \t]+)"
)
_MARKS = re.compile(r"\x03(?:\d{1,2}(?:,\d{1,2})?)?|[\x02\x0f\x11\x16\x1d\x1e\x1f]")
_NICK = r"[^\s<>]{1,64}"
_SAID = re.compile(rf"<(?P<mode>[ @+%~&!]?)(?P<nick>{_NICK})>(?:[ \t](?P<text>.*))?", re.DOTALL)
_NOTICED = re.compile(rf"-(?P<nick>{_NICK}?)(?:[:/][#&]\S+)?- (?P<text>.*)", re.DOTALL)
_OWN = re.compile(r"(?:-!-|\*\*\*|-->|<--|--|=!=)[ \t](?P<text>.*)", re.DOTALL)
_DOES = re.compile(rf"(?:\*|Action:)[ \t](?P<text>(?P<nick>{_NICK})(?: .*)?)", re.DOTALL)
_COLUMN = re.compile(r"(?P<mode>[@+%~&! ]?)(?P<nick>[^\s<>*-][^\t]{0,63})\t(?P<text>.*)", re.DOTALL)
_EGGDROP = re.compile(
    r"\S+ \(\S+@\S+\) (?:joined|left|got netsplit|rejoined).{0,200}|\S+: mode change '.{1,80}|Nick change: .{1,80}"
)
_HOST = r"(?: [(\[][^\s()\[\]]{1,100}[)\]])?"
_NOTICE = re.compile(
    rf"{_NICK}{_HOST} (?:has )?(?:joined|left|quit|parted)(?: [#&]\S+| IRC| the channel)?(?: ?[(\[].{{0,300}}[)\]])?\.?"
    rf"|{_NICK}{_HOST} (?:was kicked|has been kicked|has kicked \S+)(?: from [#&]\S+)? ?(?:by \S+)?(?: ?[(\[].{{0,300}}[)\]])?\.?"
    rf"|{_NICK} (?:is now known as \S+|sets mode:? .{{1,80}}|(?:sets|changes|has changed) (?:the )?topic(?: to:?)? .{{0,400}})"
    rf"|{_NICK} (?:gives|removes) (?:channel (?:half-)?operator status|voice) (?:to|from) .{{1,80}}"
    r"|Now talking (?:in|on) [#&]\S+|Topic (?:is|for|set by) .{0,400}|You are now known as \S+|Disconnected(?: \(.{0,100}\))?"
)


class IrcGrammar:
    """What the lines of a log are; the year of HexChat's dates is that of the last line that says one."""

    def __init__(self) -> None:
        self._year: int | None = None
        self._month = 0

    def line(self, text: str) -> Line:
        """Return what a line is."""
        if (opened := _OPENED.fullmatch(text)) and (written := read_written(opened["time"])):
            self._year, self._month = written.header.date[0], written.header.date[1]
            return Day(written)
        if about := _ABOUT.fullmatch(text):
            return Aside("title", about["name"])
        time = _TIME.match(text)
        if time is None:
            return None
        row = self._row(text[time.end() :], tab=time["gap"] == "\t")
        return None if row is None else self._timed(row, time)

    def _row(self, rest: str, *, tab: bool) -> Entry | None:
        plain = _MARKS.sub("", rest)
        if said := _SAID.fullmatch(rest) or (_SAID.fullmatch(plain) if plain.startswith("<") else None):
            return Entry(_bare(said["nick"]), said["text"] or "", meta=_mode(said["mode"]))
        if written := _OWN.fullmatch(rest):
            return Entry(None, written["text"], kind="system")
        if does := _DOES.fullmatch(rest):
            if _NOTICE.fullmatch(does["text"]):
                return Entry(None, does["text"], kind="system")
            return Entry(_bare(does["nick"]), does["text"], meta={"action": True})
        if noticed := _NOTICED.fullmatch(rest):
            return Entry(_bare(noticed["nick"]), noticed["text"], meta={"notice": True})
        if tab and (column := _COLUMN.fullmatch(rest)):
            return Entry(_bare(column["nick"]), column["text"], meta=_mode(column["mode"]))
        return Entry(None, rest, kind="system") if _EGGDROP.fullmatch(rest) else None

    def _timed(self, entry: Entry, time: re.Match[str]) -> Entry | None:
        text = time["boxed"] or time["whole"] or time["short"] or time["clock"]
        if time["short"]:
            written = self._dated(text)
            return replace(entry, written=written) if written else replace(entry, clock=read_clock(text[7:]))
        if len(text) > 8:
            written = read_written(text.replace("T", " "))
            return replace(entry, written=written) if written else None
        clock = read_clock(text)
        return replace(entry, clock=clock) if clock else None

    def _dated(self, text: str) -> WrittenTime | None:
        """Return a time without a year in the year that is known; a month earlier than the last is of the next one."""
        if self._year is None:
            return None
        written = read_written(f"{text[:6]} {self._year} {text[7:]}")
        if written is not None and written.header.date[1] < self._month:
            self._year += 1
            written = read_written(f"{text[:6]} {self._year} {text[7:]}")
        if written is not None:
            self._month = written.header.date[1]
        return written

    def whole(self, entry: Entry, text: str) -> Entry:
        """Return the row as it is: it has one line."""
        return entry


def _bare(nick: str) -> str:
    return _MARKS.sub("", nick).lstrip("@+%~&! ") or nick


def _mode(mode: str) -> dict[str, object]:
    return {"mode": mode} if mode.strip() else {}


FORMAT = TextFormat("an IRC log", "irc", IrcGrammar, do="Give the client's log as it is", wraps=True, stray="unsupported")
