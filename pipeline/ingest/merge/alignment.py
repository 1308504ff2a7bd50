"""Which rows of two conversations are the same message: by their ids, or by time, sender and words.

Two phones may be in other time zones, one may write no seconds, and each has its own name for a contact. So the minutes are
compared, after a shift of the clock that most of the shared words agree on; and who is who follows from the messages that both
have. The shift may change within a chat, for one country changes its clocks before another. Where both exports say of each time
which moment it is, there is no shift: what is said again an hour later was said twice.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.ingest.merge.patience import Pair, in_order, longest_rising
from pipeline.ingest.merge.talk import Talk, name_rank, words_key
from pipeline.schema import Message

_LONGEST_SHIFT = 23 * 60
_QUARTER = 15
_OFTEN = 8
_LONG = 12
_CHANGES = 3
_STRETCH = 6
_MOST_OF = 0.8
_CLOCK_CHANGE = 120
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
        left = first.rows_of_id.get(message.message_id)
        if left is None:
            continue
        twin = first.messages[left]
        if message.timestamp is not None and twin.timestamp is not None:
            aware = (message.timestamp.tzinfo is None) == (twin.timestamp.tzinfo is None)
            same = aware and abs((message.timestamp - twin.timestamp).total_seconds()) <= _SAME_SECONDS
        else:
            same = message.timestamp is twin.timestamp and message.text == twin.text
        if same and message.speaker == twin.speaker:
            pairs.append((left, row))
        else:
            others += 1
    return pairs, others


def align(first: Talk, second: Talk, by_id: Sequence[Pair] = ()) -> Alignment:
    """Return the rows that two conversations share.

    ``by_id`` are the rows that their ids match. Where all rows of both have ids, no others are shared.
    """
    pairs = list(by_id)
    if by_id and first.has_ids and second.has_ids:
        pairs.sort(key=lambda pair: pair[1])
        return Alignment(pairs, [0] * len(pairs))
    words = _Words(first, second)
    shifts = dict.fromkeys((row for _, row in pairs), 0)
    names: dict[str, str] = {}
    left = words.left(pairs)
    fixed = bool(by_id) or (first.tells_zone and second.tells_zone)
    shift = 0 if fixed else words.best_shift(left)
    if shift is not None:
        names = {} if by_id else _names(first, second, words.in_order(left, shift))
        pairs += _all_in_place(words, left, shift, names)
        shifts |= dict.fromkeys((row for _, row in pairs if row not in shifts), shift)
        for _ in range(_CHANGES) if not fixed else ():
            more, shift = words.another_stretch(pairs, shift, names)
            if not more:
                break
            pairs += more
            shifts |= dict.fromkeys((row for _, row in more), shift)
    spoken = [row for mine, row in pairs if first.keys[mine] is not None and first.keys[mine] == second.keys[row]]
    if pairs:
        pairs += _same_rows(first, second, pairs, shifts, names)
    if by_id:
        pairs = [*by_id, *(pair for pair in pairs[len(by_id) :] if first.made_id(pair[0]) or second.made_id(pair[1]))]
    pairs.sort(key=lambda pair: pair[1])
    return Alignment(pairs, [shifts[row] for _, row in pairs], names, len(spoken), len({second.keys[row] for row in spoken}))


def _all_in_place(words: _Words, left: Left, shift: int, names: Mapping[str, str]) -> list[Pair]:
    """Return the rows with the same words, at the same minute, from the same speaker; and a minute apart between such two."""
    pairs = words.in_order(left, shift, names)
    pairs += words.anywhere(_without(left, pairs), shift, names)
    return pairs + words.between(_without(left, pairs), pairs, shift, names)


Left = tuple[Sequence[int], Sequence[int]]
"""The rows with words of each conversation that are in no pair yet."""


def _without(left: Left, pairs: Iterable[Pair]) -> Left:
    taken = {mine for mine, _ in pairs}, {row for _, row in pairs}
    return [row for row in left[0] if row not in taken[0]], [row for row in left[1] if row not in taken[1]]


@dataclass(frozen=True)
class _Words:
    """The words of two conversations."""

    first: Talk
    second: Talk

    def left(self, pairs: Iterable[Pair]) -> Left:
        """Return the rows with words that are in no pair."""
        both = (self.first, self.second)
        mine, theirs = ([row for row, key in enumerate(talk.keys) if key is not None] for talk in both)
        return _without((mine, theirs), list(pairs))

    def best_shift(self, left: Left, *, near: int | None = None) -> int | None:
        """Return the shift in minutes, in quarters of an hour, on which most words agree; the same clock where half as many do.

        ``near`` asks for another shift, of a clock that was put forward or back.
        """
        places: dict[str, list[int]] = defaultdict(list)
        for row in left[0]:
            places[self.first.keys[row] or ""].append(self.first.minutes[row] or 0)
        times: dict[str, list[int]] = defaultdict(list)
        for row in left[1]:
            times[self.second.keys[row] or ""].append(self.second.minutes[row] or 0)
        votes: Counter[int] = Counter()
        for key in places.keys() & times.keys():
            agreed: set[int] = set()
            if len(places[key]) <= _OFTEN and len(times[key]) <= _OFTEN:
                for shift in (place - minute for place in places[key] for minute in times[key]):
                    rounded = round(shift / _QUARTER) * _QUARTER
                    if abs(rounded) <= _LONGEST_SHIFT and abs(shift - rounded) <= 1:
                        agreed.add(rounded)
            votes.update(dict.fromkeys(agreed, 1 if len(key) < _LONG else 2))
        if near is not None:
            votes = Counter({shift: count for shift, count in votes.items() if 0 < abs(shift - near) <= _CLOCK_CHANGE})
        if not votes:
            return 0 if near is None and places.keys() & times.keys() else None
        best = max(votes, key=lambda shift: (votes[shift], -abs(shift), shift))
        return 0 if near is None and 2 * votes[0] >= votes[best] else best

    def keys(self, left: Left, shift: int, names: Mapping[str, str] | None) -> tuple[list[Hashable], list[Hashable]]:
        """Return what must be equal: minute and words, and with ``names`` the speaker."""
        return (
            [
                (self.first.minutes[row], self.first.keys[row], names is not None and self.first.messages[row].speaker)
                for row in left[0]
            ],
            [
                ((self.second.minutes[row] or 0) + shift, self.second.keys[row], names is not None and self._speaker(row, names))
                for row in left[1]
            ],
        )

    def _speaker(self, row: int, names: Mapping[str, str]) -> str | None:
        speaker = self.second.messages[row].speaker
        return None if speaker is None else names.get(speaker, speaker)

    def in_order(self, left: Left, shift: int, names: Mapping[str, str] | None = None) -> list[Pair]:
        """Return equal rows that stand in one order in both."""
        return [(left[0][i], left[1][j]) for i, j in in_order(*self.keys(left, shift, names))]

    def anywhere(self, left: Left, shift: int, names: Mapping[str, str]) -> list[Pair]:
        """Return equal rows whatever their order."""
        mine, theirs = self.keys(left, shift, names)
        places: dict[Hashable, list[int]] = defaultdict(list)
        for row, key in zip(left[0], mine, strict=True):
            places[key].append(row)
        return [(places[key].pop(0), row) for row, key in zip(left[1], theirs, strict=True) if places.get(key)]

    def between(self, left: Left, pairs: Sequence[Pair], shift: int, names: Mapping[str, str]) -> list[Pair]:
        """Return rows a minute apart that stand between the same two shared rows: one phone got the message later."""
        chain = longest_rising(sorted(pairs, key=lambda pair: pair[1]))
        mine, theirs = [place for place, _ in chain], [row for _, row in chain]
        places: dict[Hashable, list[int]] = defaultdict(list)
        for row in left[0]:
            places[bisect_left(mine, row), self.first.keys[row], self.first.messages[row].speaker].append(row)
        matched: list[Pair] = []
        for row in left[1]:
            gap = bisect_left(theirs, row)
            place = places.get((gap, self.second.keys[row], self._speaker(row, names)))
            minute = (self.second.minutes[row] or 0) + shift
            if place and 0 < gap < len(chain) and abs((self.first.minutes[place[0]] or 0) - minute) <= 1:
                matched.append((place.pop(0), row))
        return matched

    def another_stretch(self, pairs: Sequence[Pair], shift: int, names: Mapping[str, str]) -> tuple[list[Pair], int]:
        """Return the rows of a stretch in which the clocks are apart by more or less: nearly all of it, of many different words."""
        left = self.left(pairs)
        other = self.best_shift(left, near=shift)
        matched = self.in_order(left, other, names) if other is not None else []
        if other is None or len({self.second.keys[row] for _, row in matched}) < _STRETCH:
            return [], shift
        counts = [
            bisect_left(rows, max(pair[side] for pair in matched) + 1) - bisect_left(rows, min(pair[side] for pair in matched))
            for side, rows in enumerate(left)
        ]
        if len(matched) < _MOST_OF * min(counts):
            return [], shift
        return [*matched, *self.between(_without(left, matched), matched, other, names)], other


def _names(first: Talk, second: Talk, pairs: Sequence[Pair]) -> dict[str, str]:
    """Return what the first calls each speaker of the second, from the messages that both have: one name for one."""
    counts: Counter[tuple[str, str]] = Counter(
        (str(second.messages[row].speaker), str(first.messages[left].speaker)) for left, row in pairs
    )
    names: dict[str, str] = {}
    taken: set[str] = set()
    for (theirs, left), _ in sorted(counts.items(), key=lambda item: (-item[1], item[0][0] != item[0][1], item[0])):
        if theirs not in names and left not in taken:
            names[theirs] = left
            taken.add(left)
    return names


def _same_rows(first: Talk, second: Talk, pairs: Sequence[Pair], shifts: dict[int, int], names: Mapping[str, str]) -> list[Pair]:
    """Return the other rows that are the same: files, withdrawn messages, lines of the platform, rows without a time.

    First those that say the same; then those that say it in another language, or in another state: a message that one export has
    withdrawn or edited stands at its time, from its sender, in the other.
    """
    matched: list[Pair] = []
    for alike in (_equal, _same_message):
        taken = {left for left, _ in (*pairs, *matched)}, {row for _, row in (*pairs, *matched)}
        places: dict[Hashable, list[int]] = defaultdict(list)
        for row, message in enumerate(first.messages):
            if row not in taken[0]:
                places[first.minutes[row], message.speaker].append(row)
        shift = next(iter(shifts.values()), 0)
        for row, message in enumerate(second.messages):
            shift = shifts.get(row, shift)
            if row in taken[1]:
                continue
            minute = second.minutes[row]
            speaker = None if message.speaker is None else names.get(message.speaker, message.speaker)
            candidates = places.get((None if minute is None else minute + shift, speaker), [])
            left = next((left for left in candidates if alike(first.messages[left], message)), None)
            if left is not None:
                candidates.remove(left)
                matched.append((left, row))
                shifts[row] = shift
    return matched


def _equal(message: Message, other: Message) -> bool:
    return message.kind == other.kind and words_key(message.text) == words_key(other.text)


def _same_message(message: Message, other: Message) -> bool:
    """Whether two rows of one minute and one speaker may be the same message in two states."""
    if message.timestamp is None:
        return False
    if message.kind == other.kind:
        return message.kind != "message" or "edited" in message.meta or "edited" in other.meta
    return {message.kind, other.kind} in ({"deleted", "message"}, {"deleted", "media"}, {"deleted", "unsupported"})


def agreeing(names: Mapping[str, str]) -> int:
    """Return how many speakers have the same name in both, or one that each export may have of its own: a number, "You"."""
    return sum(
        theirs.casefold() == ours.casefold() or name_rank(theirs) > 0 or name_rank(ours) > 0 for theirs, ours in names.items()
    )
