"""Equal values of two sequences that run in the order of both: patience diff, without recursion."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Sequence

Pair = tuple[int, int]
"""A place in the first sequence and the place in the second with the same value."""

_LONGEST_OVERLAP = 1 << 12


def in_order(mine: Sequence[Hashable], theirs: Sequence[Hashable]) -> list[Pair]:
    """Return places of equal values in two sequences that run in the order of both.

    Values that stand once in each are anchors; what stands between two anchors is matched from both ends.
    """
    counts = Counter(mine), Counter(theirs)
    place = {value: number for number, value in enumerate(mine) if counts[0][value] == 1}
    anchors = [(place[value], number) for number, value in enumerate(theirs) if counts[1][value] == 1 and value in place]
    pairs: list[Pair] = []
    start = -1, -1
    for end in [*longest_rising(anchors), (len(mine), len(theirs))]:
        pairs += _between(mine, theirs, (start[0] + 1, start[1] + 1), end, whole=start == (-1, -1) and end[0] == len(mine))
        if end[0] < len(mine):
            pairs.append(end)
        start = end
    return pairs


def longest_rising(anchors: Sequence[Pair]) -> list[Pair]:
    """Return the longest run of anchors that rises in both."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for number, (left, _) in enumerate(anchors):
        at = bisect_left(tails, left)
        before.append(ends[at - 1] if at else -1)
        if at == len(tails):
            tails.append(left)
            ends.append(number)
        else:
            tails[at], ends[at] = left, number
    chain: list[Pair] = []
    number = ends[-1] if ends else -1
    while number >= 0:
        chain.append(anchors[number])
        number = before[number]
    return chain[::-1]


def _between(mine: Sequence[Hashable], theirs: Sequence[Hashable], start: Pair, end: Pair, *, whole: bool) -> list[Pair]:
    """Match a gap from both ends; without any anchor, the end of one with the start of the other."""
    if whole:
        return _overlap(mine, theirs)
    pairs: list[Pair] = []
    (i, j), (last_i, last_j) = start, end
    if start != (0, 0):
        while i < last_i and j < last_j and mine[i] == theirs[j]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
    if end != (len(mine), len(theirs)):
        while i < last_i and j < last_j and mine[last_i - 1] == theirs[last_j - 1]:
            last_i, last_j = last_i - 1, last_j - 1
            pairs.append((last_i, last_j))
    return sorted(pairs)


def _overlap(mine: Sequence[Hashable], theirs: Sequence[Hashable]) -> list[Pair]:
    """Return the longest run at the end of one that begins the other."""
    if set(mine).isdisjoint(theirs):
        return []
    for size in range(min(len(mine), len(theirs), _LONGEST_OVERLAP), 0, -1):
        if mine[-size:] == theirs[:size]:
            return [(len(mine) - size + number, number) for number in range(size)]
        if theirs[-size:] == mine[:size]:
            return [(number, len(theirs) - size + number) for number in range(size)]
    return []
