"""Read conversations of a run again from the original exports, for runs that kept no text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from pipeline.errors import ReviewError
from pipeline.ingest import ReadLog, ReadOptions, read_conversations
from pipeline.inspect import inspect_exports
from pipeline.results import Run
from pipeline.schema import Conversation


def read_originals(run: Run, wanted: Iterable[str], *, exports: Iterable[Path] | None = None) -> Mapping[str, Conversation]:
    """Return the wanted conversations, by id, from the exports that the run was made of; each file is held against its hash first.

    ``exports`` is where they lie now, if not where the run found them.

    Raises
    ------
    ReviewError
        When an export is gone or changed, or does not hold a wanted conversation.
    """
    wanted = set(wanted)
    settings = run.record["settings"]
    options = ReadOptions(
        format=settings["format"],
        date_order=settings["date_order"],
        timezone=ZoneInfo(settings["timezone"]) if settings["timezone"] else None,
        columns=settings["columns"],
        max_member_bytes=settings["max_member_bytes"],
        merge=settings.get("merge", "never"),
        follow_links=settings.get("follow_links", False),
    )
    paths = list(exports) if exports is not None else _places(run)
    for path in paths:
        if not path.exists():
            raise ReviewError("the original export is gone", where=str(path), do="Say where it lies now, with --export")
    noted = {entry["sha256"] for entry in run.record["inputs"]}
    for found in inspect_exports(paths, options).exports:
        if found.sha256 not in noted:
            raise ReviewError(
                "the export is not the one that was scored: its SHA-256 differs", where=found.name, do="Give the original file"
            )
    read = (conversation for conversation in read_conversations(paths, options, ReadLog()))
    conversations = {c.conversation_id: c.load() for c in read if c.conversation_id in wanted}
    if lost := wanted - conversations.keys():
        raise ReviewError(f"{len(lost)} conversation(s) of the run are not in the exports", do="Give every export of the run")
    return conversations


def _places(run: Run) -> list[Path]:
    """Return the files on disk that the inputs of a run are, or are members of, each once."""
    return [Path(name) for name in dict.fromkeys(entry["file"].partition("!/")[0] for entry in run.record["inputs"])]
