"""Which encoding a file is in, and the file as UTF-8 whatever it is in.

A byte order mark decides; so do zeros in every other byte, and escape sequences. Of bytes that are not UTF-8, charset-normalizer
says which encodings they may be in; one of these has to fit plainly better than the others (`pipeline.ingest.files.letters`). A
file that is UTF-8 but for single bytes is damaged, and stays an error.
"""

from __future__ import annotations

import codecs
import re
from typing import BinaryIO

import numpy as np
from charset_normalizer import from_bytes

from pipeline.errors import ExportError
from pipeline.ingest.files.block_stream import BLOCK, BlockStream
from pipeline.ingest.files.letters import Fit, fit

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CANDIDATES = (
    *("cp1252", "mac_roman", "cp850", "cp1250", "iso8859_2", "cp852", "mac_latin2", "cp1254", "cp857"),
    *("cp1251", "koi8_r", "koi8_u", "cp866", "cp1125", "iso8859_5", "mac_cyrillic", "cp1253", "cp1255", "cp1256", "cp874"),
    *("gb18030", "big5", "cp932", "euc_jp", "cp949"),
)
_LIKELIEST = "cp1252"
_ESCAPED = ((b"\x1b$B", "iso2022_jp"), (b"\x1b$@", "iso2022_jp"), (b"\x1b$)C", "iso2022_kr"))
_LONGEST_LETTER = 4
_SAMPLE = 1 << 18
_WEIGHED = 1 << 14
"""How many characters are weighed one by one."""
_FEW_ZEROS = 0.4

_LEAST_FIT = 0.8
"""Which share of the characters beyond ASCII has to fit."""
_LEAST_CHARACTERS = 3
"""Fewer characters than this say no encoding but the likeliest."""
_CLEARLY = 0.1
"""How much more of them has to fit than in another encoding, where not all fit."""
_ONE = 0.9
"""About one character that does not fit, where all others do."""

_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_WORD_BEYOND_ASCII = re.compile(r"(?=[^\W\d_]*[^\x00-\x7f])[^\W\d_]{2,}")


def marked_encoding(head: bytes) -> str | None:
    """Return the encoding that a byte order mark says, but for UTF-8's."""
    return next((name for mark, name in _MARKS if head.startswith(mark)), None)


def unmarked_utf16(head: bytes) -> str | None:
    """Return the order of UTF-16 without a mark, told by the zeros in every other byte; ``None`` where there are none."""
    first, second = head[:4096:2], head[1:4096:2]
    if len(head) < 16 or not second:
        return None
    if second.count(0) > _FEW_ZEROS * len(second) and 0 not in first:
        return "utf-16-le"
    return "utf-16-be" if first.count(0) > _FEW_ZEROS * len(first) and 0 not in second else None


def escaped_encoding(head: bytes) -> str | None:
    """Return the encoding that escape sequences in a head say, as mails and old telephones in Japan write it."""
    return next((name for sequence, name in _ESCAPED if sequence in head), None)


def is_legacy_text(head: bytes) -> bool:
    """Whether a head is text that is not UTF-8; the last letter may be cut off."""
    ends = range(len(head) - _LONGEST_LETTER if len(head) >= BLOCK else len(head), len(head) + 1)
    return _CONTROLS.search(head) is None and not any(is_utf8(head[:end]) for end in ends)


def legacy_encoding(stream: BinaryIO) -> str | None:
    """Return the encoding of a text that is not UTF-8, if there is one that fits plainly better than any other.

    ``None`` also where the text is UTF-8, or was.
    """
    lines, well_formed, broken = _lines_beyond_ascii(stream)
    if not broken or well_formed > broken or _CONTROLS.search(lines):
        return None
    readings: dict[str, tuple[Fit, str]] = {}
    for name in _possible(lines):
        try:
            text = lines.decode(name)
        except UnicodeDecodeError:
            continue
        readings.setdefault(text, (fit(text[:_WEIGHED], name), name))
    if not readings:
        return None
    best = max(reading.share for reading, _ in readings.values())
    near = [(name, text) for text, (reading, name) in readings.items() if _is_near(reading, best)]
    name, text = near[0]
    few = readings[text][0].characters < _LEAST_CHARACTERS and name != _LIKELIEST
    if best < _LEAST_FIT or few or not _WORD_BEYOND_ASCII.search(text):
        return None
    return name if len(near) == 1 or (name == _LIKELIEST and not _is_romanian(text)) else None


def _possible(lines: bytes) -> list[str]:
    """Return the encodings that charset-normalizer thinks possible."""
    names: set[str] = set()
    for match in from_bytes(lines, cp_isolation=list(_CANDIDATES)):
        names.update(match.could_be_from_charset, [match.encoding])
    return [name for name in _CANDIDATES if name in names]


def _is_near(reading: Fit, best: float) -> bool:
    """Whether a reading may be the right one beside the best."""
    away = best - reading.share
    return away * reading.characters < _ONE or (best < 1 - _CLEARLY**2 and away < _CLEARLY)


def _is_romanian(text: str) -> bool:
    """Whether a text may be Romanian in cp1250, read as if it were Portuguese."""
    return "ã" in text and "ão" not in text and "õ" not in text


def _lines_beyond_ascii(stream: BinaryIO) -> tuple[bytes, int, int]:
    """Return the first lines that hold more than ASCII, and how many of the file's are UTF-8 and how many are not."""
    kept = bytearray()
    well_formed = broken = 0
    for block in iter(lambda: stream.read(BLOCK) + stream.readline(BLOCK), b""):
        if block.isascii():
            continue
        if len(kept) >= _SAMPLE and b"\r" not in block and is_utf8(block):
            well_formed += _count_beyond_ascii(block)
            continue
        for line in block.splitlines(keepends=True):
            if line.isascii():
                continue
            if is_utf8(line):
                well_formed += 1
            else:
                broken += 1
            if len(kept) < _SAMPLE:
                kept += line
    return bytes(kept), well_formed, broken


def is_utf8(text: bytes) -> bool:
    """Whether all of a text is UTF-8."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _count_beyond_ascii(block: bytes) -> int:
    """Return how many lines hold more than ASCII."""
    codes = np.frombuffer(block, np.uint8)
    lines = np.searchsorted(np.flatnonzero(codes == ord("\n")), np.flatnonzero(codes >= 0x80))
    return int(np.count_nonzero(np.diff(lines))) + 1


class RecodedStream(BlockStream):
    r"""A stream in another encoding as one in UTF-8; with ``cr_only`` each carriage return becomes a ``\n``.

    Without an encoding the other bytes stay as they are.
    """

    def __init__(self, raw: BinaryIO, encoding: str | None, name: str, *, cr_only: bool = False) -> None:
        super().__init__(raw)
        self._decoder = codecs.getincrementaldecoder(encoding)() if encoding is not None else None
        self._encoding = encoding
        self._name = name
        self._cr_only = cr_only
        self._ended = False

    def block(self) -> bytes | None:
        """Return a block in UTF-8: at the end once more what the decoder still holds."""
        if self._ended:
            return None
        block = self.raw.read(BLOCK)
        self._ended = not block
        return self._recoded(block)

    def _recoded(self, block: bytes) -> bytes:
        if self._decoder is None:
            return block.replace(b"\r", b"\n")
        try:
            text = self._decoder.decode(block, final=not block)
            return (text.replace("\r", "\n") if self._cr_only else text).encode("utf-8")
        except UnicodeError as error:
            raise ExportError(
                f"the file is {self._encoding} and damaged, or cut off", where=self._name, do="Export it again, as UTF-8"
            ) from error
