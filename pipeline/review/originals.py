"""Read conversations of a run again from the original exports, for runs that kept no text."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from pipeline.errors import ReviewError
from pipeline.ingest import ReadLog, ReadOptions, read_conversations
from pipeline.inspect import inspect_exports
from pipeline.results import Run
from pipeline.schema import Conversation


def read_originals(
    run: Run, wanted: Iterable[str], *, exports: Iterable[Path] | None = None, files: Collection[str] | None = None
) -> Mapping[str, Conversation]:
    """Return the wanted conversations, by id, from the exports that the run was made of; each file is held against its hash first.

    ``exports`` is where they lie now, if not where the run found them. ``files`` are the sources of the wanted rows, where they are
    known: the other exports are read only if a conversation is not in those.

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
    if exports is not None:
        conversations = _read(list(exports), options, wanted, run)
    else:
        conversations = _read(files_of(run, files), options, wanted, run)
        if wanted - conversations.keys() and files:
            conversations = _read(files_of(run, None), options, wanted, run)
    if lost := wanted - conversations.keys():
        raise ReviewError(f"{len(lost)} conversation(s) of the run are not in the exports", do="Give every export of the run")
    return conversations


def _read(paths: list[Path], options: ReadOptions, wanted: Collection[str], run: Run) -> dict[str, Conversation]:
    for path in paths:
        if not path.exists():
            raise ReviewError("the original export is gone", where=str(path), do="Say where it lies now, with --export")
    noted = {entry["sha256"] for entry in run.record["inputs"]}
    for export in inspect_exports(paths, options).exports:
        if export.sha256 not in noted:
            raise ReviewError(
                "the export is not the one that was scored: its SHA-256 differs", where=export.name, do="Give the original file"
            )
    read = read_conversations(paths, options, ReadLog())
    return {c.conversation_id: c.load() for c in read if c.conversation_id in wanted}


def files_of(run: Run, files: Collection[str] | None) -> list[Path]:
    """Return the paths on disk of the inputs that hold these sources; of all inputs where none does, or ``files`` is not given.

    An input that is a member of an archive is the archive.
    """
    places = [Path(name) for name in dict.fromkeys(entry["file"].partition("!/")[0] for entry in run.record["inputs"])]
    sources = [Path(file.partition("!/")[0]) for file in files or ()]
    return [place for place in places if any(place == source or place in source.parents for source in sources)] or places
