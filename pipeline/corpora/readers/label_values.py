"""What stands in the columns of labels, as people and labelling tools write it."""

from __future__ import annotations

import json
import re

from pipeline.config import Taxonomy
from pipeline.errors import CorpusError
from pipeline.schema import Message

STAGE_COLUMNS = ("stages", "labels", "label", "stage")
"""The columns that may hold stages; the first that a table has does."""

_TRUE, _FALSE = frozenset({"true", "1", "yes", "y", "t"}), frozenset({"false", "0", "no", "n", "f", ""})
_NOT_KNOWN = frozenset({"n/a", "na", "?"})
_NO_STAGE = frozenset({"", "none", "ordinary"})
_BETWEEN = re.compile(r"[;,|\n]")
_SPACES = re.compile(r"[\s\-]+")


def stages_of(message: Message, taxonomy: Taxonomy) -> frozenset[str] | None:
    """Return the stages of a message; ``None`` where its corpus does not say.

    Raises
    ------
    CorpusError
        When a label is no stage.
    """
    column = next((name for name in STAGE_COLUMNS if name in message.meta), None)
    if column is None:
        return None
    value = message.meta[column]
    if is_unknown(value) or (column != STAGE_COLUMNS[0] and _is_flag(value)):
        return None
    return stage_keys(value, message, taxonomy, column=column)


def flag_of(message: Message, name: str) -> bool | None:
    """Return what a column of yes or no says; ``None`` where it does not say.

    ``flagged`` may also stand in a column ``label`` or ``labels`` that holds nothing but yes and no.

    Raises
    ------
    CorpusError
        When it is neither.
    """
    value = message.meta.get(name)
    if value is None and name == "flagged" and STAGE_COLUMNS[0] not in message.meta:
        value = next((flag for column in STAGE_COLUMNS[1:] if _is_flag(flag := message.meta.get(column))), None)
    if value is None or is_unknown(value):
        return None
    if isinstance(value, bool):
        return value
    text = _folded(value)
    if text not in _TRUE | _FALSE:
        raise CorpusError(
            f"`{name}` is neither true nor false", where=str(message.source), do="Write true or false, yes or no, y or n, 1 or 0"
        )
    return text in _TRUE


def stage_keys(value: object, message: Message, taxonomy: Taxonomy, *, column: str = STAGE_COLUMNS[0]) -> frozenset[str]:
    """Return the keys of stages that stand in a list, in a text with ``;``, ``,`` or ``|`` between them, or in Label Studio's JSON.

    A stage may be written by its key or by its name, in any case, with spaces or hyphens.

    Raises
    ------
    CorpusError
        When one is no stage.
    """
    parts = _parts(value)
    if parts is None:
        raise CorpusError(f"`{column}` is neither a list nor a text", where=str(message.source), do="Write access;trust, or a list")
    known = {_key(key): key for key in taxonomy.keys} | {_key(stage.name): stage.key for stage in taxonomy.stages}
    written = [part for part in parts if _folded(part) not in _NO_STAGE]
    if unknown := sorted({part for part in written if _key(part) not in known}):
        do = f"Choose from {', '.join(taxonomy.keys)}, or none"
        if column != STAGE_COLUMNS[0]:
            do += f"; if `{column}` says something else, give the column another name"
        raise CorpusError(f"{', '.join(unknown)}: not a stage of {taxonomy.name}", where=str(message.source), do=do)
    return frozenset(known[_key(part)] for part in written)


def _parts(value: object) -> list[str] | None:
    """Return the labels one by one; ``None`` where the value is none of the forms."""
    if isinstance(value, str) and value.lstrip().startswith(("[", "{")):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    if isinstance(value, dict):
        value = value.get("choices")
    if value is None:
        return []
    if isinstance(value, str):
        value = _BETWEEN.split(value)
    return [str(part).strip() for part in value] if isinstance(value, list) else None


def is_unknown(value: object) -> bool:
    """Whether a label says that nothing is known."""
    return isinstance(value, str) and _folded(value) in _NOT_KNOWN


def _is_flag(value: object) -> bool:
    return isinstance(value, bool | int | float | str) and value != "" and _folded(value) in _TRUE | _FALSE


def _folded(value: object) -> str:
    return str(value).strip().casefold().removesuffix(".0")


def _key(text: str) -> str:
    return _SPACES.sub("_", text.strip().casefold())
