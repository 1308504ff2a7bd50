"""What comes with chats and holds none: the other files of an account's download, and what people sent one another."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from pipeline.ingest.files.export_file import ExportFile

_CHATS = {
    "meta": r"(?:your_[^/]*/)?messages/",
    "meta_html": r"(?:your_[^/]*/)?messages/",
    "snapchat": r"(?:(?:json|html)/)?(?:chat|snap)_history",
    "snapchat_html": r"(?:(?:json|html)/)?(?:chat|snap)_history",
    "discord_package": r"[^/]+/c?\d{3,}/messages\.(?:json|csv)",
    "tiktok": r"(?:(?:TikTok/)?Direct Messages?(?:/|\.txt)|user_data)",
    "google_chat": r"Google Chat/(?!Users/)",
    "hangouts": r"Hangouts/",
    "google_voice": r"Voice/",
}
"""Where the chats of a download lie, below its top folder. Meta's own names of its folders are in English in every language, and
Discord's in that of the account."""

_PART = re.compile(r"[-_ ]\(?\d+\)?(?=\.(?:zip|tgz|tar\.gz)/)", re.IGNORECASE)
"""The number of a part of a download that comes in several archives."""

_ATTACHMENTS = frozenset({"files", "media", "attachments", "photos", "video_files", "voice_messages", "__uploads"})
"""Folders beside a chat in which exporters put what was sent."""


def top_folders(files: Iterable[tuple[str, PurePosixPath]]) -> dict[str, re.Pattern[str]]:
    """Return the top folders of the downloads that these chats lie in, each with the pattern of the paths of its chats.

    ``found`` are the format and the place of each export.
    """
    folders: dict[str, re.Pattern[str]] = {}
    for format_, location in files:
        if (chats := _CHATS.get(format_)) is None:
            continue
        place = _whole(location)
        if (where := re.search(rf"(?:^|(?<=/)){chats}", place, re.IGNORECASE)) is not None:
            folders[place[: where.start()]] = re.compile(chats, re.IGNORECASE)
    return folders


def holds_other_data(location: PurePosixPath, folders: dict[str, re.Pattern[str]]) -> bool:
    """Whether a file belongs to one of the downloads, and lies where that has no chats."""
    place = _whole(location)
    inside = [(folder, chats) for folder, chats in folders.items() if place.startswith(folder)]
    return bool(inside) and not any(chats.match(place.removeprefix(folder)) for folder, chats in inside)


def attachment_folders(files: Iterable[tuple[str, ExportFile]]) -> set[PurePosixPath]:
    """Return the folders in which lies what people sent one another: beside each chat those that exporters make.

    Of WhatsApp it is the archive that the chat came in: what was sent lies there beside the chat.
    """
    chats = {(file.location.parent, format_ == "whatsapp" and file.member is not None) for format_, file in files}
    return {folder / name for folder, _ in chats for name in _ATTACHMENTS} | {folder for folder, is_own in chats if is_own}


def is_attachment(location: PurePosixPath, folders: set[PurePosixPath]) -> bool:
    """Whether a file lies in one of these folders, or in a folder of one."""
    return not folders.isdisjoint(location.parents)


def _whole(location: PurePosixPath) -> str:
    return _PART.sub("", location.as_posix())
