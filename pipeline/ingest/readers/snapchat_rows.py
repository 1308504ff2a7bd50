"""What Snapchat's rows are, in every layout of its exports."""

from __future__ import annotations

from pipeline.schema import Kind


def kind_of(media_type: str, text: str) -> Kind:
    """Return the kind of a row: ``STATUS…`` is Snapchat's own (a screenshot taken, a chat deleted); words come as ``TEXT``."""
    if media_type.startswith("STATUS"):
        return "system"
    if media_type not in ("", "TEXT"):
        return "media"
    return "message" if text else "unsupported"
