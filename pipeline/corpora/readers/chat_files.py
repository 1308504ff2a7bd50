"""Read `.chat` files: written conversations, one line a message. ``data/WRITING.md`` describes the form.

::

    language = en
    region = GB
    platform = game-chat

    ## en-game-017
    situation = guild-item-debt
    hard = yes
    ending = faded
    A = boy, 13-15, male
    B = guild member, adult, male, groomer
    A: gg
    B access: how old r u btw
    A: [sticker]
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.errors import CorpusError

_SPEAKER = re.compile(r"([A-Z]) = (.+)")
_SETTING = re.compile(r"([a-z]+) = (.*)")
_MESSAGE = re.compile(r"([A-Z])((?: [a-z_]+)*): ?(.*)")
_YES = {"yes": True, "no": False}
_ROLES = ("groomer", "undecidable")


def read_chat_file(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each conversation as the table that ``WrittenConversation`` takes, with the line on which it begins.

    Raises
    ------
    CorpusError
        When a line is not of the form, with its number.
    """
    defaults: dict[str, Any] = {}
    current: dict[str, Any] | None = None
    begin = 0
    for number, line in enumerate(_lines(path), 1):
        if not line.strip() or (line.startswith("#") and not line.startswith("##")):
            continue
        if line.startswith("## "):
            if current is not None:
                yield begin, current
            current = {**defaults, "id": line[3:].strip(), "speakers": {}, "messages": []}
            begin = number
        elif match := (_MESSAGE.fullmatch(line) if current is not None else None):
            speaker, stages, text = match.groups()
            current["messages"].append((speaker, text.replace("\\n", "\n"), *stages.split()))  # type: ignore[index]
        elif current is not None and not current["messages"] and (match := _SPEAKER.fullmatch(line)):
            current["speakers"][match[1]] = _speaker(match[2], where=f"{path}:{number}")
        elif (match := _SETTING.fullmatch(line)) and not (current and current["messages"]):
            (defaults if current is None else current).update(_setting(*match.groups()))
        else:
            raise CorpusError(
                "neither a setting, a speaker nor a message", where=f"{path}:{number}", do="Compare it with data/WRITING.md"
            )
    if current is not None:
        yield begin, current


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8").split("\n")
    except OSError as error:
        raise CorpusError(f"cannot be read ({error.strerror})", where=str(path), do="Check the path") from error
    except UnicodeDecodeError as error:
        raise CorpusError(f"not UTF-8 at byte {error.start}", where=str(path), do="Save the file as UTF-8") from error


def _setting(key: str, value: str) -> dict[str, Any]:
    return {key: _YES.get(value, value) if key == "hard" else value}


def _speaker(text: str, *, where: str) -> dict[str, Any]:
    parts = [part.strip() for part in text.split(",")]
    if len(parts) < 3 or set(parts[3:]) - set(_ROLES):
        raise CorpusError("not a speaker", where=where, do="Write `A = role, age, gender`, then `groomer` or `undecidable`")
    role, age, gender, *marks = parts
    return {"role": role, "age": age, "gender": gender, **dict.fromkeys(marks, True)}
