"""The SHA-256 of a text, which stands for a name, a word or a record where the text itself must not."""

from __future__ import annotations

import hashlib


def sha256_of_text(text: str) -> str:
    """Return the SHA-256 of a text in hex. Half characters, which damaged exports hold, count as they are."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
