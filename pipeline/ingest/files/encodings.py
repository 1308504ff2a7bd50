"""Which encoding a file is in, and the file as UTF-8 whatever it is in.

A byte order mark decides; so do zeros in every other byte. Bytes that are not UTF-8 are given to charset-normalizer, which has to
find one reading that is plainly better than the others; a file that is UTF-8 but for single bytes is damaged, and stays an error.
"""

from __future__ import annotations

import codecs
import io
import re
from typing import BinaryIO

import numpy as np
from charset_normalizer import from_bytes

from pipeline.errors import ExportError

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CANDIDATES = [
    "cp1252",
    "mac_roman",
    "cp1250",
    "cp1251",
    "cp1253",
    "cp1254",
    "cp1255",
    "cp1256",
    "gb18030",
    "big5",
    "cp932",
    "cp949",
]
_BLOCK = 1 << 16
_SAMPLE = 1 << 18
_FEW_ZEROS = 0.4

# What nobody writes: a capital or a sign within a word, a letter alone.
_STRANGE = re.compile(
    r"(?<=[a-zß-öø-ÿа-яё])[^\x00-\x7f\W\d_a-zß-öø-ÿ](?<=[A-ZÀ-ÖØ-ÞŒŠŽŸА-Я])|(?<=[^\W\d_])[^\w\s\x00-\x7f’‘“”«»…](?=[^\W\d_])"
    r"|(?<![^\s])[^\x00-\x7f\W\d_àéèêóòôáíúýæåøа-яñÀÉ](?![^\s])|[\x80-\x9f†‡ˆ‰¬¦]"
)
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


def legacy_encoding(stream: BinaryIO) -> str | None:
    """Return the encoding of a text that is not UTF-8, if there is one that fits plainly better than any other.

    ``None`` also where the text is UTF-8, or was.
    """
    lines, well_formed, broken = _lines_beyond_ascii(stream)
    if not broken or well_formed > broken or _CONTROLS.search(lines):
        return None
    readings: dict[str, tuple[float, str]] = {}
    for match in from_bytes(lines, cp_isolation=_CANDIDATES):
        for name in [n for n in _CANDIDATES if n == match.encoding or n in match.could_be_from_charset]:
            text = lines.decode(name, "replace")
            strange = len(_STRANGE.findall(text)) + text.count("\ufffd")
            readings.setdefault(text, (strange + 10 * match.chaos - match.coherence / 100, name))
    ranked = sorted(readings.values())
    if not ranked:
        return None
    best, name = ranked[0]
    beyond = sum(character > "\x7f" for character in lines.decode(name, "replace"))
    plain = best < 1 + 0.05 * beyond and (
        len(ranked) == 1 or ranked[1][0] - best > 0.5 or {name, ranked[1][1]} == {"cp1252", "cp1250"}
    )
    if not plain or not _WORD_BEYOND_ASCII.search(lines.decode(name, "replace")):
        return None
    near = {other for score, other in ranked if score - best <= 0.5}
    return "cp1252" if near == {"cp1252", "cp1250"} else name


def _lines_beyond_ascii(stream: BinaryIO) -> tuple[bytes, int, int]:
    """Return the first lines that hold more than ASCII, and how many of the file's are UTF-8 and how many are not."""
    kept = bytearray()
    well_formed = broken = 0
    for block in iter(lambda: stream.read(_BLOCK) + stream.readline(_BLOCK), b""):
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


class RecodedStream(io.RawIOBase):
    r"""A stream in another encoding as one in UTF-8; with ``cr_only`` each carriage return becomes a ``\n``.

    Without an encoding the other bytes stay as they are.
    """

    def __init__(self, raw: BinaryIO, encoding: str | None, name: str, *, cr_only: bool = False) -> None:
        super().__init__()
        self._raw = raw
        self._decoder = codecs.getincrementaldecoder(encoding)() if encoding is not None else None
        self._encoding = encoding
        self._name = name
        self._cr_only = cr_only
        self._pending = b""
        self._ended = False

    def readable(self) -> bool:
        """Return true: the stream is read, never written."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill the buffer with UTF-8 as far as one block goes; return how many bytes, 0 at the end."""
        while not self._pending and not self._ended:
            block = self._raw.read(_BLOCK)
            self._ended = not block
            self._pending = self._recoded(block)
        size = min(len(buffer), len(self._pending))
        buffer[:size], self._pending = self._pending[:size], self._pending[size:]
        return size

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

    def close(self) -> None:
        """Close the stream and the file behind it."""
        if not self.closed:
            self._raw.close()
        super().close()
