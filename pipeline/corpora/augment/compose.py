"""Derive training variety from labelled conversations; what is derived keeps its parents, so that no split separates them."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field, field_validator

from pipeline.config import Settings
from pipeline.corpora.augment.noise import NOISE
from pipeline.corpora.augment.without_speakers import LabelledMessage, merge_bursts, scorable_messages, without_speakers
from pipeline.corpora.labelled import LabelledConversation
from pipeline.ingest.own_words import own_words
from pipeline.schema import Conversation, Kind, Message

Chance = Annotated[float, Field(ge=0, le=1)]


class Composition(Settings):
    """How much is derived, and how. ``slot_words`` are sets of words that may stand for each other.

    ``without_speakers`` is the share of conversations, ordinary chats too, that are given once more as some exports leave them:
    nobody knows who speaks, and what one person sends in a row is one line.
    """

    per_conversation: Annotated[int, Field(ge=0)] = 4
    seed: int = 0
    excerpt: Chance = 0.35
    splice: Chance = 0.6
    crop: Chance = 0.3
    thin: Chance = 0.3
    swap: Chance = 0.5
    slots: Chance = 0.7
    noise: Chance = 0.7
    without_speakers: Chance = 0.0
    noise_per_message: Mapping[str, Chance] = {}
    slot_words: Mapping[str, tuple[str, ...]] = {}

    @field_validator("noise_per_message")
    @classmethod
    def _known(cls, chances: Mapping[str, float]) -> Mapping[str, float]:
        if unknown := set(chances) - set(NOISE):
            raise ValueError(f"no such noise: {', '.join(sorted(unknown))}; there are {', '.join(NOISE)}")
        return chances


@dataclass(frozen=True, slots=True)
class _Row:
    """A message on its way through the changes: what happens to it never moves a label to another message."""

    speaker: str | None
    kind: Kind
    text: str
    stages: frozenset[str] | None
    unsure: frozenset[str]
    flagged: bool


def compose(
    parents: Sequence[LabelledConversation], ordinary: Sequence[LabelledConversation], composition: Composition
) -> Iterator[LabelledConversation]:
    """Yield ``per_conversation`` derived conversations of each parent; ``ordinary`` are chats of two or more to splice into.

    Then a share of all of them without speakers; a corpus that flags messages without a stage is left out of that.

    The same parents in the same order, the same ordinary chats and settings give the same conversations.
    """
    fillers = [chat for chat in ordinary if len({message.speaker for message in chat.messages}) > 1]
    for parent in parents:
        for number in range(1, composition.per_conversation + 1):
            chance = random.Random(f"{composition.seed}/{parent.id}/{number}")  # noqa: S311 - variety, no secret
            yield _derive(parent, number, fillers, composition, chance)
    for conversation in (*parents, *ordinary):
        chance = random.Random(f"{composition.seed}/{conversation.id}/without-speakers")  # noqa: S311 - variety, no secret
        if conversation.flagged is None and chance.random() < composition.without_speakers:
            lines = merge_bursts(scorable_messages(conversation))
            if lines:
                yield _without_speakers(conversation, lines)


def _derive(
    parent: LabelledConversation,
    number: int,
    fillers: Sequence[LabelledConversation],
    composition: Composition,
    chance: random.Random,
) -> LabelledConversation:
    rows = _rows(parent)
    changes = []
    filler: LabelledConversation | None = None
    if chance.random() < composition.excerpt and (short := _excerpt(rows, chance)) != rows:
        rows, changes = short, [*changes, "excerpt"]
    else:
        if chance.random() < composition.crop and (cropped := _cropped(rows, chance)) != rows:
            rows, changes = cropped, [*changes, "crop"]
        if chance.random() < composition.thin and (thinned := _thinned(rows, chance)) != rows:
            rows, changes = thinned, [*changes, "thin"]
        if fillers and chance.random() < composition.splice:
            filler = chance.choice(fillers)
            rows, changes = _spliced(rows, _rows(filler), chance), [*changes, "splice"]
    if chance.random() < composition.swap and (swapped := _swapped(rows)) != rows:
        rows, changes = swapped, [*changes, "swap"]
    if chance.random() < composition.slots and (filled := _filled(rows, composition.slot_words, chance)) != rows:
        rows, changes = filled, [*changes, "slots"]
    if chance.random() < composition.noise and (noisy := _noisy(rows, composition.noise_per_message, chance)) != rows:
        rows, changes = noisy, [*changes, "noise"]
    return _built(parent, f"{parent.id}+{number}", rows, filler, changes)


def _without_speakers(conversation: LabelledConversation, lines: Sequence[LabelledMessage]) -> LabelledConversation:
    changed = without_speakers(conversation, lines, f"{conversation.id}+without-speakers")
    return replace(changed, parents=(conversation.group,), attributes={**conversation.attributes, "derived": "without-speakers"})


def _rows(conversation: LabelledConversation) -> list[_Row]:
    flagged = conversation.flagged or frozenset()
    return [
        _Row(
            message.speaker, message.kind, message.text, stages, conversation.unsure.get(position, frozenset()), position in flagged
        )
        for position, (message, stages) in enumerate(zip(conversation.messages, conversation.stages, strict=True))
    ]


def _labelled(row: _Row) -> bool:
    return bool(row.stages) or row.flagged


def _excerpt(rows: list[_Row], chance: random.Random) -> list[_Row]:
    """Keep a short run of messages, of a grooming one with a label in it: many exports begin and end in the middle."""
    places = [position for position, row in enumerate(rows) if _labelled(row)] or list(range(len(rows)))
    size = chance.randint(4, 12)
    start = max(0, chance.choice(places) - chance.randint(0, size - 1))
    short = rows[start : start + size]
    return short if len({row.speaker for row in short}) > 1 else rows


def _cropped(rows: list[_Row], chance: random.Random) -> list[_Row]:
    """Begin later or end earlier; the first labelled message stays, so that a grooming stays one."""
    first = next((position for position, row in enumerate(rows) if _labelled(row)), len(rows) // 2)
    start = chance.randint(0, first // 2)
    end = chance.randint(min(len(rows), max(first + 3, start + 4)), len(rows))
    return rows[start:end]


def _thinned(rows: list[_Row], chance: random.Random) -> list[_Row]:
    """Leave out every fifth or so of the messages without a label."""
    speakers = {row.speaker for row in rows}
    kept = [row for row in rows if _labelled(row) or chance.random() > 0.2]
    return kept if {row.speaker for row in kept} == speakers else rows


def _spliced(rows: list[_Row], filler: list[_Row], chance: random.Random) -> list[_Row]:
    """Put a conversation into ordinary chat of the same two: some of it before, some after."""
    hosts = list(dict.fromkeys(row.speaker for row in rows if row.speaker))
    guests = list(dict.fromkeys(row.speaker for row in filler if row.speaker))
    names = {guest: hosts[index % len(hosts)] for index, guest in enumerate(guests)}
    chance.shuffle(hosts)
    chat = [replace(row, speaker=names.get(row.speaker or "", row.speaker)) for row in filler]
    before = chance.randint(0, min(len(chat), 40))
    after = chance.randint(0, min(len(chat) - before, 40))
    return [*chat[:before], *rows, *chat[before : before + after]]


def _swapped(rows: list[_Row]) -> list[_Row]:
    """Let somebody else write first: what the first one wrote before is left out, unless it carries a label."""
    begun = next((position for position, row in enumerate(rows) if row.speaker != rows[0].speaker), 0)
    if not begun or any(_labelled(row) for row in rows[:begun]) or len(rows) - begun < 4:
        return rows
    return rows[begun:]


def _filled(rows: list[_Row], words: Mapping[str, Sequence[str]], chance: random.Random) -> list[_Row]:
    """Put other words of their sort in place of words, the same throughout a conversation."""
    chosen: dict[str, str] = {}
    for members in words.values():
        shuffled = list(members)
        chance.shuffle(shuffled)
        chosen |= dict(zip(members, shuffled, strict=True))
    if not chosen:
        return rows
    longest_first = sorted(chosen, key=len, reverse=True)
    pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b")
    return [replace(row, text=pattern.sub(lambda match: chosen[match[0]], row.text)) for row in rows]


def _noisy(rows: list[_Row], chances: Mapping[str, float], chance: random.Random) -> list[_Row]:
    noisy = []
    for row in rows:
        text = row.text
        if text and not own_words(row.kind, text):  # with a letter changed, an app's phrase would be taken for words
            noisy.append(row)
            continue
        for name, likely in chances.items():
            if text != "[SEXUAL]" and chance.random() < likely:
                text = NOISE[name](text, chance)
        noisy.append(replace(row, text=text))
    return noisy


def _built(
    parent: LabelledConversation, identity: str, rows: Sequence[_Row], filler: LabelledConversation | None, changes: Sequence[str]
) -> LabelledConversation:
    source = parent.messages[0].source
    messages = tuple(
        Message(message_id=str(position), speaker=row.speaker, kind=row.kind, text=row.text, source=source)
        for position, row in enumerate(rows, 1)
    )
    return replace(
        parent,
        conversation=Conversation(conversation_id=identity, platform=parent.conversation.platform, messages=messages),
        stages=tuple(row.stages for row in rows),
        unsure={position: row.unsure for position, row in enumerate(rows) if row.unsure},
        flagged=None if parent.flagged is None else frozenset(position for position, row in enumerate(rows) if row.flagged),
        parents=(parent.group, *((filler.group,) if filler else ())),
        attributes={**parent.attributes, "derived": "+".join(changes) or "copy"},
    )
