"""Keys, the signed manifest, and the check that names what was changed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from pipeline.errors import ReviewError

MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"

_LARGEST = 1 << 30


@dataclass(frozen=True, slots=True)
class Checked:
    """What the check of a pack found: who signed it, when, which files; ``problems`` in words, none when nothing was changed."""

    manifest: Mapping[str, Any]
    problems: Sequence[str]


def new_key(private: Path) -> Path:
    """Write a new private key, readable by its owner alone, and its public key beside it as ``….pub``; return the latter.

    Raises
    ------
    ReviewError
        When there is a file already, or it cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    public = private.with_name(f"{private.name}.pub")
    try:
        with os.fdopen(os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    except FileExistsError as error:
        raise ReviewError(
            "there is a key here already", where=str(private), do="A lost key cannot be made again: give another path"
        ) from error
    except OSError as error:
        raise ReviewError(f"the key cannot be written ({error.strerror})", where=str(private), do="Give another path") from error
    return public


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """Read a signing key.

    Raises
    ------
    ReviewError
        When it cannot be read, or is no ed25519 key without a passphrase.
    """
    content = _bytes(path)
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ReviewError("this is no private key", where=str(path), do="Make one with `safelight pack key`") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ReviewError("this is no ed25519 key", where=str(path), do="Make one with `safelight pack key`")
    return key


def read_public_key(path: Path) -> Ed25519PublicKey:
    """Read the public key of whoever signs.

    Raises
    ------
    ReviewError
        When it cannot be read, or is none.
    """
    content = _bytes(path)
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ReviewError("this is no public key", where=str(path), do="Give the .pub file of the key that signed") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ReviewError("this is no ed25519 key", where=str(path), do="Give the .pub file of the key that signed")
    return key


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReviewError(f"the key cannot be read ({error.strerror})", where=str(path), do="Check the path") from error


def fingerprint(key: Ed25519PublicKey) -> str:
    """Return the SHA-256 of a public key, to be compared by telephone."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()


def reference_of(key: Ed25519PrivateKey, run_id: str, conversation_id: str) -> str:
    """Return what a redacted pack calls a conversation: the same every time, and nothing that the id can be guessed from."""
    secret = hashlib.sha256(b"safelight reference\n" + key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())).digest()
    subject = f"{run_id}\n{conversation_id}".encode("utf-8", "surrogatepass")
    return hmac.new(secret, subject, hashlib.sha256).hexdigest()[:12].upper()


def seal(files: Mapping[str, bytes], about: Mapping[str, Any], *, key: Ed25519PrivateKey, at: datetime) -> bytes:
    """Return a zip of the files with a manifest of their hashes and its signature. Equal input gives equal bytes."""
    listed = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)} for name, content in sorted(files.items())
    }
    manifest = {
        "format": "safelight-pack/1",
        **about,
        "signed_at": at.isoformat(timespec="seconds"),
        "signed_by": fingerprint(key.public_key()),
        "files": listed,
    }
    content = (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode("utf-8")
    everything = {MANIFEST: content, SIGNATURE: base64.b64encode(key.sign(content)) + b"\n", **dict(sorted(files.items()))}
    packed = io.BytesIO()
    moment = (max(at.year, 1980), at.month, at.day, at.hour, at.minute, at.second)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, part in everything.items():
            entry = zipfile.ZipInfo(name, moment)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            archive.writestr(entry, part)
    return packed.getvalue()


def check_pack(path: Path, key: Ed25519PublicKey) -> Checked:
    """Hold a pack against its manifest, and the manifest against its signature.

    Raises
    ------
    ReviewError
        When it is no pack at all.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise ReviewError("this cannot be opened as a zip", where=str(path), do="Ask for the pack again") from error
    with archive:
        names = [entry.filename for entry in archive.infolist()]
        problems = [f"{name} is in the zip {names.count(name)} times" for name in dict.fromkeys(names) if names.count(name) > 1]
        if MANIFEST not in names or SIGNATURE not in names:
            raise ReviewError(
                f"this is no referral pack: it lacks {MANIFEST} or {SIGNATURE}", where=str(path), do="Ask for the pack again"
            )
        content = _member(archive, MANIFEST)
        signature = _member(archive, SIGNATURE)
        if content is None or signature is None or not _signed(content, signature, key):
            return Checked(
                {}, [*problems, f"{MANIFEST} was changed, or was signed with another key: nothing in the pack can be relied on"]
            )
        manifest = json.loads(content)
        for name, listed in manifest["files"].items():
            if name not in names:
                problems.append(f"{name} was taken out")
                continue
            part = _member(archive, name)
            if part is None or hashlib.sha256(part).hexdigest() != listed["sha256"]:
                problems.append(f"{name} was changed")
        problems += [f"{name} was put in" for name in dict.fromkeys(names) if name not in {*manifest["files"], MANIFEST, SIGNATURE}]
        if archive.comment:
            problems.append("a comment was added to the zip")
    return Checked(manifest, problems)


def _member(archive: zipfile.ZipFile, name: str) -> bytes | None:
    """Return a member's bytes; nothing when it is damaged, or unpacks to more than a pack could hold."""
    if archive.getinfo(name).file_size > _LARGEST:
        return None
    try:
        return archive.read(name)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError, zlib.error):
        return None


def _signed(content: bytes, signature: bytes, key: Ed25519PublicKey) -> bool:
    try:
        key.verify(base64.b64decode(signature, validate=False), content)
    except (InvalidSignature, ValueError):
        return False
    return True
