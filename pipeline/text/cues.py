"""Find the taxonomy's cues in a message, with spaCy's matcher: phrases that stand among a stage's indicators, in several languages.

A cue is not a sign by itself: harmless talk holds it too. It says which phrase of the published indicators a message has in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import spacy
from spacy.matcher import PhraseMatcher

from pipeline.config import Taxonomy
from pipeline.text.fold import fold


@dataclass(frozen=True, slots=True)
class Cue:
    """A phrase of a stage's indicators."""

    stage: str
    phrase: str


class CueMatcher:
    """The cues of a taxonomy, ready to be found."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._language = spacy.blank("xx")
        self._matcher = PhraseMatcher(self._language.vocab, attr="ORTH")
        self._cues: dict[str, Cue] = {}
        for stage in taxonomy.stages:
            for phrase in (phrase for phrases in stage.cues.values() for phrase in phrases):
                name = f"{stage.key}/{phrase}"
                self._cues[name] = Cue(stage.key, phrase)
                self._matcher.add(name, [self._language.make_doc(fold(phrase))])

    def find(self, texts: Sequence[str]) -> list[tuple[Cue, ...]]:
        """Return the cues of each text, in their order in it, each once."""
        found = []
        for document in self._language.pipe([fold(text) for text in texts]):
            matches = sorted(self._matcher(document), key=lambda match: (match[1], match[2]))
            names = dict.fromkeys(self._language.vocab.strings[match[0]] for match in matches)
            found.append(tuple(self._cues[name] for name in names))
        return found


@lru_cache(maxsize=2)
def cue_matcher(taxonomy_json: str) -> CueMatcher:
    """Return the matcher of a taxonomy given as JSON, made once."""
    return CueMatcher(Taxonomy.model_validate_json(taxonomy_json))
