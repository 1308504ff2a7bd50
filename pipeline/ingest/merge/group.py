"""The exports of what may be one chat, put together as far as that is sure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.ingest.merge.combine import combine
from pipeline.ingest.merge.evidence import Verdict, compare
from pipeline.ingest.merge.talk import Talk
from pipeline.ingest.options import Merge
from pipeline.schema import Conversation


@dataclass(frozen=True)
class Member:
    """A conversation as one export has it: the export's name and SHA-256, and where in the export it stands, from 0."""

    talk: Talk
    export: str
    sha256: str
    unit: int
    index: int

    @property
    def id(self) -> str:
        """The conversation's id in the export."""
        return self.talk.conversation.conversation_id


@dataclass(frozen=True)
class Whole:
    """A chat, and the exports of it. ``by`` says how each was known to be of it; ``repeated`` and ``changed`` as in `combine`."""

    talk: Talk
    members: tuple[Member, ...]
    by: tuple[str, ...] = ()
    repeated: int = 0
    changed: int = 0
    renamed: int = 0

    @property
    def conversation(self) -> Conversation:
        """The chat as one conversation."""
        return self.talk.conversation


@dataclass(frozen=True)
class Unsure:
    """Two exports that may be of one chat and were kept apart, and why."""

    first: Member
    second: Member
    why: str


def put_together(members: Sequence[Member], merge: Merge) -> tuple[list[Whole], list[Unsure]]:
    """Return the chats that the members are, the largest first, and the pairs that are kept apart though they may be one.

    The members are taken in the order of what they hold, so that the result does not depend on theirs. With ``always`` what may
    be one chat is one.
    """
    wholes = [Whole(member.talk, (member,)) for member in sorted(members, key=_size)]
    wholes, unsure = _fold(wholes, ("same",))
    if merge == "always":
        wholes, unsure = _fold(wholes, ("same", "unsure"))
    return wholes, unsure


def _size(member: Member) -> tuple[int, int, str, int]:
    span = member.talk.span
    return -len(member.talk.messages), span[0] if span is not None else 0, member.sha256, member.index


def _fold(wholes: Sequence[Whole], accepted: Sequence[str]) -> tuple[list[Whole], list[Unsure]]:
    """Merge what is accepted, until nothing more is: a chat that has grown may reach another part."""
    count = len(wholes) + 1
    unsure: list[Unsure] = []
    while len(wholes) < count:
        count = len(wholes)
        wholes, unsure = _fold_once(wholes, accepted)
    return list(wholes), unsure


def _fold_once(wholes: Sequence[Whole], accepted: Sequence[str]) -> tuple[list[Whole], list[Unsure]]:
    left = list(wholes)
    done: list[Whole] = []
    unsure: list[Unsure] = []
    while left:
        current, *rest = left
        grown = True
        doubts: list[Unsure] = []
        while grown:
            grown = False
            doubts = []
            others: list[Whole] = []
            for other in rest:
                verdict = _verdict(current, other)
                if verdict.says in accepted:
                    current = _joined(current, other, verdict)
                    grown = True
                else:
                    others.append(other)
                    if verdict.says == "unsure":
                        doubts.append(Unsure(current.members[0], other.members[0], verdict.by))
            rest = others
        done.append(current)
        unsure += doubts
        left = rest
    return done, unsure


def _verdict(first: Whole, second: Whole) -> Verdict:
    units = {member.unit for member in first.members}
    if any(member.unit in units for member in second.members):
        return Verdict("other", "two conversations of one export")
    return compare(first.talk, second.talk)


def _joined(first: Whole, second: Whole, verdict: Verdict) -> Whole:
    combined = combine(first.talk, second.talk, verdict.alignment)
    renamed = len(combined.names)
    return Whole(
        replace(combined.talk, place=first.talk.place if first.talk.place == second.talk.place else ""),
        (*first.members, *second.members),
        tuple(sorted({*first.by, *second.by, verdict.by})),
        first.repeated + second.repeated + combined.repeated,
        first.changed + second.changed + combined.changed,
        first.renamed + second.renamed + renamed,
    )
