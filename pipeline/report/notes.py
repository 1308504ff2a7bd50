"""What an export knows of a message besides its words, in a few words each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_LONGEST = 120


def notes_of(meta: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the notes of a message: edits, replies, forwards, reactions, attachments, and what kind of media it is."""
    return tuple(note if len(note) <= _LONGEST else f"{note[: _LONGEST - 1]}…" for note in _notes(meta))


def _notes(meta: Mapping[str, Any]) -> Iterator[str]:
    if edited := meta.get("edited"):
        yield f"edited {edited[:16].replace('T', ' ')}" if isinstance(edited, str) else "edited"
    if deleted := meta.get("deleted"):
        yield f"deleted {deleted[:16].replace('T', ' ')}" if isinstance(deleted, str) else "deleted"
    if meta.get("view_once"):
        yield "view once"
    if (reply := meta.get("reply_to")) not in (None, ""):
        yield f"reply to {reply}"
    if "forwarded_from" in meta:
        yield f"forwarded from {meta['forwarded_from']}" if meta["forwarded_from"] else "forwarded"
    if media := meta.get("media_type"):
        yield str(media).replace("_", " ")
    for name in _list(meta.get("attachments")):
        yield f"file {name}"
    if reactions := _reactions(_list(meta.get("reactions"))):
        yield f"reactions {reactions}"


def _list(value: object) -> Sequence[Any]:
    if value is None:
        return ()
    return value if isinstance(value, list) else [value]


def _reactions(reactions: Sequence[Any]) -> str:
    counts: Counter[str] = Counter()
    for reaction in reactions:
        if isinstance(reaction, Mapping):
            counts[str(reaction.get("emoji", "?"))] += int(reaction.get("count") or 1)
        else:
            counts[str(reaction)] += 1
    return " ".join(f"{emoji} ×{count}" if count > 1 else emoji for emoji, count in counts.items())
