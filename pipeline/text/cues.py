"""Find the taxonomy's cues in a message: phrases that stand among a stage's indicators, in several languages.

A cue is not a sign by itself: harmless talk holds it too. It says which phrase of the published indicators a message has in it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pipeline.config import Taxonomy
from pipeline.text.fold import fold


@dataclass(frozen=True, slots=True)
class Cue:
    """A phrase of a stage's indicators."""

    stage: str
    phrase: str


class CueMatcher:
    """The cues of a taxonomy, ready to be found: whole words, in any case and spelling that `fold` undoes."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._cues: dict[str, list[Cue]] = defaultdict(list)
        for stage in taxonomy.stages:
            for phrase in (phrase for phrases in stage.cues.values() for phrase in phrases):
                self._cues[fold(phrase)].append(Cue(stage.key, phrase))
        by_length = sorted(self._cues, key=len)
        self._shorter = {
            folded: [other for other in by_length if folded != other and re.match(_whole(other), folded)] for folded in by_length
        }
        alternatives = "|".join(map(re.escape, reversed(by_length)))
        self._pattern = re.compile(rf"(?<!\w)(?=({alternatives})(?!\w))") if by_length else None

    def find(self, texts: Sequence[str]) -> list[tuple[Cue, ...]]:
        """Return the cues of each text, in their order in it, each once."""
        return [tuple(dict.fromkeys(self._found(fold(text)))) for text in texts]

    def _found(self, text: str) -> Iterator[Cue]:
        for match in self._pattern.finditer(text) if self._pattern is not None else ():
            for folded in (*self._shorter[match[1]], match[1]):
                yield from self._cues[folded]


def _whole(folded: str) -> str:
    return rf"{re.escape(folded)}(?!\w)"


@lru_cache(maxsize=2)
def cue_matcher(taxonomy_json: str) -> CueMatcher:
    """Return the matcher of a taxonomy given as JSON, made once."""
    return CueMatcher(Taxonomy.model_validate_json(taxonomy_json))
