"""Coordinates of the running-risk chart. x runs over the messages from 0 to 1000, y over the risk from 100 (none) to 0."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH = 1000.0
_POINTS = 600


def start_of(position: int, messages: int) -> float:
    """Return where the message at a position (from 1) begins."""
    return round(WIDTH * (position - 1) / max(messages, 1), 1)


def x_of(position: int, messages: int) -> float:
    """Return the middle of the message at a position (from 1)."""
    return round(WIDTH * (position - 0.5) / max(messages, 1), 1)


def y_of(risk: float) -> float:
    """Return how high a risk stands."""
    return round(100 * (1 - risk), 1)


def risk_path(risks: Sequence[float]) -> str:
    """Return the SVG path of the running risk, as steps; a long one is thinned to its highest risk a step."""
    count = len(risks)
    stride = max(1, -(-count // _POINTS))
    path = f"M0 {y_of(0.0)}"
    for start in range(0, count, stride):
        highest = max(risks[start : start + stride])
        path += f"H{round(WIDTH * start / count, 1)}V{y_of(highest)}"
    return f"{path}H{WIDTH:.0f}"


def tick_width(messages: int) -> float:
    """Return how wide the mark of one message is."""
    return round(max(3.0, 0.7 * WIDTH / max(messages, 1)), 1)
