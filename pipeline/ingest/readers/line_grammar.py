"""What the lines of LINE's chat histories are; the layouts stand in `pipeline.ingest.readers.line`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import dropwhile, takewhile

from pipeline.ingest.readers.text_grammar import Aside, Day, Entry, Line, TextFormat
from pipeline.ingest.times.clock import CLOCK, read_clock
from pipeline.ingest.times.written import read_written

TITLE = re.compile(r"\[LINE\]\s?(?P<title>\S.*)|(?P<plain>Chat history (?:with|in) .+)")
_SAVED = re.compile(r"[^\t\d:：]{2,40}[:：]\s?(?P<saved>\d{1,4}/\d{1,2}/\d{1,4},? .{4,12})")
_DATE = r"(?P<date>\d{4}[/.]\d{1,2}[/.]\d{1,2}|\d{1,2}/\d{1,2}/\d{4})"
_DAY = re.compile(rf"(?:[^\W\d]{{1,12}}\.?,?\s)?{_DATE}(?:\s?[(（][^\d()（）]{{1,10}}[)）]|\s[^\W\d]{{1,12}}\.?)?")
ROW = re.compile(rf"(?P<clock>{CLOCK})\t(?:(?P<name>[^\t]*)\t)?(?P<text>.*)", re.DOTALL)
SPACED = re.compile(r"(?P<clock>\d{1,2}:\d{2}) (?P<name>\S+) (?P<text>.*)", re.DOTALL)

BRACKETED_THING = re.compile(
    r"\[(?:photo|video|sticker|file|voice message|location|contact|album|note|gif|emoji|photos?|"
    r"写真|動画|スタンプ|ファイル|ボイスメッセージ|位置情報|連絡先|アルバム|ノート|絵文字|"
    r"照片|影片|貼圖|檔案|語音訊息|位置訊息|聯絡資訊|相簿|記事本|视频|贴图|文件|语音信息|位置信息|相册|"
    r"รูป|ภาพ|วิดีโอ|สติกเกอร์|ไฟล์|ข้อความเสียง|ตำแหน่ง|อัลบั้ม|โน้ต|"
    r"사진|동영상|스티커|파일|음성 메시지|위치정보|연락처|앨범|노트|"
    r"foto|stiker|berkas|pesan suara|lokasi|kontak|catatan)\]",
    re.IGNORECASE,
)
_THING = re.compile(BRACKETED_THING.pattern + r"(?: .{1,200})?", re.IGNORECASE)
_MOST = 0.6
_MOST_WORDS = 5
_FEW = 3
_CALL = re.compile(
    r"☎\s?(?:call time|missed call|canceled call|cancell?ed|no answer|call ended|group call started\.?|"
    r"通話時間|不在着信|キャンセル|通話をキャンセルしました|応答なし|発信取消|通話に応答がありませんでした|グループ通話が(?:開始|終了)しました。?|"
    r"未接來電|已取消|無應答|無人接聽|未接来电|สายที่ไม่ได้รับ|เวลาโทร|ยกเลิก|통화 시간|부재중 전화|취소|"
    r"chat\.message\.[a-z.]{1,40})(?:\s?[\d:]{1,8})?",
    re.IGNORECASE,
)
_TITLES = (
    re.compile(r"(?:LINE )?[Cc]hat (?:history )?(?:with|in) (.+)"),
    re.compile(r"(.+?)(?:との|の)トーク履歴"),
    re.compile(r"[與与]?(.+?)的聊天[記记紀纪][錄录]"),
    re.compile(r"ประวัติการ(?:แชท|สนทนา)(?:กับ|ใน)\s?(.+)"),
)


class LineGrammar:
    """What the lines of LINE's history are; ``names`` are those of the computer's layout, whose rows have blanks for tabs."""

    def __init__(self, names: Mapping[str, str] | None = None) -> None:
        self._names = names
        self._begun = False

    def line(self, text: str) -> Line:
        """Return what a line is."""
        if (day := _DAY.fullmatch(text)) and (written := read_written(day["date"].replace(".", "/"))):
            self._begun = True
            return Day(written)
        row = ROW.fullmatch(text) if self._names is None else SPACED.fullmatch(text)
        clock = read_clock(row["clock"]) if row else None
        if row is not None and clock is not None:
            self._begun = True
            name, words = (row["name"] or "").strip(), row["text"]
            if self._names is not None:
                name = self._names.get(name, name)
                words = f"{row['name']} {words}"[len(name) + 1 :]
            return Entry(name or None, words, clock=clock, kind="message" if name else "system")
        if not self._begun and (title := TITLE.fullmatch(text)):
            name = title["title"] or title["plain"]
            title_match = next((match for pattern in _TITLES if (match := pattern.fullmatch(name))), None)
            return Aside("title", title_match[1] if title_match else name)
        if not self._begun and (saved := _SAVED.fullmatch(text)):
            return Aside("saved", saved["saved"])
        return None

    def whole(self, entry: Entry, text: str) -> Entry:
        """Return the row with its whole text, without the quotation marks around several lines."""
        if "\n" in text and text[0] == text[-1] == '"':
            text = text[1:-1]
        kind, meta = entry.kind, dict(entry.meta)
        if entry.speaker is not None and _CALL.fullmatch(text):
            kind, meta["actor_id"] = "system", entry.speaker
        elif entry.speaker is not None and _THING.fullmatch(text):
            kind = "media"
        return replace(entry, text=text, kind=kind, meta=meta)


def is_spaced(lines: Sequence[str]) -> bool:
    """Whether the lines are of the computer's layout: a day with its weekday, then rows with blanks for tabs."""
    lines = list(dropwhile(lambda line: TITLE.fullmatch(line) or _SAVED.fullmatch(line), lines))
    day = _DAY.fullmatch(lines[0]) if lines else None
    rows = sum(SPACED.fullmatch(line) is not None or _DAY.fullmatch(line) is not None for line in lines)
    return day is not None and day["date"] != lines[0] and len(lines) > 1 and rows > _MOST * len(lines)


def names_of(lines: Iterable[str]) -> dict[str, str]:
    """Return the whole name by its first word: the words that all rows share which begin with that word, if there are a few."""
    shared: dict[str, list[str]] = {}
    counts: Counter[str] = Counter()
    for line in lines:
        row = SPACED.fullmatch(line)
        if row is None:
            continue
        words = row["text"].split(" ")[:_MOST_WORDS]
        counts[row["name"]] += 1
        known = shared.setdefault(row["name"], words[:-1] or [])
        known[:] = [word for word, other in takewhile(lambda pair: pair[0] == pair[1], zip(known, words, strict=False))]
    return {first: " ".join([first, *rest]) for first, rest in shared.items() if counts[first] >= _FEW}


FORMAT = TextFormat("LINE", "line", LineGrammar, do="Export the chat again: its menu, Settings, Export chat history")
