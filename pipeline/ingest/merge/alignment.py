"""Which rows of two conversations are the same message: by their ids, or by time, sender and words.

Two phones may be in other time zones, one may write no seconds, and each has its own name for a contact. So the minutes are
compared, after a shift of the clock that most of the shared words agree on; and who is who follows from the messages that both
have. The shift may change within a chat, for one country changes its clocks before another.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.ingest.merge.talk import Talk, name_rank

Pair = tuple[int, int]
"""A row of the first conversation and the row of the second that is the same message."""

_LONGEST_SHIFT = 24 * 60 - 1
_QUARTER = 15
_OFTEN = 8
_SHIFTS = 4
_CLOCK_CHANGE = 120
_NEAR = (0, -1, 1)
_LONGEST_OVERLAP = 1 << 12
_SAME_SECONDS = 1.0


@dataclass(frozen=True)
class Alignment:
    """The rows that two conversations share, in the order of the second.

    ``shifts`` are minutes to add to the second's clock, one a pair. ``names`` says what the first calls a speaker of the second.
    ``words`` counts the pairs that were found by their words, ``texts`` how many different words those are.
    """

    pairs: Sequence[Pair] = ()
    shifts: Sequence[int] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    words: int = 0
    texts: int = 0

    @property
    def shift(self) -> int:
        """The shift that most pairs have."""
        return Counter(self.shifts).most_common(1)[0][0] if self.shifts else 0


def shared_ids(first: Talk, second: Talk) -> tuple[list[Pair], int]:
    """Return the rows with the same message id that are the same message, and how many are another message."""
    pairs: list[Pair] = []
    others = 0
    for row, message in enumerate(second.messages):
        own = first.rows_of_id.get(message.message_id)
        if own is None:
            continue
        twin = first.messages[own]
        if message.timestamp is not None and twin.timestamp is not None:
            aware = (message.timestamp.tzinfo is None) == (twin.timestamp.tzinfo is None)
            same = aware and abs((message.timestamp - twin.timestamp).total_seconds()) <= _SAME_SECONDS
        else:
            same = message.timestamp is twin.timestamp and message.text == twin.text
        if same and message.speaker == twin.speaker:
            pairs.append((own, row))
        else:
            others += 1
    return pairs, others


def align(first: Talk, second: Talk, by_id: Sequence[Pair] = ()) -> Alignment:
    """Return the rows that two conversations share; ``by_id`` are those that are known by their ids, and then no others are
    where all rows of both have ids.
    """
    pairs = list(by_id)
    if by_id and first.has_ids and second.has_ids:
        pairs.sort(key=lambda pair: pair[1])
        return Alignment(pairs, [0] * len(pairs))
    shifts = dict.fromkeys((row for _, row in pairs), 0)
    words: list[Pair] = []
    names: dict[str, str] = {}
    for number in range(_SHIFTS):
        left_first, left_second = _left(first, pairs, side=0), _left(second, pairs, side=1)
        found = _best_shift(first, second, left_first, left_second, near=_usual(shifts) if number else None)
        if found is None:
            break
        more = _same_words(first, second, left_first, left_second, found)
        names = _names(first, second, [*words, *more]) if not by_id else {}
        more = [pair for pair in more if _same_speaker(first, second, pair, names)]
        words += more
        pairs += more
        shifts.update({row: found for _, row in more})
    texts = len({second.keys[row] for _, row in words})
    if pairs:
        others = _same_rows(first, second, pairs, shifts, names)
        pairs += others
    pairs.sort(key=lambda pair: pair[1])
    return Alignment(pairs, [shifts[row] for _, row in pairs], names, len(words), texts)


def _usual(shifts: Mapping[int, int]) -> int | None:
    return Counter(shifts.values()).most_common(1)[0][0] if shifts else None


def _left(talk: Talk, pairs: Iterable[Pair], *, side: int) -> list[int]:
    """Return the rows with words that are in no pair."""
    taken = {pair[side] for pair in pairs}
    return [row for row, key in enumerate(talk.keys) if key is not None and row not in taken]


def _best_shift(first: Talk, second: Talk, rows: Sequence[int], others: Sequence[int], *, near: int | None) -> int | None:
    """Return the shift in minutes that most of the words that both have agree on, a multiple of a quarter of an hour."""
    places: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        places[first.keys[row] or ""].append(first.minutes[row] or 0)
    counts: Counter[str] = Counter(second.keys[row] or "" for row in others)
    votes: Counter[int] = Counter()
    exact: Counter[int] = Counter()
    for row in others:
        key = second.keys[row] or ""
        minute = second.minutes[row] or 0
        for own in places.get(key, ()) if counts[key] <= _OFTEN and len(places.get(key, ())) <= _OFTEN else ():
            shift = own - minute
            rounded = round(shift / _QUARTER) * _QUARTER
            if abs(shift) <= _LONGEST_SHIFT and abs(shift - rounded) <= 1:
                votes[rounded] += 1
                exact[rounded] += shift == rounded
    if near is not None:
        votes = Counter({shift: count for shift, count in votes.items() if abs(shift - near) <= _CLOCK_CHANGE and count >= 3})
    if votes:
        return max(votes, key=lambda shift: (votes[shift], exact[shift], -abs(shift), shift))
    return 0 if near is None and places.keys() & counts.keys() else None


def _same_words(first: Talk, second: Talk, rows: Sequence[int], others: Sequence[int], shift: int) -> list[Pair]:
    """Return the rows with the same words at the same minute: in order as far as that goes, then whatever the order."""
    mine = [(first.minutes[row], first.keys[row]) for row in rows]
    theirs = [((second.minutes[row] or 0) + shift, second.keys[row]) for row in others]
    found = [(rows[i], others[j]) for i, j in in_order(mine, theirs)]
    taken = {row for row, _ in found}, {row for _, row in found}
    for delta in _NEAR:
        places: dict[Hashable, list[int]] = defaultdict(list)
        for row, (minute, key) in zip(rows, mine, strict=True):
            if row not in taken[0]:
                places[(minute, key)].append(row)
        for row, (minute, key) in zip(others, theirs, strict=True):
            if row not in taken[1] and (own := places.get((minute + delta, key))):
                found.append((own.pop(0), row))
                taken[0].add(found[-1][0])
                taken[1].add(row)
    return found


def in_order(mine: Sequence[Hashable], theirs: Sequence[Hashable]) -> list[Pair]:
    """Return places of equal values in two sequences that run in the order of both: patience diff, without recursion.

    Values that stand once in each are anchors; what stands between two anchors is matched from both ends.
    """
    counts = Counter(mine), Counter(theirs)
    place = {value: number for number, value in enumerate(mine) if counts[0][value] == 1}
    anchors = [(place[value], number) for number, value in enumerate(theirs) if counts[1][value] == 1 and value in place]
    found: list[Pair] = []
    start = -1, -1
    for end in [*_longest_rising(anchors), (len(mine), len(theirs))]:
        found += _between(mine, theirs, (start[0] + 1, start[1] + 1), end, whole=start == (-1, -1) and end[0] == len(mine))
        if end[0] < len(mine):
            found.append(end)
        start = end
    return found


def _longest_rising(anchors: Sequence[Pair]) -> list[Pair]:
    """Return the longest run of anchors that rises in both."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for number, (own, _) in enumerate(anchors):
        at = bisect_left(tails, own)
        before.append(ends[at - 1] if at else -1)
        if at == len(tails):
            tails.append(own)
            ends.append(number)
        else:
            tails[at], ends[at] = own, number
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
    found: list[Pair] = []
    (i, j), (last_i, last_j) = start, end
    if start != (0, 0):
        while i < last_i and j < last_j and mine[i] == theirs[j]:
            found.append((i, j))
            i, j = i + 1, j + 1
    if end != (len(mine), len(theirs)):
        while i < last_i and j < last_j and mine[last_i - 1] == theirs[last_j - 1]:
            last_i, last_j = last_i - 1, last_j - 1
            found.append((last_i, last_j))
    return sorted(found)


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


def _names(first: Talk, second: Talk, pairs: Sequence[Pair]) -> dict[str, str]:
    """Return what the first calls each speaker of the second, from the messages that both have: one name for one."""
    counts: Counter[tuple[str, str]] = Counter(
        (str(second.messages[row].speaker), str(first.messages[own].speaker)) for own, row in pairs
    )
    names: dict[str, str] = {}
    taken: set[str] = set()
    for (theirs, own), _ in sorted(counts.items(), key=lambda item: (-item[1], item[0][0] != item[0][1], item[0])):
        if theirs not in names and own not in taken:
            names[theirs] = own
            taken.add(own)
    return names


def _same_speaker(first: Talk, second: Talk, pair: Pair, names: Mapping[str, str]) -> bool:
    own, theirs = first.messages[pair[0]].speaker, second.messages[pair[1]].speaker
    return names.get(str(theirs), theirs) == own


def _same_rows(first: Talk, second: Talk, pairs: Sequence[Pair], shifts: dict[int, int], names: Mapping[str, str]) -> list[Pair]:
    """Return the rows without words in common that are the same all the same: files, withdrawn messages, lines of the platform.

    A message that one export has withdrawn or edited stands at its time, from its sender, in the other.
    """
    taken = {own for own, _ in pairs}, {row for _, row in pairs}
    places: dict[Hashable, list[int]] = defaultdict(list)
    for row, message in enumerate(first.messages):
        if row not in taken[0] and first.minutes[row] is not None:
            places[(first.minutes[row], message.speaker)].append(row)
    found: list[Pair] = []
    shift = next(iter(shifts.values()), 0)
    for row, message in enumerate(second.messages):
        shift = shifts.get(row, shift)
        minute = second.minutes[row]
        if row in taken[1] or minute is None:
            continue
        speaker = None if message.speaker is None else names.get(message.speaker, message.speaker)
        candidates = places.get((minute + shift, speaker), [])
        for own in candidates:
            if _alike(first, own, second, row):
                candidates.remove(own)
                found.append((own, row))
                shifts[row] = shift
                break
    return found


def _alike(first: Talk, own: int, second: Talk, row: int) -> bool:
    """Whether two rows of one minute and one speaker may be the same message in two states."""
    one, other = first.messages[own], second.messages[row]
    if one.kind != "message" or other.kind != "message":
        return one.kind == other.kind or "deleted" in (one.kind, other.kind)
    return first.keys[own] == second.keys[row] or "edited" in one.meta or "edited" in other.meta


def agreeing(names: Mapping[str, str]) -> int:
    """Return how many speakers have the same name in both, or one that each export may have of its own: a number, "You"."""
    return sum(theirs.casefold() == own.casefold() or name_rank(theirs) > 0 or name_rank(own) > 0 for theirs, own in names.items())
