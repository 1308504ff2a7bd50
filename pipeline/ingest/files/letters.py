"""How much of a text that was read in some encoding is letters that a language writes, and writes often.

Bytes of one encoding that are read in another give letters of several scripts in a word, capitals within words, rare characters,
and signs. Every character beyond ASCII counts as one that fits, or as one that does not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

_LATIN = tuple(
    frozenset(letters)
    for letters in (
        *(
            "äöüß",
            "àâæçéèêëîïôœùûüÿñ",
            "áéíñóúü¿¡ªº",
            "áâãàçéêíóôõúüªº",
            "àèéìíîòóù",
            "éëïóöüèáêç",
            "åäöé",
            "æøåéèêóô",
            "áéíóúýþæöð",
        ),
        *("çğıöşüâîû", "äõöüšž", "āčēģīķļņšūž", "ąčęėįšųūž", "ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű"),
        *("ăâîșțşţ", "čćđšž", "çë", "àçèéíïóòúü·"),
        "áàảãạăắằẳẵặâấầẩẫậđéèẻẽẹêếềểễệíìỉĩịóòỏõọôốồổỗộơớờởỡợúùủũụưứừửữựýỳỷỹỵ",
    )
)
"""The letters beyond ASCII of languages that write in Latin letters: German, French, Spanish, Portuguese, Italian, Dutch, …"""

_CYRILLIC = tuple(
    frozenset(letters)
    for letters in (
        "абвгдежзийклмнопрстуфхцчшщъыьэюяё",
        "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
        "абвгдђежзијклљмнњопрстћуфхцчџш",
        "абвгдеёжзійклмнопрстуўфхцчшыьэюя",
    )
)
_ALPHABETS = {"latin": _LATIN, "cyrillic": _CYRILLIC}
_COMMON = {
    "cyrillic": frozenset("оеаинтсрвлкмдпуяіь"),
    "greek": frozenset("αοιετσνηυρκπςάέήίόύώ"),
    "hebrew": frozenset("יוהלאמרתבנשםכ"),
    "arabic": frozenset("الينموترهبدسعقة"),
    "thai": frozenset("านรกอเงมยลดวสทตัี่้ไ"),
}
"""Letters that make up four fifths of what is written in a script."""
_USUAL_SHARE = 0.75

_SCRIPTS = (
    ("latin", re.compile(r"[a-zA-Z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff¿¡]")),
    ("greek", re.compile(r"[\u0370-\u03ff]")),
    ("cyrillic", re.compile(r"[\u0400-\u04ff]")),
    ("hebrew", re.compile(r"[\u0590-\u05ff]")),
    ("arabic", re.compile(r"[\u0600-\u06ff]")),
    ("thai", re.compile(r"[\u0e00-\u0e7f]")),
    ("kana", re.compile(r"[\u3041-\u30ff]")),
    ("hangul", re.compile(r"[\uac00-\ud7a3]")),
    ("han", re.compile(r"[\u4e00-\u9fff]")),
)
_EAST = frozenset({"kana", "hangul", "han"})
_NEUTRAL = frozenset("«»“”‘’„‚‹›–—…€£§°·•№×\u00a0\u00ad\u200e\u200f、。，！？：；（）「」『』《》【】〜～※→←↑↓☆★♪♡●○■□△▲、؟،؛")
_JOINERS = frozenset("’‘·\u00ad\u200e\u200f")
_MARKS = re.compile(r"[\u0300-\u036f\u05b0-\u05c7\u064b-\u0652]")

# What stands first in the double-byte encodings: the characters in use, before the rare ones.
_LEVELS = {"gb18030": ("gb2312", b"\xd7"), "big5": ("big5", b"\xc6"), "cp932": ("euc_jp", b"\xcf"), "euc_jp": ("euc_jp", b"\xcf")}
_LAST_HANGUL = b"\xc8"
_CAPITALS = 0.5
"""What a text in capitals fits: people write small letters."""
_LEAST_KANA = 0.2


class Fit(NamedTuple):
    """Of the characters beyond ASCII that tell something, how many there are, and which share of them fits."""

    share: float
    characters: int


@cache
def _script(character: str) -> str | None:
    return next((name for name, pattern in _SCRIPTS if pattern.match(character)), None)


def fit(text: str, encoding: str) -> Fit:
    """Return how well a text fits that was read in an encoding."""
    scripts: Counter[str] = Counter()
    letters: dict[str, Counter[str]] = {}
    signs = capitals = 0
    before = " "
    after = text[1:] + " "
    for character, following in zip(text, after, strict=True):
        within = before.isalpha() and following.isalpha() and character not in _JOINERS
        if character > "\x7f" and (within or character not in _NEUTRAL) and not _MARKS.match(character):
            script = _script(character)
            if script is None or _is_torn(before, character, following, script):
                signs += 1
            else:
                scripts[script] += 1
                capitals += character.isupper()
                letters.setdefault(script, Counter())[character.lower()] += 1
        before = character
    count = signs + scripts.total()
    if not count:
        return Fit(0.0, 0)
    main = _main_script(scripts)
    share = sum(_fitting(name, letters[name], main, encoding) for name in letters) / count
    return Fit(share * _CAPITALS if main != "latin" and capitals * 2 > scripts.total() else share, count)


def _main_script(scripts: Counter[str]) -> str | None:
    east = Counter({name: scripts[name] for name in _EAST & scripts.keys()})
    if east.total() * 2 > scripts.total():
        return "kana" if scripts["kana"] >= _LEAST_KANA * east.total() else max(east, key=lambda name: east[name])
    return max(scripts, key=lambda name: scripts[name], default=None)


def _is_torn(before: str, character: str, following: str, script: str) -> bool:
    """Whether a letter is a capital behind a small one, or in a word with letters of another script."""
    if before.islower() and (character.isupper() or character in "¿¡"):
        return True
    if script in _EAST:
        return any(near.isascii() and near.islower() for near in (before, following))
    return any(near.isalpha() and _script(near) not in (script, None) for near in (before, following))


def _fitting(script: str, letters: Counter[str], main: str | None, encoding: str) -> float:
    """Return how many of the letters of a script fit."""
    total = letters.total()
    if main in _EAST:
        return _fitting_east(script, letters, main, encoding)
    if script != main:
        return total if script == "latin" and main is not None and total < 3 else 0
    known = max(
        (sum(count for letter, count in letters.items() if letter in alphabet) for alphabet in _ALPHABETS.get(script, ())),
        default=total,
    )
    if script == "latin":
        return known
    common = sum(count for letter, count in letters.items() if letter in _COMMON[script])
    return known * min(1.0, common / total / _USUAL_SHARE)


def _fitting_east(script: str, letters: Counter[str], main: str, encoding: str) -> float:
    if script not in _EAST:
        return 0
    fits: Callable[[str], bool] = {
        "kana": lambda letter: encoding in ("cp932", "euc_jp") and (script == "kana" or _is_common(letter, encoding)),
        "hangul": lambda letter: encoding == "cp949" and script == "hangul" and _bytes(letter, "euc_kr")[2:] == b"",
        "han": lambda letter: encoding in ("gb18030", "big5") and script == "han" and _is_common(letter, encoding),
    }[main]
    fitting = sum(count for letter, count in letters.items() if fits(letter))
    if encoding == "gb18030" and all(_bytes(letter, "gb2312")[:1] <= _LAST_HANGUL for letter in letters):
        return fitting / 2  # the bytes of Korean
    return fitting


def _is_common(character: str, encoding: str) -> bool:
    codec, last = _LEVELS[encoding]
    return b"" < _bytes(character, codec)[:1] <= last


@cache
def _bytes(character: str, codec: str) -> bytes:
    try:
        return character.encode(codec)
    except UnicodeEncodeError:
        return b"\xff\xff\xff"
