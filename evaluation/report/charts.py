"""Charts as SVG: the coordinates that the page's template draws. A plot is 320 wide and 220 high inside its axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.intervals import FEW

WIDTH = 320.0
HEIGHT = 220.0


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where it stands, and what it says."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a plot with the name of its kind, for its colour, and what the legend says; ``dots`` are x, y and radius."""

    path: str
    kind: str
    label: str = ""
    dots: tuple[tuple[float, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot with its axes; ``described`` says in words what it shows, for who does not see it."""

    title: str
    x_label: str
    y_label: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    described: str


def _x(value: float) -> float:
    return round(WIDTH * min(max(value, 0.0), 1.0), 1)


def _y(value: float) -> float:
    return round(HEIGHT * (1 - min(max(value, 0.0), 1.0)), 1)


def _log(value: float, low: float, high: float) -> float:
    return (math.log10(max(value, low)) - math.log10(low)) / (math.log10(high) - math.log10(low))


def _path(points: Sequence[tuple[float, float]], *, steps: bool = False) -> str:
    if not points:
        return ""
    (x, y), *rest = points
    parts = [f"M{x} {y}"]
    parts += [f"H{x}V{y}" if steps else f"L{x} {y}" for x, y in rest]
    return "".join(parts)


_SHARES = tuple(Tick(_y(share), f"{share:.0%}".replace("%", " %")) for share in (0.0, 0.25, 0.5, 0.75, 1.0))
_SHARES_ACROSS = tuple(Tick(_x(share), f"{share:.0%}".replace("%", " %")) for share in (0.0, 0.25, 0.5, 0.75, 1.0))


def roc_plot(points: Sequence[Sequence[float]], ordinary: int) -> Plot:
    """Return recall over the false-positive rate on a logarithmic axis, from one false alarm up; chance as a dotted line."""
    low = 10.0 ** -max(1, min(4, math.ceil(math.log10(max(ordinary, 10)))))
    exponents = range(round(math.log10(low)), 1)
    curve = [(_x(_log(rate, low, 1.0)), _y(recall)) for rate, recall in points]
    chance = [
        (_x(_log(rate, low, 1.0)), _y(rate)) for rate in (10 ** (step / 10) for step in range(round(math.log10(low)) * 10, 1))
    ]
    return Plot(
        "Recall over false alarms",
        "ordinary conversations flagged",
        "grooming conversations found",
        tuple(Tick(_x(_log(10.0**power, low, 1.0)), _percent(10.0**power)) for power in exponents),
        _SHARES,
        (Line(_path(chance), "chance", "by chance"), Line(_path(curve, steps=True), "main")),
        "ROC curve on a logarithmic axis of the false-positive rate",
    )


def precision_recall_plot(points: Sequence[Sequence[float]]) -> Plot:
    """Return precision over recall."""
    return Plot(
        "Precision over recall, in this corpus",
        "grooming conversations found",
        "of the flagged, grooming",
        _SHARES_ACROSS,
        _SHARES,
        (Line(_path([(_x(recall), _y(precision)) for recall, precision in points]), "main"),),
        "Precision-recall curve at the share of grooming that the corpus has",
    )


def early_plot(curves: dict[str, Sequence[Sequence[float]]]) -> Plot:
    """Return recall after so many messages, a line a false-alarm rate, on a logarithmic axis."""
    most = max((count for points in curves.values() for count, _ in points), default=100)
    lines = []
    for number, (rate, points) in enumerate(curves.items()):
        places = [(_x(_log(count, 1.0, most)), _y(recall)) for count, recall in points]
        dots = tuple((x, y, 3.5) for x, y in places)
        lines.append(Line(_path(places), "main" if number == 0 else "second", f"{_percent(float(rate))} false alarms", dots))
    shown = [count for count in (1, 2, 5, 10, 20, 50, 100) if count <= most]
    return Plot(
        "How early",
        "messages seen",
        "grooming conversations found",
        tuple(Tick(_x(_log(count, 1.0, most)), str(count)) for count in shown),
        _SHARES,
        tuple(lines),
        "Recall after so many messages at a fixed share of false alarms",
    )


def reliability_plot(title: str, bins: Sequence[Sequence[float]], error: float | None, *, positives: int, examples: int) -> Plot:
    """Return a reliability diagram: share over probability, a dot a bin, on the line where both are the same.

    A bin with few examples has no dot, and few positives or negatives no error: their shares could be anything.
    """
    drawn = [(probability, share, mass) for probability, share, mass, count in bins if count >= FEW]
    dots = tuple((_x(probability), _y(share), round(3.0 + 9.0 * mass**0.5, 1)) for probability, share, mass in drawn)
    few = min(positives, examples - positives) < FEW
    size = f"{examples:,} examples, {positives:,} of them so"
    caption = "" if error is None else f"too few: {size}" if few else f"error {error:.3f} ({size})"
    return Plot(
        title,
        "probability given",
        "share that is so",
        (Tick(_x(0), "0"), Tick(_x(0.5), "0.5"), Tick(_x(1), "1")),
        (Tick(_y(0), "0"), Tick(_y(0.5), "0.5"), Tick(_y(1), "1")),
        (Line(f"M0 {HEIGHT}L{WIDTH} 0", "chance"), Line(_path([dot[:2] for dot in dots]), "main", caption, dots)),
        f"Reliability diagram of {title}, {caption or 'without examples'}",
    )


def _percent(share: float) -> str:
    return f"{100 * share:g} %"
