"""Exports as the engines read them, once it is known which conversations are one chat.

The plan is made once, before anything is scored, where the run is started. A chat of several exports becomes a unit of its own,
which reads them together; their units leave it out. Any engine reads such units as it reads others, in any order and again.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any, TypeVar

from pipeline.errors import ExportError
from pipeline.ingest.merge.candidates import Candidates, Place
from pipeline.ingest.merge.group import Member, Unsure, Whole, put_together
from pipeline.ingest.merge.talk import Talk
from pipeline.ingest.options import Merge, ReadLog, ReadOptions
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation

HELD_BYTES = 1 << 27
"""How much of the chats to be merged is held at once, as `candidates` reckons it; a larger chat is held alone."""

Item = TypeVar("Item")

_MOST = 1000
_SNAPCHAT = ("chat_history.json", "snap_history.json")
_SHOWN = 20


@dataclass(frozen=True)
class Parted(Unit):
    """A unit without the conversations, by their numbers in it from 0, that are merged elsewhere."""

    without: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Merged(Unit):
    """Chats that stand in several units: for each the units that it stands in, by number in ``units``, and its number in each."""

    units: tuple[Unit, ...] = ()
    chats: tuple[tuple[Place, ...], ...] = ()
    merge: Merge = "auto"

    @property
    def name(self) -> str:
        """The names of the units."""
        more = len(self.units) - 2
        return " + ".join(unit.name for unit in self.units[:2]) + (f" and {more} more" if more > 0 else "")

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the units' own and of what is merged."""
        parts = [*(unit.sha256 for unit in self.units), repr(self.chats)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class _Chat:
    """A chat that stands at several places: what is reckoned for it in memory, and what ``run.json`` says of it."""

    places: tuple[Place, ...]
    size: int
    record: Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """The units to read, and for ``run.json`` what was merged in them."""

    units: Sequence[Unit]
    merged: Sequence[Mapping[str, Any]] = field(default_factory=list)


def plan_merges(units: Sequence[Unit], options: ReadOptions, log: ReadLog) -> Plan:
    """Find the chats that stand in several units, and warn of those that may.

    A unit that cannot be read whole is left as it is: whoever reads it next finds the damage.
    """
    if options.merge == "never" or len(units) < 2:
        return Plan(units)
    candidates, damaged = _survey(units, options)
    if candidates.thinned > 1:
        log.warn(units[0].name, "so many messages that a short stretch in common of two exports of a chat may have been overlooked")
    chats: list[_Chat] = []
    for groups in _batches(candidates, candidates.groups(damaged), log, units):
        held = _held(units, {place for group in groups for place in group}, options, ReadLog())
        for group in groups:
            wholes, unsure = put_together([held.pop(place) for place in group], options.merge)
            chats += (_chat(whole, candidates) for whole in wholes if len(whole.members) > 1)
            _tell(unsure, log)
    return _units(units, chats, candidates, options.merge)


def read_parted(unit: Parted, conversations: Iterator[Conversation]) -> Iterator[Conversation]:
    """Leave out the conversations that are merged elsewhere."""
    return (conversation for index, conversation in enumerate(conversations) if index not in unit.without)


def read_merged(unit: Merged, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the merged chats of a unit."""
    held = _held(unit.units, {place for chat in unit.chats for place in chat}, options, log)
    for chat in unit.chats:
        members = [held.pop(place) for place in chat]
        for whole in put_together(members, unit.merge)[0]:
            exports = [{"export": member.export, "conversation_id": member.id} for member in whole.members]
            conversation = whole.conversation
            yield replace(conversation, meta={**conversation.meta, "merged": exports})


def _survey(units: Sequence[Unit], options: ReadOptions) -> tuple[Candidates, frozenset[int]]:
    from pipeline.ingest.read import conversations_of

    candidates = Candidates()
    damaged: set[int] = set()
    for number, unit in enumerate(units):
        try:
            candidates.read(number, conversations_of(unit, options, ReadLog()))
        except ExportError:
            damaged.add(number)
    return candidates, frozenset(damaged)


def _batches(
    candidates: Candidates, groups: Sequence[list[int]], log: ReadLog, units: Sequence[Unit]
) -> Iterator[list[list[Place]]]:
    """Yield groups that may be held at once; a group of too many is told and passed over."""
    kept: list[list[Place]] = []
    for group in groups:
        places = [candidates.places[number] for number in group]
        if len(group) > _MOST:
            what = f"{len(group):,} conversations look alike, one of this export among them: they were not compared, and kept apart"
            log.warn(units[places[0][0]].name, what)
        else:
            kept.append(places)
    return _in_memory(kept, [candidates.size(places) for places in kept])


def _held(units: Sequence[Unit], places: set[Place], options: ReadOptions, log: ReadLog) -> dict[Place, Member]:
    """Return the conversations at some places; each unit is read once."""
    from pipeline.ingest.read import conversations_of

    held: dict[Place, Member] = {}
    for number, unit in enumerate(units):
        wanted = {index for unit_number, index in places if unit_number == number}
        if not wanted:
            continue
        last = max(wanted) + 1
        for index, conversation in enumerate(islice(conversations_of(unit, options, log), last)):
            if index in wanted:
                loaded = conversation.load()
                talk = Talk(loaded, tuple(loaded.messages), _download(unit))
                held[number, index] = Member(talk, unit.name, unit.sha256, number, index)
    return held


def _download(unit: Unit) -> str:
    """Return the download that a unit is of, where its folders tell: files of two accounts may lie in one folder otherwise."""
    location = unit.files[0].location
    if unit.format == "meta":
        return str(location.parent.parent.parent)
    return str(location.parent) if location.name in _SNAPCHAT else ""


def _chat(whole: Whole, candidates: Candidates) -> _Chat:
    places = tuple(sorted((member.unit, member.index) for member in whole.members))
    return _Chat(places, candidates.size(places), _record(whole))


def _tell(unsure: Sequence[Unsure], log: ReadLog) -> None:
    for pair in unsure[:_SHOWN]:
        first, second = sorted((pair.first, pair.second), key=lambda member: (member.unit, member.index))
        log.warn(
            second.export,
            f"the conversation {second.id} may be the same chat as {first.id} in {first.export}, and was kept apart: {pair.why}. "
            "--merge always makes one of them",
        )
    if len(unsure) > _SHOWN:
        log.warn(
            unsure[0].first.export, f"{len(unsure) - _SHOWN:,} more pairs of conversations may be one chat and were kept apart"
        )


def _units(units: Sequence[Unit], chats: Sequence[_Chat], candidates: Candidates, merge: Merge) -> Plan:
    """Return the units in their order, each merged chat where the first of its exports stands."""
    if not chats:
        return Plan(units)
    counts = Counter(unit for unit, _ in candidates.places)
    elsewhere: dict[int, set[int]] = defaultdict(set)
    begins: dict[int, list[_Chat]] = defaultdict(list)
    for chat in sorted(chats, key=lambda chat: chat.places):
        for unit, index in chat.places:
            elsewhere[unit].add(index)
        begins[chat.places[0][0]].append(chat)
    planned: list[Unit] = []
    for number, unit in enumerate(units):
        planned += (_merged(units, batch, merge) for batch in _in_memory(begins[number], [chat.size for chat in begins[number]]))
        if not elsewhere[number]:
            planned.append(unit)
        elif len(elsewhere[number]) < counts[number]:
            planned.append(Parted(unit.format, unit.files, frozenset(elsewhere[number])))
    return Plan(planned, [chat.record for number in range(len(units)) for chat in begins[number]])


def _in_memory(items: Sequence[Item], sizes: Sequence[int]) -> Iterator[list[Item]]:
    """Yield runs of items that may be held at once."""
    batch: list[Item] = []
    held = 0
    for item, size in zip(items, sizes, strict=True):
        if batch and held + size > HELD_BYTES:
            yield batch
            batch, held = [], 0
        batch.append(item)
        held += size
    if batch:
        yield batch


def _merged(units: Sequence[Unit], chats: Sequence[_Chat], merge: Merge) -> Merged:
    numbers = sorted({unit for chat in chats for unit, _ in chat.places})
    place = {number: position for position, number in enumerate(numbers)}
    members = tuple(units[number] for number in numbers)
    files = tuple(file for unit in members for file in unit.files)
    read = tuple(tuple((place[unit], index) for unit, index in chat.places) for chat in chats)
    return Merged(members[0].format, files, members, read, merge)


def _record(chat: Whole) -> dict[str, Any]:
    """Return what was merged: where each part came from, how it was known, and how many rows stood in more than one."""
    return {
        "conversation_id": chat.conversation.conversation_id,
        "by": list(chat.by),
        "messages": len(chat.talk.messages),
        "repeated": chat.repeated,
        "changed": chat.changed,
        "speakers_renamed": chat.renamed,
        "exports": [
            {"export": member.export, "conversation_id": member.id, "messages": len(member.talk.messages)}
            for member in sorted(chat.members, key=lambda member: (member.unit, member.index))
        ],
    }
