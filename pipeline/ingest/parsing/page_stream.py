"""A page as a stream for the HTML parser, which takes anything: whether the page was whole, its end says."""

from __future__ import annotations

import re
from typing import BinaryIO

_ENDED = re.compile(rb"</html>\s*\Z", re.IGNORECASE)
_TAIL = 1 << 10


class PageStream:
    """The bytes of a page; when all are read, ``ended`` says whether they end with ``</html>``."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._tail = b""

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        block = self._stream.read(size)
        self._tail = (self._tail + block)[-_TAIL:]
        return block

    @property
    def ended(self) -> bool:
        """Whether what was read ends as a whole page does."""
        return _ENDED.search(self._tail) is not None
