"""Where an alert begins: a threshold file. `pipeline.alerts` says what follows from it; scores are never computed again for it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from pipeline.config import Settings, validate_settings
from pipeline.errors import ConfigError

Probability = Annotated[float, Field(ge=0, le=1)]


class Thresholds(Settings):
    """``risk``: an alert begins where the running risk reaches it. ``stages``: from where a stage is shown as found."""

    risk: Probability
    stages: Mapping[str, Probability]
    chosen: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """The stages, in their order."""
        return tuple(self.stages)

    def for_stages(self, keys: Sequence[str], *, default: Thresholds | None = None) -> Thresholds:
        """Return the thresholds of these stages in this order; those of ``default`` where this names none.

        Raises
        ------
        ConfigError
            When a stage has no threshold.
        """
        stages = {**(default.stages if default else {}), **self.stages}
        if missing := [key for key in keys if key not in stages]:
            raise ConfigError(f"the thresholds name no {', '.join(missing)}", do="Give a threshold for every stage of the model")
        return Thresholds(risk=self.risk, stages={key: stages[key] for key in keys}, chosen=self.chosen)


def read_thresholds(path: Path) -> Thresholds:
    """Read a threshold file.

    Raises
    ------
    ConfigError
        When it cannot be read, or is not one.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror})", where=str(path), do="Check the path") from error
    except ValueError as error:
        raise ConfigError("not a JSON file", where=str(path), do="Start from the thresholds.json of the model") from error
    return validate_settings(content, Thresholds, where=str(path))
