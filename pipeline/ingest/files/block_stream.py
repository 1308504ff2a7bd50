"""A stream that is another one with its blocks changed, such as recoded."""

from __future__ import annotations

import io
from typing import BinaryIO

BLOCK = 1 << 16
"""Bytes that are read at once."""


class BlockStream(io.RawIOBase):
    """What `block` returns, as one stream; closing it closes the stream behind it."""

    def __init__(self, raw: BinaryIO) -> None:
        super().__init__()
        self.raw = raw
        self._pending = b""

    def block(self) -> bytes | None:
        """Return what the next block of the stream behind has become, which may be nothing; ``None`` at the end."""
        raise NotImplementedError

    def readable(self) -> bool:
        """Return true: the stream is read, never written."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill the buffer as far as one block goes; return how many bytes, 0 at the end."""
        while not self._pending and (block := self.block()) is not None:
            self._pending = block
        size = min(len(buffer), len(self._pending))
        buffer[:size], self._pending = self._pending[:size], self._pending[size:]
        return size

    def close(self) -> None:
        """Close the stream and the one behind it."""
        if not self.closed:
            self.raw.close()
        super().close()
