"""Settings: TOML files read into models that refuse unknown keys, with ``--set a.b=value`` on top."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.errors import ConfigError


class Settings(BaseModel):
    """A table of settings: frozen, and a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Stage(Settings):
    """One stage of the taxonomy. ``cues`` are phrases of its indicators, by language."""

    key: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    name: str
    definition: str
    severity: Annotated[int, Field(ge=1)]
    indicators: tuple[str, ...] = ()
    looks_alike: tuple[str, ...] = ()
    cues: Mapping[str, tuple[str, ...]] = {}
    crosswalk: Mapping[str, tuple[str, ...]] = {}


class Taxonomy(Settings):
    """The stages, from the mildest to the most severe."""

    name: str
    version: str
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _keys_differ(self) -> Taxonomy:
        if len(set(self.keys)) < len(self.stages):
            raise ValueError("two stages have the same key")
        if list(self.stages) != sorted(self.stages, key=lambda stage: stage.severity):
            raise ValueError("the stages are not in the order of their severity")
        return self

    @property
    def keys(self) -> tuple[str, ...]:
        """The stage keys, in order."""
        return tuple(stage.key for stage in self.stages)

    @cached_property
    def severe(self) -> frozenset[str]:
        """The keys of the severe stages: those in the upper half of the levels of ``severity``.

        Stages of one level are severe together. A level in the middle does not count; the highest always does.
        """
        levels = sorted({stage.severity for stage in self.stages})
        lowest = levels[min((len(levels) + 1) // 2, len(levels) - 1)]
        return frozenset(stage.key for stage in self.stages if stage.severity >= lowest)


AnySettings = TypeVar("AnySettings", bound=Settings)


def load_settings(path: Path, model: type[AnySettings], *, overrides: Iterable[str] = ()) -> AnySettings:
    """Read a TOML file into ``model``; ``overrides`` are ``a.b=value`` with the value in TOML, or a bare word for a string.

    Raises
    ------
    ConfigError
        When the file is not there or not TOML, a key is unknown, or a value does not fit: with the key and what was expected.
    """
    table = read_toml(path)
    for override in overrides:
        _apply(table, override)
    return validate_settings(table, model, where=str(path))


def validate_settings(table: Mapping[str, Any], model: type[AnySettings], *, where: str) -> AnySettings:
    """Return the settings held by a plain table; ``where`` names it in an error."""
    try:
        return model.model_validate(table)
    except ValidationError as error:
        problems = "; ".join(f"`{'.'.join(str(part) for part in item['loc'])}`: {item['msg']}" for item in error.errors())
        raise ConfigError(f"the settings are not valid: {problems}", where=where, do="Mend these keys") from error


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file into a plain table.

    Raises
    ------
    ConfigError
        When it cannot be read, or is not TOML: with the line and column.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror})", where=str(path), do="Check the path") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"not UTF-8 at byte {error.start}", where=str(path), do="Save the file as UTF-8") from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"not valid TOML: {error}", where=str(path), do="Mend the syntax there") from error


def _apply(table: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"`--set {override}` is not of the form key=value", do="Write for example --set features.min_messages=3")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    *parents, last = key.strip().split(".")
    for parent in parents:
        table = table.setdefault(parent, {})
        if not isinstance(table, dict):
            raise ConfigError(f"`--set {override}`: `{parent}` is not a table of settings", do="Check the key")
    table[last] = value
