"""Tell a format from what a file holds, not from its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from pipeline.ingest.files import ExportFile


def by_file(file: ExportFile) -> PurePosixPath:
    """Each file on its own."""
    return file.location


def by_folder(file: ExportFile) -> PurePosixPath:
    """The files of one folder together."""
    return file.location.parent


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its title for people, the module that reads it (``None``: not read yet), and which files belong together."""

    title: str
    module: str | None
    group: Callable[[ExportFile], PurePosixPath] = by_file


FORMATS: dict[str, Format] = {
    "whatsapp": Format("WhatsApp", "pipeline.ingest.whatsapp"),
    "telegram": Format("Telegram Desktop JSON", "pipeline.ingest.telegram"),
    "jsonl": Format("JSON Lines", "pipeline.ingest.tables"),
    "csv": Format("CSV", "pipeline.ingest.tables"),
    "parquet": Format("Parquet", "pipeline.ingest.tables"),
    "meta": Format("Instagram or Messenger (Meta) JSON", None, by_folder),
    "discord": Format("Discord (DiscordChatExporter JSON)", None),
    "snapchat": Format("Snapchat chat_history.json", None),
    "slack": Format("Slack export", None, by_folder),
    "signal": Format("Signal (signal-export)", None),
    "pan12": Format("PAN 2012 XML", None),
    "convokit": Format("ConvoKit corpus", None, by_folder),
}


def detect(file: ExportFile) -> str | None:
    """Return the key of the file's format, or ``None`` when it is none of ours."""
    head = file.head()
    if head.startswith(b"PAR1"):
        return "parquet"
    return None
