"""Whether two conversations are one chat: surely, perhaps, or not.

An id that every exporter shares decides alone. An account's own word for a chat (Meta's thread, a Telegram user, an id in a table)
needs the same messages, or the same people. Without ids the messages must agree: nearly all that stand in the stretch that both
cover, of both speakers, at the same minutes; more of them where the clocks or the names differ. A person who sends the same words
to several others says nothing of who those are, so what one speaker alone says is never enough.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from pipeline.ingest.merge.alignment import Alignment, agreeing, align, shared_ids
from pipeline.ingest.merge.talk import TABLES, Talk, is_counter, is_global

Says = Literal["same", "unsure", "other"]

_AGREE = 0.9
_OF_FEWER, _OF_MORE = 0.8, 0.5
_TEXTS = 3
_TEXTS_WITHOUT_NAMES = 6
_TEXTS_SHIFTED = 6
_TEXTS_SHIFTED_WITHOUT_NAMES = 10
_MANY = 3
_TALK = 2


@dataclass(frozen=True)
class Verdict:
    """What two conversations are. ``by`` says how it is known, or what is against it; it never holds words or names."""

    says: Says
    by: str
    alignment: Alignment = field(default_factory=Alignment)


def compare(first: Talk, second: Talk) -> Verdict:
    """Say whether two conversations of one platform are one chat."""
    verdict = _compare(first, second)
    if verdict.says == "same" and _told_apart(first, second):
        return Verdict("unsure", "the same messages are in both, and the platform gives them two ids", verdict.alignment)
    return verdict


def _told_apart(first: Talk, second: Talk) -> bool:
    """Whether two ids say that the chats are two, although an account has its own word for a chat.

    Two ids of one download, or of a table, are two chats. In Telegram each account has the other's id for a chat of two.
    """
    if first.id is None or second.id is None or first.id == second.id:
        return False
    if first.family == "telegram":
        return not {first.id, second.id} <= first.speakers & second.speakers
    return first.family in TABLES or (first.place != "" and first.place == second.place)


def _compare(first: Talk, second: Talk) -> Verdict:
    if first.family != second.family:
        return Verdict("other", "another platform")
    same_id = first.id is not None and first.id == second.id
    if not same_id and _both_global(first, second):
        return Verdict("other", "another id")
    pairs, others = shared_ids(first, second)
    if pairs and len(pairs) >= _AGREE * (len(pairs) + others) and (same_id or _same_texts(first, second, pairs) >= _TEXTS):
        return Verdict("same", "ids", align(first, second, pairs))
    glob = first.id is not None and is_global(first.family, first.id)
    if same_id and glob and not others and first.has_ids and second.has_ids:
        return Verdict("same", "id")  # other ids are other messages, whatever they say
    alignment = align(first, second)
    inside = _inside(first, second, alignment)
    if _sure(first, second, alignment, inside, same_id=same_id):
        return Verdict("same", "messages", alignment)
    if same_id:
        return _same_id(first, second, others, alignment)
    if _doubtful(first, second, alignment):
        inner, other = inside
        return Verdict(
            "unsure",
            f"{alignment.words} messages are in both, of {inner} and {other} in the time that both cover",
            alignment,
        )
    if _look_alike(first, second):
        return Verdict("unsure", "the same title and the same people, and no message is in both", alignment)
    return Verdict("other", "no message is in both")


def _both_global(first: Talk, second: Talk) -> bool:
    return all(talk.id is not None and is_global(talk.family, talk.id) for talk in (first, second))


def _same_texts(first: Talk, second: Talk, pairs: list[tuple[int, int]]) -> int:
    """Return how many different texts the rows with the same ids share."""
    return len({second.keys[row] for left, row in pairs if second.keys[row] and first.keys[left] == second.keys[row]})


def _inside(first: Talk, second: Talk, alignment: Alignment) -> tuple[int, int]:
    """Return how many messages with words each has in the stretch of time that both cover."""
    by_minute = first.whole_minutes or second.whole_minutes
    mine, theirs = (talk.clock(by_minute=by_minute) for talk in (first, second))
    if not mine or not theirs:
        return 0, 0
    shift = alignment.shift * 60
    start, end = max(min(mine.values()), min(theirs.values()) + shift), min(max(mine.values()), max(theirs.values()) + shift)
    return (
        sum(1 for row, moment in mine.items() if first.keys[row] and start <= moment <= end),
        sum(1 for row, moment in theirs.items() if second.keys[row] and start <= moment + shift <= end),
    )


def _sure(first: Talk, second: Talk, alignment: Alignment, inside: tuple[int, int], *, same_id: bool) -> bool:
    fewer, more = min(inside), max(inside)
    if not alignment.words or alignment.words < _OF_FEWER * fewer or alignment.words < _OF_MORE * more:
        return False
    if same_id:
        return alignment.texts >= _TALK or alignment.words == fewer
    two = len(set(alignment.names.values())) >= _TALK
    if not two and not (_one_title(first, second) and first.speakers == second.speakers):
        return False
    named = agreeing(alignment.names) > 0
    if alignment.shift == 0:
        return alignment.texts >= (_TEXTS if named else _TEXTS_WITHOUT_NAMES)
    return alignment.texts >= (_TEXTS_SHIFTED if named else _TEXTS_SHIFTED_WITHOUT_NAMES)


def _doubtful(first: Talk, second: Talk, alignment: Alignment) -> bool:
    """Whether so much is in both that a person should know: more of it where neither the title nor every name is the same."""
    if _one_title(first, second) or agreeing(alignment.names) == len(alignment.names) >= _TALK:
        return alignment.texts >= _TALK
    return len(alignment.names) >= _TALK and alignment.texts >= _TEXTS


def _same_id(first: Talk, second: Talk, others: int, alignment: Alignment) -> Verdict:
    """Say what two conversations with the same id are that have no message in common: parts of one chat, or two."""
    if others:
        return Verdict("unsure", f"the same id, but {others} message ids stand for another message", alignment)
    glob = first.id is not None and is_global(first.family, first.id)
    if not glob and min(_inside(first, second, Alignment())) >= _MANY:
        return Verdict("unsure", "the same id, but other messages at the same time", alignment)
    if first.span is None or second.span is None:
        return Verdict("unsure", "the same id, and no times that tell which part comes first", alignment)
    if first.id is not None and first.family in TABLES and is_counter(first.id):
        return Verdict("unsure", "the same id, which any table may have, and no message is in both", alignment)
    if glob or (first.place and first.place == second.place):
        return Verdict("same", "id")
    if len(first.speakers & second.speakers) >= _TALK:
        return Verdict("same", "id")
    return Verdict("unsure", "the same id, but no message is in both and fewer than two people are", alignment)


def _one_title(first: Talk, second: Talk) -> bool:
    return first.title is not None and first.title == second.title


def _look_alike(first: Talk, second: Talk) -> bool:
    """Whether title and people are the same, and no platform's id says that the chats are two."""
    if first.id is not None and second.id is not None:
        return False
    return _one_title(first, second) and len(first.speakers) >= _TALK and first.speakers == second.speakers
