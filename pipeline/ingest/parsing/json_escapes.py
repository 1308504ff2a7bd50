"""Escapes that JSON does not know, mended while the file streams past."""

from __future__ import annotations

import re

# An escape is mended when it is C's \xHH, or half of a surrogate pair. The first pattern only asks whether there may be one.
_SUSPECT = re.compile(
    rb"\\(?:x|\\u[dD]|u[dD](?:[89abAB]..(?!\\u[dD][c-fC-F])|[c-fC-F]..(?<!\\u[dD][89abAB]..\\u....)))",
    re.DOTALL,
)
_ESCAPE = re.compile(
    rb"\\(?:x([0-9a-fA-F]{2})"
    rb"|(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})"
    rb"|.)",
    re.DOTALL,
)
_OPEN = re.compile(rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u[0-9a-fA-F]{0,3})?)?|u[0-9a-fA-F]{0,3}|x[0-9a-fA-F]?)?\Z")
_LONGEST_OPEN = 11


class EscapeMender:
    r"""Mends the escapes in the bytes of a JSON text that comes in blocks, wherever the blocks are cut.

    Half of a surrogate pair is no character, and the parser would turn it into a question mark: it becomes ``\ufffd``, counted in
    ``halves``. With ``hex_escapes`` C's ``\x0B`` becomes ``\u000B``, as it was meant (tdesktop #27571); an escaped backslash
    (``\\x0B``) is left alone.
    """

    def __init__(self, *, hex_escapes: bool = False) -> None:
        self.halves = 0
        self._hex_escapes = hex_escapes
        self._held = b""

    @property
    def held(self) -> int:
        """How many bytes are held back."""
        return len(self._held)

    def feed(self, block: bytes) -> bytes:
        """Return what can be said so far; the start of an escape that the block cuts in two is held back."""
        block = self._held + block
        cut = _open_escape(block)
        self._held = block[cut:]
        return self._mend(block[:cut])

    def rest(self) -> bytes:
        """Return what is held back, at the end."""
        held, self._held = self._held, b""
        return self._mend(held)

    def _mend(self, block: bytes) -> bytes:
        return _ESCAPE.sub(self._mended, block) if _SUSPECT.search(block) else block

    def _mended(self, match: re.Match[bytes]) -> bytes:
        if match[1] and self._hex_escapes:
            return rb"\u00" + match[1]
        if match[3]:
            self.halves += 1
            return rb"\ufffd"
        return match[0]


def _open_escape(block: bytes) -> int:
    """Return where the escape starts that the block does not finish, or the block's length. A block starts outside an escape."""
    start = max(0, len(block) - _LONGEST_OPEN)
    while start and block[start - 1 : start] == b"\\":
        start -= 1
    at = block.find(b"\\", start)
    while at != -1:
        if _OPEN.match(block, at):
            return at
        at = block.find(b"\\", at + 2)
    return len(block)
