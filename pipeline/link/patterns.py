"""All patterns of the joined runs, strongest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.config import Taxonomy
from pipeline.link.actors import find_toward, many_actors, many_targets
from pipeline.link.groups import group_patterns
from pipeline.link.keys import Pseudonyms
from pipeline.link.scripts import same_scripts
from pipeline.link.settings import IndicatorSettings, LinkSettings
from pipeline.link.tables import Pattern

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def find_patterns(
    connection: DuckDBPyConnection,
    settings: LinkSettings,
    taxonomy: Taxonomy,
    pseudonyms: Pseudonyms,
    indicators: Sequence[IndicatorSettings],
) -> list[Pattern]:
    """Return the patterns of at least the strength ``threshold``, strongest first."""
    severe = severe_bits(taxonomy)
    find_toward(connection, settings, severe)
    patterns = [
        *many_targets(connection, settings, severe, pseudonyms),
        *many_actors(connection, settings, severe, pseudonyms),
        *same_scripts(connection, settings, severe, pseudonyms),
        *group_patterns(connection, settings, severe, pseudonyms, indicators),
    ]
    strong = [pattern for pattern in patterns if pattern.strength >= settings.threshold]
    return sorted(strong, key=lambda pattern: (-pattern.strength, pattern.kind, pattern.pattern))


def severe_bits(taxonomy: Taxonomy) -> int:
    """Return the bits of the severe stages in a mask of stages."""
    return sum(1 << bit for bit, key in enumerate(taxonomy.keys) if key in taxonomy.severe)
