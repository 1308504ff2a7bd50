"""Stages over time as a drawing: a row a stage, a dot a message. The table beside it says the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

WIDTH = 430
LEFT, RIGHT = 130, 420
_ROW = 24
_TOP = 16


@dataclass(frozen=True, slots=True)
class Sign:
    """A message of an account with stages over their thresholds."""

    when: str
    conversation: int
    position: int
    stages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dot:
    """A message in the row of a stage, in the units of the drawing."""

    x: int
    y: int
    stage: int
    words: str


@dataclass(frozen=True, slots=True)
class Strip:
    """The drawing. ``rows`` are the stages: height, place in the taxonomy, name; they go from ``left`` to ``right``.

    ``ends`` are the days at both sides, or the times of one day.
    """

    height: int
    rows: Sequence[tuple[int, int, str]]
    dots: Sequence[Dot]
    ends: tuple[str, str]
    width: int = WIDTH
    left: int = LEFT
    right: int = RIGHT


def strip(signs: Sequence[Sign], stages: Mapping[str, tuple[int, str]]) -> Strip | None:
    """Draw signs whose times are known; nothing where there are fewer than two times.

    ``stages`` are place and name by key.
    """
    timed = [(moment, sign) for sign in signs if (moment := _moment(sign.when)) is not None]
    shown = sorted({stages[key] for _, sign in timed for key in sign.stages if key in stages})
    times = [moment for moment, _ in timed]
    if not shown or min(times) == max(times):
        return None
    start, length = min(times), (max(times) - min(times)).total_seconds()
    y_of = {place: _TOP + _ROW * row for row, (place, _) in enumerate(shown)}
    dots = [
        Dot(
            round(LEFT + (RIGHT - LEFT) * (moment - start).total_seconds() / length),
            y_of[stages[key][0]],
            stages[key][0],
            f"{stages[key][1]}, {moment:%Y-%m-%d %H:%M}, conversation {sign.conversation}, message {sign.position}",
        )
        for moment, sign in timed
        for key in sign.stages
        if key in stages
    ]
    rows = [(y_of[place], place, name) for place, name in shown]
    day = "%Y-%m-%d" if start.date() != max(times).date() else "%H:%M"
    ends = (start.strftime(day), max(times).strftime(day))
    return Strip(_TOP + _ROW * len(shown) + 12, rows, dots, ends)


def _moment(when: str) -> datetime | None:
    try:
        return datetime.fromisoformat(when[:19])
    except ValueError:
        return None
