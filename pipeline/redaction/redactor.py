"""Redaction: cover who and where in a text, with placeholders that stay the same through a conversation.

::

    redactor = Redactor({"SPEAKER A": ["Tomi Beck", "tomi_118"]})
    redactor.learn(texts)
    redactor.redact("tomi its 07700 900123").text       # "[SPEAKER A] its [PHONE 1]"

Three sources find what to cover: the names that are known of the conversation, patterns (`pipeline.redaction.patterns`), and the
name finder of whichever spaCy pipelines are installed (the extra `redact` brings one for English). Presidio was tried and left
out: see the README. Redaction is done by a machine: it can miss, and a person must read what leaves the house.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.redaction.names import PERSON, known_names, model_names, name_models, said_names, spellings
from pipeline.redaction.offsets import NormalizedText, normalize_with_offsets
from pipeline.redaction.patterns import find_patterns


@dataclass(frozen=True, slots=True)
class Covered:
    """A stretch of the original that is covered, in characters, and what stands in its place."""

    start: int
    end: int
    kind: str
    placeholder: str


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text with its names and places covered."""

    text: str
    covered: tuple[Covered, ...]


class Redactor:
    """Redacts the texts of one conversation; equal things get equal placeholders.

    Parameters
    ----------
    people
        For each placeholder, without its brackets, the names that it stands for: ``{"SPEAKER A": ["Tomi Beck", "tomi_118"]}``.
    models
        spaCy pipelines with a name finder, as `name_models` returns them: all that are installed, where nothing is given.
    """

    def __init__(
        self, people: Mapping[str, Sequence[str]] | None = None, *, models: Sequence[tuple[str, Any]] | None = None
    ) -> None:
        self._people = {placeholder: list(names) for placeholder, names in (people or {}).items()}
        self._models = name_models() if models is None else tuple(models)
        self._numbers: dict[str, dict[str, int]] = {}
        self._known = known_names(self._people)

    @property
    def how(self) -> str:
        """How names were looked for, in words for the reader of what was redacted."""
        known = (
            "The names of speakers and the title are covered wherever they occur, and so is what follows words such as “my name is”"
        )
        if not self._models:
            return (
                f"{known}. No model that finds other names was installed: NAMES OF OTHER PEOPLE AND PLACES MAY STAND IN THE TEXT."
            )
        names = ", ".join(f"{package} {pipeline.meta['version']} ({pipeline.lang})" for package, pipeline in self._models)
        return (
            f"{known}. Names of other people, places and organisations were looked for with {names}; such a model misses some, "
            "more so in other languages and in names written small."
        )

    def learn(self, texts: Iterable[str]) -> None:
        """Find the names that the texts say, so that each is covered wherever it occurs, also where nothing tells it is one."""
        views = [normalize_with_offsets(text) for text in texts]
        names = model_names([seen.text for seen in views], self._models)
        for seen, places in zip(views, names, strict=True):
            said = [(start, end, PERSON) for start, end in said_names(seen.text)]
            for start, end, kind in sorted((*said, *places)):
                self._meet(seen.text[start:end], kind)
        self._known = known_names(self._people)

    def _meet(self, name: str, kind: str) -> None:
        parts = {part.casefold() for part in spellings(name)} if kind == PERSON else set()
        words = {_folded(name)} | parts
        for names in self._people.values():
            if any(words & ({_folded(known)} | {part.casefold() for part in spellings(known)}) for known in names):
                if name not in names:
                    names.append(name)
                return
        self._people[f"{kind} {self._number(kind, _folded(name))}"] = [name]

    def redact(self, text: str) -> Redacted:
        """Return the text with what names somebody or some place covered."""
        if not text:
            return Redacted(text, ())
        seen = normalize_with_offsets(text)
        covered: list[Covered] = []
        pieces: list[str] = []
        after = 0
        for start, end, placeholder in self._places(seen):
            first, last = seen.original(start, end)
            pieces += [text[after:first], f"[{placeholder}]"]
            covered.append(Covered(first, last, placeholder.rpartition(" ")[0], f"[{placeholder}]"))
            after = last
        return Redacted("".join([*pieces, text[after:]]), tuple(covered))

    def _places(self, seen: NormalizedText) -> list[tuple[int, int, str]]:
        """Return what to cover in a text, in order; places that overlap become one, under the surest of their names."""
        claims = [
            (start, end, rank, placeholder, kind)
            for rank, (start, end, placeholder, kind) in enumerate(
                [
                    *(
                        (*match.span(), placeholder, "")
                        for placeholder, pattern in self._known
                        for match in pattern.finditer(seen.text)
                    ),
                    *((start, end, "", kind) for start, end, kind in find_patterns(seen.text)),
                ]
            )
        ]
        merged: list[tuple[int, int, int, str, str]] = []
        for claim in sorted(claims):
            if merged and claim[0] < merged[-1][1]:
                last = merged.pop()
                wide = max(last, claim, key=lambda other: (other[1] - other[0], -other[2]))
                merged.append((last[0], max(last[1], claim[1]), *wide[2:]))
            else:
                merged.append(claim)
        return [
            (start, end, placeholder or f"{kind} {self._number(kind, _folded(seen.text[start:end]))}")
            for start, end, _, placeholder, kind in merged
        ]

    def _number(self, kind: str, value: str) -> int:
        numbers = self._numbers.setdefault(kind, {})
        return numbers.setdefault(value, len(numbers) + 1)


def _folded(text: str) -> str:
    return re.sub(r"[\W_]+", "", normalize_with_offsets(text).text).casefold()
