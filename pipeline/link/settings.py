"""The settings of a link run (`configs/link.toml`), and sets of indicators (`configs/indicators/`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from pipeline.config import Settings, Stage, Taxonomy, load_settings
from pipeline.errors import ConfigError
from pipeline.text.cues import CueMatcher

Strength = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Phrases = Mapping[str, tuple[str, ...]]
"""Phrases by language."""


class Strengths(Settings):
    """How strong a reason for an identity link is, in (0, 1]."""

    same_platform_id: Strength = 0.99
    same_number: Strength = 0.95
    same_address: Strength = 0.95
    same_handle: Strength = 0.9
    other_platform_handle: Strength = 0.6
    same_name: Strength = 0.3
    same_chat: Strength = 0.95
    hand_over: Strength = 0.9
    hand_over_unnamed: Strength = 0.75
    name_changed: Strength = 0.9
    same_contact: Strength = 0.8


class Weights(Settings):
    """What each reason adds to the strength of a pattern: of what is missing to 1, this share."""

    another: Strength = 0.5
    severe: Strength = 0.25
    fast: Strength = 0.2
    exports: Strength = 0.15
    introduced: Strength = 0.4
    acquainted: Strength = 0.25
    indicator: Strength = 0.1
    recurring: Strength = 0.2
    meeting: Strength = 0.2


class LinkSettings(Settings):
    """What `configs/link.toml` holds; its comments say what each number means."""

    join: Strength = 0.9
    threshold: Annotated[float, Field(ge=0, lt=1)] = 0.6
    min_signs: Count = 2
    script_words: Annotated[int, Field(ge=3)] = 7
    script_conversations: Annotated[int, Field(ge=2)] = 3
    script_likeness: Strength = 0.7
    script_cosine: Strength = 0.85
    group_persons: Annotated[int, Field(ge=3)] = 3
    group_actors: Annotated[int, Field(ge=2)] = 2
    group_indicators: Count = 2
    name_exports: Annotated[int, Field(ge=2)] = 4
    fast_days: Annotated[float, Field(gt=0)] = 7
    recent_days: Annotated[float, Field(gt=0)] = 30
    meeting_stages: tuple[str, ...] = ("approach",)
    seed: Annotated[int, Field(ge=0)] = 0
    strengths: Strengths = Strengths()
    weights: Weights = Weights()
    platforms: Mapping[str, tuple[str, ...]] = Field(default={})
    own_contact: Phrases = Field(default={})
    introduction: Phrases = Field(default={})
    name_changed: Phrases = Field(default={})

    @model_validator(mode="after")
    def _notices_name_both(self) -> LinkSettings:
        for notice in (notice for notices in self.name_changed.values() for notice in notices):
            if notice.count("{old}") != 1 or notice.count("{new}") != 1:
                raise ValueError(f"name_changed: {notice!r} does not hold {{old}} and {{new}} once each")
        return self


class IndicatorSettings(Settings):
    """An indicator: what a profession or a taxonomy looks for, and the phrases of it by language."""

    key: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    name: str
    stage: str
    definition: str
    looks_alike: tuple[str, ...] = ()
    cues: Phrases


class IndicatorSet(Settings):
    """Indicators, each belonging to a stage of the taxonomy."""

    name: str
    version: str
    indicators: Annotated[tuple[IndicatorSettings, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _keys_differ(self) -> IndicatorSet:
        if len({indicator.key for indicator in self.indicators}) < len(self.indicators):
            raise ValueError("two indicators have the same key")
        return self


def read_indicators(paths: Iterable[Path]) -> tuple[IndicatorSettings, ...]:
    """Read sets of indicators.

    Raises
    ------
    ConfigError
        When a file is no set of indicators, or two of them have an indicator of one key.
    """
    indicators: dict[str, IndicatorSettings] = {}
    for path in paths:
        for indicator in load_settings(path, IndicatorSet).indicators:
            if indicator.key in indicators:
                raise ConfigError(
                    f"the indicator {indicator.key!r} is in another set too", where=str(path), do="Give one of them another key"
                )
            indicators[indicator.key] = indicator
    return tuple(indicators.values())


def require_stages(indicators: Iterable[IndicatorSettings], taxonomy: Taxonomy) -> None:
    """Refuse indicators of a stage that the taxonomy of the runs has not.

    Raises
    ------
    ConfigError
        When there is such a one.
    """
    for indicator in indicators:
        if indicator.stage not in taxonomy.keys:
            raise ConfigError(
                f"the indicator {indicator.key!r} is of the stage {indicator.stage!r}, which the runs do not know",
                do=f"Give it one of {', '.join(taxonomy.keys)}",
            )


def matcher(phrases: Mapping[str, Phrases]) -> CueMatcher:
    """Return what finds phrases, by key and language; the key is the ``stage`` of a `Cue`."""
    stages = tuple(
        Stage(key=key, name=key, definition=key, severity=number, cues=cues)
        for number, (key, cues) in enumerate(phrases.items(), 1)
    )
    return CueMatcher(Taxonomy(name="phrases", version="1", stages=stages))
