"""Where an alert begins: a threshold file. `pipeline.alerts` says what follows from it; scores are never computed again for it."""

from __future__ import annotations

import json
import math
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


_PLACES = 1e5
"""Risks are kept to five places, and so is a threshold: above the risk it follows from, and never 1, which nothing may reach."""


def lowest_risk(peaks: Sequence[float], rate: float) -> float:
    """Return the lowest threshold that at most the share ``rate`` of the highest risks of conversations reach."""
    highest = sorted(peaks, reverse=True)
    allowed = int(rate * len(highest))
    if allowed >= len(highest):
        return 1 / _PLACES
    above = (math.floor(highest[allowed] * _PLACES + 1e-3) + 1) / _PLACES
    return min(above, 1 - 1 / _PLACES)


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
