"""Find the taxonomy's cues in a message: phrases that stand among a stage's indicators, in several languages.

A cue is not a sign by itself: harmless talk holds it too. It says which phrase of the published indicators a message has in it.
All phrases are one regular expression, a prefix tree: what phrases begin with in common is compared once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from os.path import commonprefix

from pipeline.config import Taxonomy
from pipeline.text.fold import fold

_WORD_STARTS = r"(?<![^\W_])(?<![^\W_]['’])"
_WORD_ENDS = r"(?![^\W_])(?!['’](?!s(?![^\W_]))[^\W_])"
"""Letters and digits are words. An apostrophe inside a word is part of it ("l'hotel"), but not before a last "s" ("school's")."""


@dataclass(frozen=True, slots=True)
class Cue:
    """A phrase of a stage's indicators."""

    stage: str
    phrase: str


class CueMatcher:
    """The cues of a taxonomy, ready to be found."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        cues: dict[str, list[Cue]] = {}
        for stage in taxonomy.stages:
            for phrase in (phrase for phrases in stage.cues.values() for phrase in phrases):
                if folded := fold(phrase):
                    cues.setdefault(folded, []).append(Cue(stage.key, phrase))
        # The expression finds the longest phrase at a place. Those that it begins with are there too.
        starts = {phrase: [start for start in cues if _begins(phrase, start)] for phrase in cues}
        self._cues = {phrase: [cue for start in sorted(starts[phrase], key=len) for cue in cues[start]] for phrase in cues}
        words, signs = ([phrase for phrase in cues if phrase[0].isalnum() == word] for word in (True, False))
        trees = [f"{start}(?=({_prefix_tree(group)}))" for start, group in ((_WORD_STARTS, words), ("", signs)) if group]
        self._pattern = re.compile("|".join(trees)) if trees else None

    def find(self, texts: Sequence[str]) -> list[tuple[Cue, ...]]:
        """Return the cues of each text, in their order in it, each once."""
        return [self._find(fold(text)) for text in texts]

    def _find(self, folded: str) -> tuple[Cue, ...]:
        if self._pattern is None:
            return ()
        return tuple(
            dict.fromkeys(cue for match in self._pattern.finditer(folded) for cue in self._cues[match[match.lastindex or 0]])
        )


def _begins(phrase: str, start: str) -> bool:
    """Return whether a phrase begins with all words of another one; signs such as emoji need no space around them."""
    return phrase.startswith(start) and (not start[-1].isalnum() or re.match(_WORD_ENDS, phrase[len(start) :]) is not None)


def _prefix_tree(phrases: Sequence[str], before: str = "") -> str:
    """Return an expression for the longest of the phrases, whose common beginning ``before`` is matched already."""
    branches = []
    for _, group in groupby(sorted(phrases, reverse=True), key=lambda phrase: phrase[:1]):
        alike = list(group)
        if start := commonprefix(alike):  # noqa: RUF071 - by character is what is meant
            branches.append(re.escape(start) + _prefix_tree([phrase[len(start) :] for phrase in alike], start))
        else:
            branches.append(_WORD_ENDS if before[-1].isalnum() else "")
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"


@lru_cache(maxsize=2)
def cue_matcher(taxonomy_json: str) -> CueMatcher:
    """Return the matcher of a taxonomy given as JSON, made once."""
    return CueMatcher(Taxonomy.model_validate_json(taxonomy_json))
