"""API keys: a file with a line a client, its name and the SHA-256 of its key. The keys themselves are not kept."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.output import private_file

_MAKE = "Make one: safelight serve-key NAME --keys FILE"
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LINE = re.compile(rf"(?P<name>{_NAME.pattern})\s+(?P<hash>[0-9a-f]{{64}})")


def read_keys(path: Path) -> Mapping[str, str]:
    """Return the names of the clients by the hashes of their keys; empty lines and comments are left out.

    Raises
    ------
    ConfigError
        When the file cannot be read, or a line is something else.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            "the keys cannot be read", where=str(path), do="Make one: safelight serve-key NAME --keys FILE"
        ) from error
    keys: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise ConfigError(
                "a line is not a name and the SHA-256 of a key",
                where=f"{path}:{number}",
                do="safelight serve-key writes such lines",
            )
        keys[match["hash"]] = match["name"]
    if not keys:
        raise ConfigError("the file holds no key", where=str(path), do=_MAKE)
    return keys


def add_key(path: Path, name: str) -> str:
    """Make a key for a client, append its hash to the file, which only its owner can read, and return the key.

    Raises
    ------
    ConfigError
        When the name will not do or is taken, or the file cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError("a client's name has letters, digits and . _ - only", where=name, do="Give another name")
    if path.exists() and name in read_keys(path).values():
        raise ConfigError("there is a client of that name", where=name, do=f"Give another name, or delete its line in {path}")
    key = secrets.token_urlsafe(32)
    try:
        if not path.exists():
            private_file(path)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{name} {hash_of(key)}\n")
    except OSError as error:
        raise ConfigError(f"cannot be written ({error.strerror})", where=str(path), do="Give another --keys") from error
    return key


def hash_of(key: str) -> str:
    """Return what the file holds of a key. Keys are random and long: a plain hash is enough."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
