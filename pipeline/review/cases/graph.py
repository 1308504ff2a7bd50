"""The graph of a case as a drawing: accounts on the left, conversations on the right. Equal input gives an equal drawing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pipeline.review.cases.view import CaseView

MOST_ACCOUNTS = 30
MOST_CONVERSATIONS = 40

_STEP = 34
_TOP = 28
_LEFT, _RIGHT = 130, 300
WIDTH = 430


@dataclass(frozen=True, slots=True)
class Node:
    """A place in the drawing, in its own units."""

    number: int
    x: int
    y: int
    flagged: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the drawing: an SVG path, and what it says in words."""

    path: str
    words: str
    flagged: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """The drawing; ``left_out`` counts the accounts and conversations that it does not show."""

    height: int
    accounts: Sequence[Node]
    conversations: Sequence[Node]
    lines: Sequence[Line]
    arcs: Sequence[Line]
    left_out: tuple[int, int]


def draw(view: CaseView, *, around: Collection[int] = ()) -> Drawing:
    """Draw the accounts to be read first, and the riskiest conversations of theirs.

    ``around`` some accounts, only those and who writes with them are drawn.
    """
    near = [conversation for conversation in view.conversations if not around or set(conversation.accounts.values()) & set(around)]
    writing = {number for conversation in near for number in conversation.accounts.values()}
    wanted = sorted(
        (account.number for account in view.accounts if not around or account.number in writing),
        key=lambda number: number not in around,
    )
    chosen = wanted[:MOST_ACCOUNTS]
    theirs = [conversation for conversation in near if set(conversation.accounts.values()) & set(chosen)][:MOST_CONVERSATIONS]
    rank = {number: place for place, number in enumerate(chosen)}
    # Each conversation stands near the middle of its accounts, and then each account near its conversations: fewer lines cross.
    middles = {
        conversation.number: _mean([rank[account] for account in conversation.accounts.values() if account in rank])
        for conversation in theirs
    }
    theirs.sort(key=lambda conversation: (middles[conversation.number], -conversation.risk, conversation.number))
    place = {conversation.number: row for row, conversation in enumerate(theirs)}
    of_account = {
        number: [place[conversation.number] for conversation in theirs if number in conversation.accounts.values()]
        for number in chosen
    }
    chosen.sort(key=lambda number: (_mean(of_account[number]) if of_account[number] else len(theirs), rank[number]))
    step = {"left": _step(len(theirs), len(chosen)), "right": _step(len(chosen), len(theirs))}
    flagged = {account.number: bool(account.flagged) for account in view.accounts}
    left = {
        number: Node(number, _LEFT, round(_TOP + (row + 0.5) * step["left"]), flagged[number]) for row, number in enumerate(chosen)
    }
    right = {
        conversation.number: Node(conversation.number, _RIGHT, round(_TOP + (row + 0.5) * step["right"]), conversation.flagged)
        for row, conversation in enumerate(theirs)
    }
    lines = [
        Line(
            _curve(left[account], right[conversation.number]),
            f"account {account} writes in conversation {conversation.number}",
            conversation.flagged,
        )
        for conversation in theirs
        for account in dict.fromkeys(conversation.accounts.values())
        if account in left
    ]
    pairs = {(link.source, link.target): link for link in reversed(view.links) if link.source in left and link.target in left}
    arcs = [
        Line(_arc(left[source], left[target]), f"accounts {source} and {target} may be one person: {link.words}")
        for (source, target), link in sorted(pairs.items())
        if link.judgement is None or link.judgement.kind != "split"
    ]
    height = 2 * _TOP + _STEP * max(len(chosen), len(theirs), 1)
    left_out = (len(wanted) - len(chosen), len(near) - len(theirs))
    return Drawing(height, list(left.values()), list(right.values()), lines, arcs, left_out)


def _mean(places: Sequence[int]) -> float:
    return sum(places) / len(places) if places else 0.0


def _step(others: int, size: int) -> float:
    """Return how far apart the rows of one side stand, so that both sides are equally high."""
    return _STEP * max(others, size, 1) / max(size, 1)


def _curve(start: Node, end: Node) -> str:
    middle = (start.x + end.x) // 2
    return f"M{start.x + 6} {start.y}C{middle} {start.y} {middle} {end.y} {end.x - 6} {end.y}"


def _arc(start: Node, other: Node) -> str:
    """Return an arc on the outer side of the accounts, past their labels."""
    out = max(4, 40 - abs(start.y - other.y) // 6)
    return f"M{start.x - 82} {start.y}C{out} {start.y} {out} {other.y} {other.x - 82} {other.y}"
