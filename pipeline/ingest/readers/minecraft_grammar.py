"""What the lines of Minecraft's logs are, of servers (vanilla, Spigot, Paper, Forge, Fabric) and of clients.

::

    [21:05:11] [Server thread/INFO]: <robin_b> words
    [21:05:11 INFO]: <robin_b> words
    2024-02-13 21:05:11 [INFO] <robin_b> words
    [21:05:11] [Render thread/INFO]: [System] [CHAT] <robin_b> words
    [21:05:11] [Server thread/INFO]: robin_b issued server command: /msg kim words

Private messages are told from the commands that a server logs, and from a client's ``whispers to you``. Every other line is a row
of the program's own, a ``system`` row.
"""

from __future__ import annotations

import re

from pipeline.ingest.readers.text_grammar import Entry, Line, TextFormat
from pipeline.ingest.times.clock import read_clock
from pipeline.ingest.times.written import read_written

_HEAD = re.compile(
    r"\[(?P<time>(?:\d{1,2}[A-Z][a-z]{2}\d{4} |\d{4}-\d{2}-\d{2} )?\d{2}:\d{2}:\d{2}(?:[.,]\d{3})?)(?P<paper> [A-Z]{4,5})?\]:? ?"
    r"(?P<tags>(?:\[[^\]]{1,80}\][: ]?){0,4}) ?|(?P<old>\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}) \[[A-Z]{4,7}\] "
)
_LEVEL = re.compile(r"/(?:INFO|WARN|ERROR|FATAL|DEBUG)\]")
_CHAT_TAG = re.compile(r"\[(?:CHAT|Async Chat Thread[^\]]*)\]")
_MARK = re.compile(r"minecraft|Setting user: |\[Server thread/|\[Render thread/|Loading libraries, please wait", re.IGNORECASE)
_COLOUR = re.compile(r"§.")
_LEAD = r"(?:\[(?:Not Secure|System|CHAT)\] )*"
_SAID = re.compile(rf"{_LEAD}<(?P<name>[^<>]{{1,80}})> (?P<text>.*)", re.DOTALL)
_COMMAND = re.compile(
    r"(?P<name>\w{2,20}) issued server command: /(?:[a-z]{1,20}:)?(?:e?msg|e?tell|w|e?whisper|m|t|pm|dm|message) "
    r"(?P<to>\S+) (?P<text>.*)",
    re.DOTALL | re.IGNORECASE,
)
_REPLY = re.compile(
    r"(?P<name>\w{2,20}) issued server command: /(?P<how>r|reply|er|me|say) (?P<text>.*)", re.DOTALL | re.IGNORECASE
)
_HEARD = re.compile(rf"{_LEAD}(?P<name>\w{{2,20}}) whispers(?: to you)?: (?P<text>.*)", re.DOTALL)
_WHISPERED = re.compile(rf"{_LEAD}You whisper to (?P<to>\w{{2,20}}): (?P<text>.*)", re.DOTALL)
_ARROW = re.compile(rf"{_LEAD}\[(?P<name>[^\[\]]{{1,40}}) -> (?P<to>[^\[\]]{{1,40}})\] (?P<text>.*)", re.DOTALL)
_DOES = re.compile(rf"{_LEAD}(?P<text>\* (?P<name>\w{{2,20}}) .*)", re.DOTALL)
_PLUGIN = re.compile(
    rf"{_LEAD}(?:\[[^\]]{{1,30}}\] ?)*~?(?P<name>\w{{2,20}})(?: ?\[[^\]]{{1,30}}\])? ?[:»>] (?P<text>.*)", re.DOTALL
)
_USER = re.compile(r"Setting user: (?P<name>\w{1,20})")


class MinecraftGrammar:
    """What the lines of a log are; it remembers the player of a client's log, who is ``You`` in whispers."""

    def __init__(self) -> None:
        self._player: str | None = None

    def line(self, text: str) -> Line:
        """Return what a line is."""
        head = _HEAD.match(text)
        if head is None or not (head["old"] or head["paper"] or _LEVEL.search(head["tags"])):
            return None
        time = head["old"] or head["time"]
        written = read_written(time) if len(time) > 12 else None
        clock = None if written else read_clock(time[:8])
        if written is None and clock is None:
            return None
        tags = head["tags"] or ""
        rest = text[head.end() :].removeprefix(": ")
        row = self._row(_COLOUR.sub("", rest), rest, chat=_CHAT_TAG.search(f"{tags}{rest[:30]}") is not None)
        return Entry(row.speaker, row.text, written, clock, row.kind, row.meta)

    def _row(self, plain: str, rest: str, *, chat: bool) -> Entry:
        if user := _USER.fullmatch(plain):
            self._player = user["name"]
        for pattern in (_SAID, _COMMAND, _HEARD, _ARROW, _REPLY):
            if match := pattern.fullmatch(plain):
                groups = match.groupdict()
                private = pattern in (_COMMAND, _HEARD, _ARROW) or (groups.get("how") or "me").casefold() not in ("me", "say")
                meta = {name: value for name, value in (("to", groups.get("to")), ("private", private)) if value}
                return Entry(self._who(match["name"]), match["text"], meta=meta)
        if match := _WHISPERED.fullmatch(plain):
            return Entry(self._who("You"), match["text"], meta={"to": match["to"], "private": True})
        if match := _DOES.fullmatch(plain):
            return Entry(match["name"], match["text"], meta={"action": True})
        if chat and (match := _PLUGIN.fullmatch(plain)):
            return Entry(match["name"], match["text"])
        return Entry(None, rest, kind="system")

    def _who(self, name: str) -> str:
        return self._player if self._player is not None and name in ("You", "me") else name.strip()

    def whole(self, entry: Entry, text: str) -> Entry:
        """Return the row as it is: it has one line."""
        return entry


def is_minecraft(text: str) -> bool:
    """Whether a head has a mark of Minecraft's: a log may begin with many lines in which nobody speaks."""
    return _MARK.search(text) is not None


FORMAT = TextFormat(
    "a Minecraft log", "minecraft", MinecraftGrammar, do="Give the server's or client's log as it is", wraps=True, stray="system"
)
