"""What the words of a block tell, where the run kept them: contacts, introductions, indicators, places, and scripts.

Nothing that leaves here is text: contacts, places and times are keyed digests, the words of a script keyed numbers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.link.identifiers import normal_contact
from pipeline.link.settings import IndicatorSettings, LinkSettings, Phrases, matcher
from pipeline.link.times import normal_time
from pipeline.link.vectors import vectors_of
from pipeline.text.cues import CueMatcher
from pipeline.text.fold import fold

if TYPE_CHECKING:
    from pipeline.link.step import Block

_CONTACT = re.compile(
    r"(?P<address>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)|(?P<number>(?<![\w+])\+?\(?\d[\d\s().-]{6,18}\d(?!\w))"
    r"|(?P<handle>(?<![\w.@])@[\w.-]{3,40}|(?<![\w.@-])[^\W\d_](?=[\w.-]*[\d_.][\w-])[\w.-]{2,39})"
)
_AFTER = 60
"""Characters after a phrase in which a contact must follow."""

_WORD = re.compile(r"\w+(?:['’]\w+)*")
_MARKS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
OWN, INTRODUCTION, CHANGED = "own_contact", "introduction", "name_changed"


def read_words(block: Block) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of the tables ``contacts``, ``indicators`` and ``places``; none where the run kept no text."""
    tables: dict[str, list[dict[str, Any]]] = {"contacts": [], "indicators": [], "places": []}
    if block.context.text != "include":
        return tables
    settings, indicators = block.context.settings, block.context.indicators
    phrases, own_contact = _phrases(settings.model_dump_json(), tuple(item.model_dump_json() for item in indicators))
    texts, kinds = block.column("text"), block.column("kind")
    said = [row for row, text in enumerate(texts) if text and kinds[row] in ("message", "media") and block.rows.part[row] >= 0]
    for row, cues in zip(said, phrases.find([texts[row] for row in said]), strict=True):
        keys = dict.fromkeys(cue.stage for cue in cues)
        introduces = INTRODUCTION in keys
        for contact in own_contacts(texts[row], own_contact, settings.platforms) if OWN in keys and not introduces else ():
            tables["contacts"].append(_contact(block, row, OWN, contact))
        if introduces:
            given = list(contacts_in(texts[row], settings.platforms)) or [{}]
            tables["contacts"] += [_contact(block, row, INTRODUCTION, contact) for contact in given]
        for key in keys:
            if key not in (OWN, INTRODUCTION):
                tables["indicators"].append({**block.message(row), "indicator": key})
    notices = _notices(settings.model_dump_json())
    for row in (row for row, text in enumerate(texts) if text and kinds[row] == "system"):
        tables["contacts"] += [_change(block, row, *names) for names in changed_names(texts[row], notices)]
    if block.context.places:
        tables["places"] = _places(block, [row for row in said if block.alert[row]])
    return tables


@lru_cache(maxsize=2)
def _phrases(settings_json: str, indicators_json: tuple[str, ...]) -> tuple[CueMatcher, re.Pattern[str]]:
    settings = LinkSettings.model_validate_json(settings_json)
    indicators = [IndicatorSettings.model_validate_json(item) for item in indicators_json]
    every: dict[str, Phrases] = {OWN: settings.own_contact, INTRODUCTION: settings.introduction}
    return matcher(every | {item.key: item.cues for item in indicators}), _own_pattern(settings.own_contact)


def _own_pattern(phrases: Phrases) -> re.Pattern[str]:
    spellings = sorted({spelling for several in phrases.values() for spelling in several}, key=len, reverse=True)
    choice = "|".join(re.escape(spelling).replace("'", "['’]?") for spelling in spellings)
    return re.compile(rf"(?<!\w)(?:{choice or '(?!)'})(?!\w)", re.IGNORECASE)


@lru_cache(maxsize=2)
def _notices(settings_json: str) -> tuple[re.Pattern[str], ...]:
    settings = LinkSettings.model_validate_json(settings_json)
    notices = sorted({notice for several in settings.name_changed.values() for notice in several})
    return tuple(
        re.compile(re.escape(notice).replace(r"\{old\}", "(?P<old>.{1,60}?)").replace(r"\{new\}", "(?P<new>.{1,60}?)") + r"\.?")
        for notice in notices
    )


def own_contacts(text: str, pattern: re.Pattern[str], platforms: Mapping[str, tuple[str, ...]]) -> Iterator[dict[str, Any]]:
    """Yield the contacts that follow a phrase by which somebody gives their own."""
    seen = set()
    for phrase in pattern.finditer(text):
        stretch = text[phrase.start() : phrase.end() + _AFTER].partition("\n")[0]
        for contact in contacts_in(stretch, platforms, offset=phrase.start()):
            if contact["start"] >= phrase.end() and contact["start"] not in seen:
                seen.add(contact["start"])
                yield contact
            break


def contacts_in(text: str, platforms: Mapping[str, tuple[str, ...]], *, offset: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the numbers, addresses and handles of a text, with the platform that is named beside them."""
    named = next(
        (
            key
            for key, spellings in platforms.items()
            for spelling in spellings
            if re.search(rf"(?<!\w){spelling}(?!\w)", text, re.I)
        ),
        None,
    )
    for match in _CONTACT.finditer(text):
        kind = match.lastgroup or "handle"
        whole = match[0].rstrip(".-")
        yield {
            "contact_kind": kind,
            "contact": normal_contact("number" if kind == "number" else "address" if kind == "address" else "handle", whole),
            "platform": named,
            "start": offset + match.start(),
            "end": offset + match.start() + len(whole),
        }


def changed_names(text: str, notices: tuple[re.Pattern[str], ...]) -> Iterator[tuple[str, str]]:
    """Yield the old and the new name of a notice that an account changed its name or number."""
    plain = _MARKS.sub("", text).strip()
    for notice in notices:
        if match := notice.fullmatch(plain):
            yield match["old"].strip(), match["new"].strip()
            return


def _contact(block: Block, row: int, kind: str, contact: Mapping[str, Any]) -> dict[str, Any]:
    digest = block.context.pseudonyms.digest("contact", contact["contact"]) if contact else None
    return {**block.message(row), "target": block.target(row), "kind": kind, **contact, "contact": digest}


def _change(block: Block, row: int, old: str, new: str) -> dict[str, Any]:
    """Return a changed name: digests of both, as the speakers of the same conversation have them."""
    before, contact = (
        block.context.pseudonyms.speaker(hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()) for name in (old, new)
    )
    return {**block.message(row), "kind": CHANGED, "contact": contact, "before": before}


def _places(block: Block, rows: list[int]) -> list[dict[str, Any]]:
    """Return the places, days and times that the installed pipelines of spaCy find in messages of whoever reaches an alert."""
    from pipeline.redaction.names import PLACE, TIME, model_names, name_models

    texts, places = block.column("text"), []
    for row, entities in zip(rows, model_names([texts[row] for row in rows], name_models(), times=True), strict=True):
        for start, end, kind in entities:
            named = texts[row][start:end]
            same = normal_time(named) if kind == TIME else fold(named) if kind == PLACE else None
            if same is not None:
                digest = block.context.pseudonyms.digest("place" if kind == PLACE else "time", same)
                places.append({**block.message(row), "kind": kind.lower(), "place": digest, "start": start, "end": end})
    return places


def read_scripts(block: Block) -> list[dict[str, Any]]:
    """Return the messages that may be copies of one another: of whoever reaches an alert there, or with a stage.

    Where the run kept hashes of the text, copies must be exact, and ``words`` is one number; without either there are none.
    """
    policy, number = block.context.text, block.context.pseudonyms.number
    if policy == "omit":
        return []
    candidates = block.rows.spoken & ((block.mask != 0) | (block.alert & (policy == "include")))
    texts = block.column("text")
    rows: list[dict[str, Any]] = []
    kept: list[str] = []
    for row in np.flatnonzero(candidates).tolist():
        text = texts[row]
        if not text:
            continue
        if policy == "hash":
            rows.append({**block.message(row), "exact": True, "words": [number(text)], "starts": [], "ends": []})
            continue
        words = list(_WORD.finditer(text))
        if len(words) >= block.context.settings.script_words:
            kept.append(text)
            rows.append(
                {
                    **block.message(row),
                    "exact": False,
                    "words": [number(word[0].casefold()) for word in words],
                    "starts": [word.start() for word in words],
                    "ends": [word.end() for word in words],
                }
            )
    if block.context.model is not None and kept:
        for copy, vector in zip(rows, vectors_of(kept, block.context.model), strict=True):
            copy["vector"] = vector
    return rows
