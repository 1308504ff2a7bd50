"""Pseudonyms of accounts and conversations: keyed digests, which nobody without the key can compute from a name.

The key is given, or made anew and kept beside the output as ``OUT.key`` with mode 0600, never in it: who hands the folder on does
not hand on the key. With the same key the same account has the same digest in another link run.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import ConfigError, ResultsError

_BYTES = 32
_LETTERS = 24


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Makes digests of 24 hex letters with a secret key."""

    key: bytes

    def __repr__(self) -> str:
        return "Pseudonyms(key=…)"

    def digest(self, kind: str, *parts: object) -> str:
        """Return the digest of what ``parts`` name; ``kind`` keeps accounts, conversations and contacts apart."""
        joined = "\x1f".join((kind, *map(str, parts)))
        return hmac.new(self.key, joined.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:_LETTERS]

    def speaker(self, sha256: str) -> str:
        """Return the digest of a speaker, whose SHA-256 is that of the export's own name or id (as ``--text hash`` writes it)."""
        return self.digest("speaker", sha256)

    def number(self, text: str) -> int:
        """Return 63 bits of a keyed digest of a word, for comparisons that need not know the word."""
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=self.key).digest()
        return int.from_bytes(digest, "big") >> 1


def key_place(folder: Path) -> Path:
    """Return where the key of a link run lies when none was given: beside its folder."""
    return folder.with_name(f"{folder.name}.key")


def read_key(path: Path) -> Pseudonyms:
    """Read a key: 64 hex letters in a file.

    Raises
    ------
    ConfigError
        When there is none, or it is no key.
    """
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except OSError as error:
        raise ConfigError(f"the key cannot be read ({error.strerror})", where=str(path), do="Give --key FILE") from error
    except ValueError as error:
        raise ConfigError("this is no key: it is not hex", where=str(path), do="Make one with: openssl rand -hex 32") from error
    if len(key) < _BYTES:
        raise ConfigError(f"the key is of {len(key)} bytes, too short", where=str(path), do="Make one with: openssl rand -hex 32")
    return Pseudonyms(key)


def key_for(folder: Path) -> Pseudonyms:
    """Return the key beside a folder, made where there is none.

    Raises
    ------
    ConfigError
        When what lies there is no key.
    ResultsError
        When it cannot be written.
    """
    place = key_place(folder)
    if not place.exists():
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
                file.write(secrets.token_hex(_BYTES) + "\n")
        except OSError as error:
            raise ResultsError(
                f"the key cannot be written ({error.strerror})", where=str(place), do="Give another --out"
            ) from error
    return read_key(place)
