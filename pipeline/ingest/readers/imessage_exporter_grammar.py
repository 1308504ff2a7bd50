"""What the lines of imessage-exporter's text are; the layout stands in `pipeline.ingest.readers.imessage_exporter`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from pipeline.ingest.readers.text_grammar import Entry, Line, TextFormat
from pipeline.ingest.times.written import read_written
from pipeline.schema import Kind

_TIME = r"[A-Z][a-z]{2} \d{1,2}, \d{4} {1,2}\d{1,2}:\d{2}:\d{2} [AP]M"
_HEADER = re.compile(rf"(?P<time>{_TIME})(?: \((?P<read>(?:Read|Delivered)[^()]{{0,120}})\))?")
_NOTICE = re.compile(rf"(?P<time>{_TIME}) (?P<text>[^(\s].*)", re.DOTALL)
_NESTED = re.compile(rf"(?P<indent> {{2,12}})(?P<time>{_TIME})(?: \((?:Read|Delivered)[^()]{{0,120}}\))?")
_REACTIONS = re.compile(r" {0,12}(?:Tapbacks|Reactions):")
_REACTION = re.compile(
    r" {0,12}(?:(?P<kind>[^\s].{0,30}?) by (?P<who>.{1,80})|Sticker from (?P<from>.{1,80}?): (?P<file>.{1,400}))"
)
_LEAST_HEADERS = 0.05
_RESPONDED = "This message responded to an earlier message."
_EXPRESSIVE = re.compile(r"Sent with (?P<effect>[A-Z][A-Za-z ]{2,20})")
_FILE = re.compile(r"(?:~?/|[A-Z]:\\|(?:\.{1,2}/)?attachments/).{1,400}\.\w{1,5}|Attachment missing!", re.IGNORECASE)
_UNSENT = re.compile(r".{1,80} unsent this message(?: part)?\b.{0,80}")


class ImessageExporterGrammar:
    """What the lines of a chat are: a time begins a row, the line below it is the sender."""

    def line(self, text: str) -> Line:
        """Return what a line is; the sender is only known from the whole text."""
        if header := _HEADER.fullmatch(text):
            written = read_written(header["time"])
            meta = {"read": header["read"]} if header["read"] else {}
            return None if written is None else Entry("", "", written, meta=meta)
        if notice := _NOTICE.fullmatch(text):
            written = read_written(notice["time"])
            return None if written is None else Entry(None, notice["text"], written, kind="system")
        return None

    def whole(self, entry: Entry, text: str) -> Entry:
        """Return the row with its sender, its words, and what stands below them."""
        if entry.speaker is None:
            return replace(entry, text=text.rstrip("\n"))
        lines = text.split("\n")[1:]
        while lines and not lines[-1].strip():
            lines.pop()
        if not lines:
            return replace(entry, speaker=None, kind="unsupported")
        meta = dict(entry.meta)
        words, replies = _without_replies(lines[1:])
        if replies:
            meta["replies"] = replies
        words = _without_notes(words, meta)
        kind = _kind(words, meta)
        return replace(entry, speaker=lines[0].strip() or None, text="\n".join(words), kind=kind, meta=meta)


def begins(lines: Sequence[str]) -> bool:
    """Whether the lines of a head that are not empty begin as a chat of the tool's does: with a time, a sender and words."""
    first = _HEADER.fullmatch(lines[0]) or (_NOTICE.fullmatch(lines[0]) if len(lines) > 1 and _HEADER.fullmatch(lines[1]) else None)
    headers = sum(_HEADER.fullmatch(line) is not None for line in lines)
    return first is not None and headers > 0 and headers >= _LEAST_HEADERS * len(lines)


def _without_replies(lines: Sequence[str]) -> tuple[list[str], list[dict[str, str]]]:
    """Return the lines without the answers that stand indented below a message, and those."""
    kept: list[str] = []
    replies: list[dict[str, str]] = []
    open_reply: list[str] | None = None
    indent = ""
    for line in lines:
        if nested := _NESTED.fullmatch(line):
            if open_reply is not None:
                replies.append(_reply(open_reply))
            open_reply, indent = [nested["time"]], nested["indent"]
        elif open_reply is not None and (line.startswith(indent) or not line.strip()):
            open_reply.append(line[len(indent) :])
        else:
            if open_reply is not None:
                replies.append(_reply(open_reply))
                open_reply = None
            kept.append(line)
    if open_reply is not None:
        replies.append(_reply(open_reply))
    return kept, replies


def _reply(lines: list[str]) -> dict[str, str]:
    time, sender, *words = [*lines, ""] if len(lines) < 2 else lines
    return {"time": time, "speaker": sender.strip(), "text": "\n".join(words).rstrip("\n")}


def _without_notes(lines: Sequence[str], meta: dict[str, object]) -> list[str]:
    """Return the words alone; the reactions, the effect, the note of a reply and the files go into ``meta``."""
    kept = list(lines)
    while kept and not kept[-1].strip():
        kept.pop()
    if kept and kept[-1] == _RESPONDED:
        kept.pop()
        meta["reply"] = True
    while kept and not kept[-1].strip():
        kept.pop()
    heads = [number for number, line in enumerate(kept) if _REACTIONS.fullmatch(line)]
    if heads:
        below = [line for line in kept[heads[-1] + 1 :] if line.strip()]
        matches = [_REACTION.fullmatch(line) for line in below]
        known = [match for match in matches if match is not None]
        if known and len(known) == len(matches):
            meta["reactions"] = [
                {"emoji": match["kind"] or match["file"], "speaker": match["who"] or match["from"]} for match in known
            ]
            kept = kept[: heads[-1]]
    if len(kept) > 1 and (effect := _EXPRESSIVE.fullmatch(kept[-1])):
        meta["effect"] = effect["effect"]
        kept.pop()
    files = [line for line in kept if _FILE.fullmatch(line)]
    if files:
        meta["attachments"] = files
        kept = [line for line in kept if not _FILE.fullmatch(line)]
    return kept


def _kind(words: list[str], meta: dict[str, object]) -> Kind:
    if len(words) == 1 and _UNSENT.fullmatch(words[0]):
        return "deleted"
    if meta.get("attachments"):
        return "media"
    return "message" if any(word.strip() for word in words) else "unsupported"


FORMAT = TextFormat(
    "imessage-exporter", "imessage", ImessageExporterGrammar, do="Export again with imessage-exporter -f txt", spaced=True
)
