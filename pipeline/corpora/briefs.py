"""Draw briefs for conversations that are to be written, so that situations, registers and ages vary by plan."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline.config import Settings, load_settings
from pipeline.errors import ConfigError


class WritingPlan(Settings):
    """What briefs are drawn from: the ``common`` lists for every kind, and those of each kind."""

    common: Mapping[str, tuple[str, ...]]
    kinds: Mapping[str, Mapping[str, tuple[str, ...]]]


def read_plan(path: Path) -> WritingPlan:
    """Read a writing plan, such as ``configs/writing.toml``.

    Raises
    ------
    ConfigError
        When it cannot be read, or is not of this form.
    """
    return load_settings(path, WritingPlan)


def draw_briefs(plan: WritingPlan, kind: str, *, count: int, seed: int) -> Iterator[dict[str, str]]:
    """Yield ``count`` briefs of a kind: one value of each list, every value of a list once before any comes again.

    Raises
    ------
    ConfigError
        When the plan has no such kind.
    """
    if kind not in plan.kinds:
        raise ConfigError(f"the plan has no kind `{kind}`", do=f"Choose from {', '.join(plan.kinds)}")
    lists = {**plan.common, **plan.kinds[kind]}
    draws = {name: _dealt(values, random.Random(f"{seed}/{kind}/{name}")) for name, values in lists.items()}  # noqa: S311
    for _ in range(count):
        yield {name: next(draw) for name, draw in draws.items()}


def _dealt(values: tuple[str, ...], chance: random.Random) -> Iterator[str]:
    """Yield the values shuffled, again and again."""
    while True:
        yield from chance.sample(values, len(values))
