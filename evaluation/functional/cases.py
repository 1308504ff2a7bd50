"""The cases: what the TOML files of ``cases/`` hold, and the conversations that come of it.

A functionality names a set of openings and a set of endings; each pair of them is a case, up to ``cases`` of them. A
functionality with ``of`` takes the cases of others and changes them. A conversation is written on one line, its messages apart by
`` | ``, each as ``A: words``. ``{…}`` is a slot: each case takes the next of its words, the same throughout the conversation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field, ValidationInfo, field_validator, model_validator

from evaluation.functional.changes import CHANGES
from pipeline.config import Settings, read_toml, validate_settings
from pipeline.errors import ConfigError
from pipeline.schema import Conversation, Message, Source

CASES = Path(__file__).parent / "cases"

Expected = Literal["stage", "flagged", "quiet", "early", "sender", "same", "higher", "not_lower"]
Turn = tuple[str, str]
Item = TypeVar("Item")

_TURN = re.compile(r"([A-Z]): (.+)", re.DOTALL)
_SLOT = re.compile(r"\{(\w+)\}")


class Functionality(Settings):
    """One thing that a detector must be able to do.

    ``expected`` is the verdict:

    - ``stage``: the last message carries ``stage``;
    - ``flagged``, ``quiet``: the conversation is flagged, or is not;
    - ``early``: it is flagged by the message ``by``;
    - ``sender``: it is flagged, for speaker A, and B's own risk stays under the threshold;
    - ``same``: changed, it gets the same decision, and its risk moves by 0.1 at most;
    - ``higher``: with the messages ``added`` at its end its risk is higher;
    - ``not_lower``: with them it is lower by 0.05 at most.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    what: str
    expected: Expected
    stage: str | None = None
    openings: str | tuple[str, ...] = ()
    endings: str | tuple[str, ...] = ()
    of: tuple[str, ...] = ()
    change: str | None = None
    added: tuple[str, ...] = ()
    by: Annotated[int, Field(ge=1)] | None = None
    cases: Annotated[int, Field(ge=1)] = 30

    @model_validator(mode="after")
    def _fits(self) -> Functionality:
        if (self.expected == "stage") != (self.stage is not None):
            raise ValueError(f"{self.id}: `stage` belongs to what is expected to carry one")
        if (self.expected == "early") != (self.by is not None):
            raise ValueError(f"{self.id}: `by` belongs to what is expected early")
        if bool(self.of) == bool(self.openings):
            raise ValueError(f"{self.id}: give either openings or others to change")
        if self.change is not None and self.change not in CHANGES:
            raise ValueError(f"{self.id}: no change is called {self.change}")
        if (self.expected in ("higher", "not_lower")) != bool(self.added):
            raise ValueError(f"{self.id}: `added` belongs to what is compared with it and without")
        return self


class CaseFile(Settings):
    """A file of functionalities, with the openings and endings that they share by name, and the words of the slots."""

    slots: Mapping[str, tuple[str, ...]] = {}
    openings: Mapping[str, tuple[str, ...]] = {}
    endings: Mapping[str, tuple[str, ...]] = {}
    functionality: tuple[Functionality, ...]

    @field_validator("openings", "endings")
    @classmethod
    def _written(cls, sets: Mapping[str, tuple[str, ...]], info: ValidationInfo) -> Mapping[str, tuple[str, ...]]:
        for name, lines in sets.items():
            for line in lines:
                turns(line, where=f"{info.field_name} {name}")
        return sets


@dataclass(frozen=True, slots=True)
class Case:
    """A conversation and what is expected of it; ``base`` is the conversation that it is compared with, if it is."""

    id: str
    functionality: Functionality
    conversation: Conversation
    base: Conversation | None = None


def turns(line: str, *, where: str = "") -> tuple[Turn, ...]:
    """Return the messages of a conversation written on one line.

    Raises
    ------
    ValueError
        When a part is not of the form ``A: words``; the words are not in the message.
    """
    parts = [_TURN.fullmatch(part.strip()) for part in line.split(" | ")]
    if not all(parts):
        raise ValueError(f"{where}: part {parts.index(None) + 1} of a line is not of the form `A: words`")
    return tuple((part[1], part[2]) for part in parts if part)


def read_cases(folder: Path = CASES) -> tuple[Case, ...]:
    """Return every case of every file of a folder, in order; the same each time.

    Raises
    ------
    ConfigError
        When a file is not valid, or a functionality names what is not there.
    """
    made: dict[str, list[Case]] = {}
    for file in sorted(folder.glob("*.toml")):
        content = validate_settings(read_toml(file), CaseFile, where=str(file))
        for functionality in content.functionality:
            if functionality.id in made:
                raise ConfigError(f"functionality {functionality.id} stands twice", where=str(file), do="Give it another id")
            made[functionality.id] = list(_cases(functionality, content, made, file))
    return tuple(case for cases in made.values() for case in cases)


def _cases(functionality: Functionality, content: CaseFile, made: Mapping[str, Sequence[Case]], file: Path) -> Iterator[Case]:
    lines = _lines(functionality, content, made, file)
    pairs = _spread(list(product(lines, functionality.added or ("",))), functionality.cases)
    for number, (line, added) in enumerate(pairs, 1):
        identity = f"{functionality.id}/{number}"
        base = _conversation(identity, line)
        if functionality.change is not None:
            changed = CHANGES[functionality.change](line, number)
            compared = base if functionality.expected == "same" else None
            yield Case(identity, functionality, _conversation(f"{identity}+", changed), compared)
        elif added:
            more = _fill(turns(added, where=functionality.id), content.slots, number)
            yield Case(identity, functionality, _conversation(f"{identity}+", (*line, *more)), base)
        else:
            yield Case(identity, functionality, base)


def _lines(
    functionality: Functionality, content: CaseFile, made: Mapping[str, Sequence[Case]], file: Path
) -> list[tuple[Turn, ...]]:
    """Return the conversations that a functionality begins with: its openings with its endings, or those of others."""
    if functionality.of:
        share = -(-functionality.cases // len(functionality.of))
        return [
            _turns_of(case.conversation)
            for name in functionality.of
            for case in _spread(_others(name, made, functionality, file), share)
        ]
    openings = _named(functionality.openings, content.openings, functionality.id, file)
    endings = _named(functionality.endings, content.endings, functionality.id, file) or ("",)
    pairs = _spread(list(product(openings, endings)), functionality.cases)
    return [_fill(turns(" | ".join(filter(None, pair))), content.slots, number) for number, pair in enumerate(pairs)]


def _named(wanted: str | tuple[str, ...], sets: Mapping[str, tuple[str, ...]], identity: str, file: Path) -> tuple[str, ...]:
    if isinstance(wanted, tuple):
        return wanted
    if wanted not in sets:
        raise ConfigError(f"{identity} names `{wanted}`, which is not in the file", where=str(file), do="Mend the name")
    return sets[wanted]


def _others(name: str, made: Mapping[str, Sequence[Case]], functionality: Functionality, file: Path) -> Sequence[Case]:
    if name not in made:
        raise ConfigError(f"{functionality.id} takes up {name}, which is not read before it", where=str(file), do="Mend the name")
    return made[name]


def _spread(items: Sequence[Item], count: int) -> list[Item]:
    """Return ``count`` of the items, evenly spread over them; all where there are fewer."""
    count = min(count, len(items))
    return [items[number * len(items) // count] for number in range(count)]


def _fill(line: Sequence[Turn], slots: Mapping[str, tuple[str, ...]], number: int) -> tuple[Turn, ...]:
    return tuple((speaker, _SLOT.sub(lambda slot: slots[slot[1]][number % len(slots[slot[1]])], text)) for speaker, text in line)


def _turns_of(conversation: Conversation) -> tuple[Turn, ...]:
    return tuple((str(message.speaker), message.text) for message in conversation.messages)


def _conversation(identity: str, line: Sequence[Turn]) -> Conversation:
    source = Source("functional", row=1)
    messages = tuple(
        Message(message_id=str(number), speaker=speaker, text=text, source=replace(source, row=number))
        for number, (speaker, text) in enumerate(line, 1)
    )
    return Conversation(conversation_id=identity, platform="functional", messages=messages)
