"""Two conversations that are one chat, as one: in order, each message once, each speaker under one name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pipeline.ingest.merge.alignment import Alignment
from pipeline.ingest.merge.talk import Talk, name_rank, words_key
from pipeline.schema import Kind, Message

_WORTH: Mapping[Kind, int] = {"message": 4, "media": 3, "system": 2, "unsupported": 1, "deleted": 0}


@dataclass(frozen=True)
class Combined:
    """A chat put together. ``repeated`` counts the rows that stood in both, ``changed`` those whose words were not the same."""

    talk: Talk
    repeated: int
    changed: int
    names: Mapping[str, str]


def combine(first: Talk, second: Talk, alignment: Alignment) -> Combined:
    """Put the rows of two conversations in one order: the first's, with the second's own rows between those that both have.

    A row that only the second has keeps its place between its neighbours, and by time where those leave room; its time is told by
    the first's clock.
    """
    own_names, their_names = _one_name_each(first, second, alignment)
    mine = [_named(message, own_names) for message in first.messages]
    twin = {row: left for left, row in alignment.pairs}
    ids = {message.message_id for message in mine}
    now = {
        message.message_id: mine[twin[row]].message_id if row in twin else _free(message.message_id, ids)
        for row, message in enumerate(second.messages)
    }
    theirs = [_replying(_named(message, their_names), now) for message in second.messages]
    latest = _ends(second) > _ends(first)
    for left, row in alignment.pairs:
        mine[left] = _one_of(mine[left], theirs[row], latest=latest)
    rows = _in_one_order(mine, theirs, twin, dict(zip((row for _, row in alignment.pairs), alignment.shifts, strict=True)), now)
    conversation = replace(first.conversation, messages=tuple(rows), title=_title(first, second), meta=_meta(first, second))
    changed = sum("earlier_text" in mine[left].meta for left, _ in alignment.pairs)
    return Combined(Talk(conversation, tuple(rows), first.place), len(alignment.pairs), changed, {**own_names, **their_names})


def _in_one_order(
    mine: Sequence[Message], theirs: Sequence[Message], twin: Mapping[int, int], shifts: Mapping[int, int], now: Mapping[str, str]
) -> list[Message]:
    """Return the rows of both; ``twin`` says which of mine a row of theirs is, ``shifts`` how many minutes its clock is behind."""
    rows: list[Message] = []
    shift = next(iter(shifts.values()), 0)
    place, reached = 0, -1
    ahead = _next_twins(len(theirs), twin)
    for row, message in enumerate(theirs):
        shift = shifts.get(row, shift)
        if row in twin:
            reached = max(reached, twin[row])
            continue
        moved = replace(_moved(message, shift), message_id=now[message.message_id])
        end = ahead[row] if ahead[row] > reached else len(mine)
        while place < len(mine) and (place <= reached or (place < end and _not_later(mine[place], moved))):
            rows.append(mine[place])
            place += 1
        rows.append(moved)
    return [*rows, *mine[place:]]


def _ends(talk: Talk) -> int:
    return talk.span[1] if talk.span is not None else 0


def _next_twins(count: int, twin: Mapping[int, int]) -> list[int]:
    """Return, for every row of the second, the row of the first that the next shared row is; −1 where none follows."""
    ahead = [-1] * count
    following = -1
    for row in range(count - 1, -1, -1):
        ahead[row] = following
        following = twin.get(row, following)
    return ahead


def _not_later(message: Message, other: Message) -> bool:
    return message.timestamp is None or other.timestamp is None or _wall(message.timestamp) <= _wall(other.timestamp)


def _wall(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)


def _moved(message: Message, minutes: int) -> Message:
    """Return a message by the clock of the first export; what its own export says stays in ``meta``."""
    if not minutes or message.timestamp is None:
        return message
    try:
        moment = message.timestamp + timedelta(minutes=minutes)
    except OverflowError:
        return message
    return replace(message, timestamp=moment, meta={**message.meta, "timestamp_in_export": message.timestamp.isoformat()})


def _free(identity: str, ids: set[str]) -> str:
    """Return an id that no row has yet, and take it."""
    candidate, number = identity, 1
    while candidate in ids:
        number += 1
        candidate = f"{identity}~{number}"
    ids.add(candidate)
    return candidate


def _one_of(message: Message, other: Message, *, latest: bool) -> Message:
    """Return one row for two of the same message: words before a note that they were withdrawn, and the latest words.

    The first's place and id stay; what only the other knows in ``meta`` is added.
    """
    best = other if _better(message, other, latest=latest) else message
    rest = message if best is other else other
    meta = {**rest.meta, **best.meta}
    if best.kind == rest.kind == "message" and words_key(best.text, edited=True) != words_key(rest.text, edited=True):
        meta["earlier_text"] = rest.text
    if rest.kind == "deleted" and best.kind != "deleted":
        meta["deleted_later"] = True
    return replace(message, text=best.text, kind=best.kind, source=best.source, speaker=message.speaker or other.speaker, meta=meta)


def _better(message: Message, other: Message, *, latest: bool) -> bool:
    """Whether the second of two rows of one message is the one to keep."""
    if message.kind != other.kind:
        return _WORTH[other.kind] > _WORTH[message.kind]
    if message.kind == "media":
        return _says_more(other, message)
    edited = "edited" in message.meta, "edited" in other.meta
    return message.text != other.text and (edited[1] if edited[0] != edited[1] else latest and all(edited))


def _says_more(message: Message, other: Message) -> bool:
    return "attachments" in message.meta and "attachments" not in other.meta


def _one_name_each(first: Talk, second: Talk, alignment: Alignment) -> tuple[dict[str, str], dict[str, str]]:
    """Return the new names in the first and in the second: a name before a number, a number before "You", else the first's."""
    best = {ours: min((ours, theirs), key=name_rank) for theirs, ours in alignment.names.items()}
    finals = [best.get(name, name) for name in sorted(first.speakers)]
    if len(set(finals)) < len(finals):
        best = {ours: ours for ours in best}
    mine = {ours: name for ours, name in best.items() if ours != name}
    theirs = {name: best[ours] for name, ours in alignment.names.items() if name != best[ours]}
    people = {best.get(name, name) for name in first.speakers}
    matched = {best[ours] for ours in alignment.names.values()}
    for name in sorted(second.speakers - alignment.names.keys()):
        if name in matched:  # another person of the same name, or the other phone's "You"
            theirs[name] = _free(name, people)
    return mine, theirs


def _named(message: Message, names: Mapping[str, str]) -> Message:
    return message if message.speaker is None else replace(message, speaker=names.get(message.speaker, message.speaker))


def _replying(message: Message, now: Mapping[str, str]) -> Message:
    """Return a message whose answer points to the id that the message has now."""
    reply = message.meta.get("reply_to")
    if isinstance(reply, str) and now.get(reply, reply) != reply:
        return replace(message, meta={**message.meta, "reply_to": now[reply]})
    return message


def _title(first: Talk, second: Talk) -> str | None:
    titles = [talk.conversation.title for talk in (first, second) if talk.conversation.title]
    return min(titles, key=_digits) if titles else None


def _digits(title: str) -> bool:
    """Whether a title is or ends with a telephone number."""
    return sum(letter.isdigit() for letter in title) >= 7


def _meta(first: Talk, second: Talk) -> dict[str, object]:
    meta: dict[str, object] = {**second.conversation.meta, **first.conversation.meta}
    participants = [talk.conversation.meta.get("participants") for talk in (first, second)]
    if any(isinstance(names, Sequence) for names in participants):
        together = [name for names in participants if isinstance(names, list | tuple) for name in names]
        meta["participants"] = list(dict.fromkeys(together))
    return meta
