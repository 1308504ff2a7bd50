"""What the lines of KakaoTalk's chats are; the layouts stand in `pipeline.ingest.readers.kakaotalk`."""

from __future__ import annotations

import re
from dataclasses import replace

from pipeline.ingest.readers.text_grammar import Aside, Day, Entry, Line, TextFormat
from pipeline.ingest.times.clock import CLOCK, read_clock
from pipeline.ingest.times.written import read_written
from pipeline.schema import Kind

COLUMNS = ("Date", "User", "Message")
_CSV = re.compile(r"\ufeff?\"?Date\"?,\"?User\"?,\"?Message\"?\r?\n(?:\"?\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\"?,|\Z)")

_TITLE = re.compile(
    r"(?P<title>\S.{0,200}?)\s?님과\s?카카오톡 대화|(?P<group>\S.{0,200}?) 카카오톡 대화|KakaoTalk Chats with (?P<english>.{1,200})"
    r"|(?P<older>\S.{0,200}?) with KakaoTalk Chats"
)
_SAVED = re.compile(r"[^\d:]{2,30}\s?:\s?(?P<saved>\d{4}\D.{4,40}|[A-Z][a-z]{2}.{6,40})")
_FILE = re.compile(r"Talk_\d{4}.{4,40}\.txt")
_DAY = re.compile(r"(?:-{3,} )?(?P<date>[^\[\]-].{5,60}?)(?: ?[^\W\d]{1,3}(?:요일|曜日))?(?: -{3,})?")
_MOBILE = re.compile(
    r"(?P<time>(?:\d{4}|[A-Z])[^\[\]]{5,34}?\d{1,2}:\d{2}(?:[ \u202f]?[AaPp][Mm])?)"
    r"(?:, (?P<name>.+?) : (?P<text>.*)|[:,] (?P<notice>.*))",
    re.DOTALL,
)
_WINDOWS = re.compile(rf"\[(?P<name>.+?)\] \[(?P<clock>{CLOCK})\] ?(?P<text>.*)", re.DOTALL)

_NOTICE = re.compile(
    r".{1,40}님(?:이|과) (?:.{1,80}님(?:을|를) )?(?:들어왔습니다|나갔습니다|초대했습니다|초대하였습니다|내보냈습니다)\.?"
    r"|채팅방 관리자가 .{1,40}(?:가렸습니다|내보냈습니다)\.?"
    r"|.{1,40} (?:joined|left|has joined|has left)(?: this chatroom| the chatroom)?\."
    r"|.{1,40} invited .{1,80} to this chatroom\."
)
DELETED = re.compile(r"삭제된 메시지입니다\.?|This message was deleted\.?|메시지가 삭제되었습니다\.?")
THING = re.compile(
    r"사진(?: \d+장)?|동영상|이모티콘|\(이모티콘\) ?|음성메시지|연락처|지도:? ?.{0,80}|파일: .{1,200}"
    r"|(?:\d+ )?[Pp]hotos?|Videos?|Emoticons?|Voice Note|File: .{1,200}|<사진 읽지 않음>"
)
_CALL = re.compile(
    r"(?:보이스톡|페이스톡|라이브톡|그룹콜|Voice Call|Video Call|Live Talk)"
    r"(?: ?(?:해요|종료|취소|부재중|ended|canceled|missed))?(?: \d[\d:]*)?"
)


def is_csv(text: str) -> bool:
    """Whether a head is of the Mac's CSV."""
    return _CSV.match(text) is not None


class KakaoGrammar:
    """What the lines of KakaoTalk's text are."""

    def __init__(self) -> None:
        self._begun = False

    def line(self, text: str) -> Line:
        """Return what a line is."""
        row = self._row(text) or self._day(text)
        self._begun = self._begun or row is not None
        return row if row is not None or self._begun else _preamble(text)

    def _row(self, text: str) -> Line:
        if text.startswith("[") and (row := _WINDOWS.fullmatch(text)) and (clock := read_clock(row["clock"])):
            return Entry(row["name"], row["text"], clock=clock)
        if (row := _MOBILE.fullmatch(text)) and (written := read_written(row["time"])):
            if row["name"] is not None:
                return Entry(row["name"], row["text"], written=written)
            return Entry(None, row["notice"], written=written, kind="system")
        return Entry(None, text, kind="system", bare=True) if self._begun and _NOTICE.fullmatch(text) else None

    def _day(self, text: str) -> Line:
        match = _DAY.fullmatch(text)
        written = read_written(match["date"]) if match else None
        return Day(written) if written is not None else None

    def whole(self, entry: Entry, text: str) -> Entry:
        """Return the row with its whole text, which may be one of KakaoTalk's own."""
        if entry.kind != "message":
            return replace(entry, text=text)
        kind, meta = kind_of(entry.speaker, text)
        return replace(entry, text=text, kind=kind, meta=meta)


def _preamble(text: str) -> Line:
    if title := _TITLE.fullmatch(text):
        return Aside("title", next(part for part in title.groups() if part is not None))
    if _FILE.fullmatch(text):
        return Aside("file", text)
    saved = _SAVED.fullmatch(text)
    return Aside("saved", saved["saved"]) if saved and read_written(saved["saved"]) else None


def kind_of(speaker: str | None, text: str) -> tuple[Kind, dict[str, object]]:
    """Return what a row is; a notice in a person's name begins with that name."""
    if DELETED.fullmatch(text):
        return "deleted", {}
    if _CALL.fullmatch(text) or (speaker and text.startswith(f"{speaker}님") and _NOTICE.fullmatch(text)):
        return "system", {"actor_id": speaker}
    return ("media", {}) if THING.fullmatch(text) else ("message", {})


FORMAT = TextFormat("KakaoTalk", "kakaotalk", KakaoGrammar, do="Export the chat again: its menu, Settings, Export chat messages")
