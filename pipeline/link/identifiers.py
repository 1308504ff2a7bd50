"""What an export calls a speaker by: an id of the platform, a number, an address, a handle, or only a name.

Only an id, a number, an address and a handle tell an account from others. A name does not: "Mum" is in every phone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from pipeline.link.tables import IdentifierKind

_ID_PLATFORMS = frozenset(("discord", "telegram", "slack", "teams", "google_chat"))
_HANDLE_PLATFORMS = frozenset(("snapchat", "tiktok", "twitch", "roblox", "minecraft", "irc", "matrix", "skype", "pan12"))
_MESSAGES = "messages"
_DIALLED = frozenset(("whatsapp", "signal", "sms", "imessage", "viber", "google_voice"))

_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_MATRIX = re.compile(r"@[\w.=/+-]+:[\w.-]+")
_NUMBER = re.compile(r"\+?\(?\d[\d\s().-]{6,18}\d")
_ID = re.compile(r"(?:user|channel|chat)?\d{5,}|[UWB][A-Z0-9]{8,}|[0-9a-f-]{32,36}")
_HANDLE = re.compile(r"@?(?=[\w.-]*[\d_.])[\w.-]{3,40}|@[\w.-]{2,40}")
_SIGNIFICANT = 9
"""Last digits of a number that tell it from others: what is before them is written with and without the country's code."""


def identifier_kind(speaker: str | None, platform: str) -> IdentifierKind:
    """Return what kind of identifier an export's speaker is; ``speaker`` is null where only its hash is known, or not even that.

    Without its words the platform says: what is a display name there stays one.
    """
    if speaker is not None:
        whole = speaker.strip()
        if _ADDRESS.fullmatch(whole) or _MATRIX.fullmatch(whole):
            return "address"
        if platform in _ID_PLATFORMS or (_ID.fullmatch(whole) and not whole.startswith("0")):
            return "platform_id" if platform in _ID_PLATFORMS or not _looks_dialled(whole, platform) else "number"
        if _NUMBER.fullmatch(whole):
            return "number"
        if platform in _HANDLE_PLATFORMS or _HANDLE.fullmatch(whole):
            return "handle"
        return "name"
    if platform in _ID_PLATFORMS:
        return "platform_id"
    return "handle" if platform in _HANDLE_PLATFORMS else "name"


def _looks_dialled(speaker: str, platform: str) -> bool:
    return speaker.isdigit() and 10 <= len(speaker) <= 15 and platform in _DIALLED


def normal_contact(kind: IdentifierKind, text: str) -> str:
    """Return a contact in the one spelling by which two exports can be compared."""
    text = text.strip()
    if kind == "number":
        digits = re.sub(r"\D", "", text)
        return f"number:{digits[-_SIGNIFICANT:]}"
    if kind in ("handle", "address"):
        return f"{kind}:{text.lstrip('@').rstrip('.').casefold()}"
    return f"{kind}:{text}"


def export_root(unit: str, form: str) -> str:
    """Return the file or folder that was exported as one, of a unit that a run names among its inputs, with its format."""
    outer = unit.partition("!/")[0]
    if outer != unit:
        return outer
    path = PurePosixPath(outer)
    if form == "meta" and _MESSAGES in path.parts:
        return str(PurePosixPath(*path.parts[: path.parts.index(_MESSAGES) + 1]))
    return str(path.parent) if form == "signal" and not path.suffix else outer


@dataclass(frozen=True, slots=True)
class Exports:
    """The exports of a run: an id of 16 hex letters for each file or folder that the run names among its inputs.

    The id is made of the SHA-256 of what was read, so that it is the same where the same files are read from another place.
    """

    ids: Mapping[str, str]

    @classmethod
    def of(cls, inputs: Iterable[Mapping[str, str]]) -> Exports:
        """Return the exports of ``inputs``, as ``run.json`` holds them."""
        members: dict[str, list[Mapping[str, str]]] = {}
        for unit in inputs:
            members.setdefault(export_root(unit["file"], unit["format"]), []).append(unit)
        exports = {}
        for units in members.values():
            hashes = sorted(unit["sha256"] for unit in units)
            digest = hashes[0] if len(hashes) == 1 else hashlib.sha256("\n".join(hashes).encode()).hexdigest()
            exports.update({unit["file"]: digest[:16] for unit in units})
        return cls(exports)

    def id_of(self, source_file: str | None) -> str:
        """Return the id of the export that holds a file; a digest of its path where the run does not name it."""
        file = source_file or ""
        place = file
        while place:
            if place in self.ids:
                return self.ids[place]
            place = place[: max(place.rfind("/"), place.rfind("!/"), 0)]
        return hashlib.sha256(f"unknown {file}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
