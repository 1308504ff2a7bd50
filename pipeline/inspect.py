"""Look at exports before they are scored: what they are, how much is in them, and what a person should know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.ingest import ReadLog, ReadOptions, ReadWarning, read_conversations
from pipeline.ingest.options import ReadExport, Unread


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found. ``first`` and ``last`` are the earliest and latest time, naive where the exports have no zone."""

    exports: Sequence[ReadExport]
    conversations: int
    messages: int
    speakers: int
    kinds: Mapping[str, int]
    first: datetime | None
    last: datetime | None
    warnings: Sequence[ReadWarning]
    merged: Sequence[Mapping[str, Any]] = ()
    failed: Sequence[Unread] = ()
    passed_over: Sequence[Unread] = ()


def inspect_exports(paths: Iterable[Path], options: ReadOptions) -> Inspection:
    """Read every export whole, in constant memory, and count.

    Raises
    ------
    ExportError
        When one cannot be read whole.
    """
    log = ReadLog()
    conversations = messages = speakers = 0
    first = last = None
    for conversation in read_conversations(paths, options, log):
        conversations += 1
        names: set[str] = set()
        for message in conversation.messages:
            messages += 1
            if message.speaker is not None:
                names.add(message.speaker)
            if message.timestamp is not None:
                first = message.timestamp if first is None else min(first, message.timestamp, key=_comparable)
                last = message.timestamp if last is None else max(last, message.timestamp, key=_comparable)
        speakers += len(names)
    return Inspection(
        exports=tuple(log.exports),
        conversations=conversations,
        messages=messages,
        speakers=speakers,
        kinds=dict(log.kinds),
        first=first,
        last=last,
        warnings=tuple(log.warnings),
        merged=tuple(log.merged),
        failed=tuple(log.failed),
        passed_over=tuple(log.passed_over),
    )


def _comparable(moment: datetime) -> datetime:
    """Naive and aware times cannot be compared; the wall clock is near enough for a span."""
    return moment.replace(tzinfo=None)
