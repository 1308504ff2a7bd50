"""Changes that should change nothing: everyday noise and paraphrases of who and how, not of what.

The noise is of the sort that phones and thumbs make, none of it a way around a filter. Written apart from the noise that
models are trained with (`pipeline.corpora.augment.noise`), so that the suite does not ask for what was drilled.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence

Turn = tuple[str, str]
Change = Callable[[Sequence[Turn], int], tuple[Turn, ...]]

_NEIGHBOURS = {"a": "s", "e": "r", "i": "o", "o": "p", "t": "y", "n": "m", "s": "d", "l": "k", "u": "i", "r": "t", "h": "g"}
_LOOK_ALIKE = str.maketrans("aeopcx", "аеорсх")
_EMOJI = ("🙂", "😅", "🙈", "👍", "✨", "😂")
_TWINS = {
    "mum": "dad", "mom": "dad", "dad": "mum", "girl": "boy", "boy": "girl", "girls": "boys", "boys": "girls",
    "she": "he", "he": "she", "her": "his", "his": "her", "sister": "brother", "brother": "sister", "daughter": "son",
    "son": "daughter", "aunt": "uncle", "uncle": "aunt", "auntie": "uncle", "woman": "man", "man": "woman",
    "grandma": "grandad", "grandad": "grandma",
}  # fmt: skip
_SPOKEN = {
    "you": "ya", "your": "yer", "you're": "youse are", "nothing": "nowt", "my": "me", "isn't": "ain't",
    "friend": "mate", "friends": "mates", "yes": "aye", "really": "proper", "want to": "wanna", "going to": "gonna",
    "don't know": "dunno", "them": "em", "little": "wee",
}  # fmt: skip
_TEXTED = {
    "you": "u", "are": "r", "your": "ur", "you're": "ur", "please": "pls", "to": "2", "for": "4", "because": "cos",
    "tonight": "2nite", "tomorrow": "tmrw", "people": "ppl", "with": "w", "what": "wot", "be": "b", "see": "c",
    "and": "n", "about": "abt",
}  # fmt: skip
_NAMES = {
    "Nilu": "Hamish", "Orrin": "Chidi", "Tamsyn": "Yusuf", "Beck": "Anjali", "Ishaan": "Greta", "Marloes": "Tyrone",
    "Petra": "Li Wei", "Kofi": "Maeve", "Jo": "Zainab", "Ms Okoye": "Mr Jansen", "Fay": "Aaliyah", "Ruby": "Sipho",
    "Lee": "Agnieszka", "Mr Dell": "Mrs Rao",
}  # fmt: skip
_FILLERS = (
    ("haha", "wait what was i saying"),
    ("brb food", "ok back"),
    ("its raining so hard here", "same, the garden is a lake"),
    ("did you see the score", "no dont spoil it"),
    ("my phone is on 4 percent", "charge it then"),
)


def typos(line: Sequence[Turn], number: int) -> tuple[Turn, ...]:
    """Hit a neighbouring key, or swap two letters, in about one word of eight."""
    chance = _chance("typos", number)
    return tuple((speaker, " ".join(_mistyped(word, chance) for word in text.split(" "))) for speaker, text in line)


def _mistyped(word: str, chance: random.Random) -> str:
    if len(word) < 4 or not word.isalpha() or chance.random() > 0.125:
        return word
    at = chance.randrange(1, len(word) - 1)
    if chance.random() < 0.5:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + _NEIGHBOURS.get(word[at], word[at]) + word[at + 1 :]


def capitals(line: Sequence[Turn], number: int) -> tuple[Turn, ...]:
    """Write every message in capitals, or begin each with one."""
    return tuple((speaker, text.upper() if number % 2 else text.capitalize()) for speaker, text in line)


def spacing(line: Sequence[Turn], number: int) -> tuple[Turn, ...]:
    """Put spaces before marks and double some between words."""
    chance = _chance("spacing", number)
    wide = ((speaker, re.sub(r"([?!.,])", r" \1", text)) for speaker, text in line)
    return tuple((speaker, re.sub(" ", lambda _: "  " if chance.random() < 0.2 else " ", text)) for speaker, text in wide)


def look_alikes(line: Sequence[Turn], number: int) -> tuple[Turn, ...]:
    """Write about every third message with letters of another alphabet that look alike."""
    return tuple(
        (speaker, text.translate(_LOOK_ALIKE) if (position + number) % 3 == 0 else text)
        for position, (speaker, text) in enumerate(line)
    )


def emoji(line: Sequence[Turn], number: int) -> tuple[Turn, ...]:
    """Add an emoji to every other message."""
    return tuple(
        (speaker, f"{text} {_EMOJI[(position + number) % len(_EMOJI)]}" if (position + number) % 2 else text)
        for position, (speaker, text) in enumerate(line)
    )


def splitting(line: Sequence[Turn], number: int) -> tuple[Turn, ...]:
    """Send every longer message in two."""
    turns_split: list[Turn] = []
    for speaker, text in line:
        words = text.split(" ")
        if len(words) < 5:
            turns_split.append((speaker, text))
        else:
            middle = len(words) // 2 + number % 2
            turns_split += [(speaker, " ".join(words[:middle])), (speaker, " ".join(words[middle:]))]
    return tuple(turns_split)


def gender(line: Sequence[Turn], number: int) -> tuple[Turn, ...]:
    """Put each word of a gender into the other."""
    del number
    return _replaced(line, _TWINS)


def names(line: Sequence[Turn], number: int) -> tuple[Turn, ...]:
    """Give everybody a name of somewhere else; where nobody has one, the first message ends with one."""
    changed = _replaced(line, _NAMES)
    if changed != tuple(line):
        return changed
    called = list(_NAMES.values())[number % len(_NAMES)]
    return tuple((speaker, f"{text}, {called}" if position == 0 else text) for position, (speaker, text) in enumerate(line))


def dialect(line: Sequence[Turn], number: int) -> tuple[Turn, ...]:
    """Put words as they are spoken in the north of Britain and elsewhere."""
    del number
    return _replaced(line, _SPOKEN)


def texting(line: Sequence[Turn], number: int) -> tuple[Turn, ...]:
    """Put words as they are shortened on phones."""
    del number
    return _replaced(line, _TEXTED)


def small_talk(line: Sequence[Turn], number: int) -> tuple[Turn, ...]:
    """Put four messages about nothing before the last one."""
    first, second = _FILLERS[number % len(_FILLERS)], _FILLERS[(number + 2) % len(_FILLERS)]
    others = list(dict.fromkeys(speaker for speaker, _ in line))
    talk = [(others[position % len(others)], text) for position, text in enumerate((*first, *second))]
    return (*line[:-1], *talk, line[-1])


def slots(line: Sequence[Turn], number: int) -> tuple[Turn, ...]:
    """Let A be B and B be A: which letter somebody has says nothing."""
    del number
    return tuple(({"A": "B", "B": "A"}.get(speaker, speaker), text) for speaker, text in line)


def punctuation(line: Sequence[Turn], number: int) -> tuple[Turn, ...]:
    """Leave out every mark, or put three dots after each message."""
    if number % 2:
        return tuple((speaker, re.sub(r"[?!.,']", "", text)) for speaker, text in line)
    return tuple((speaker, f"{text}...") for speaker, text in line)


def _replaced(line: Sequence[Turn], words: Mapping[str, str]) -> tuple[Turn, ...]:
    pattern = re.compile(rf"\b(?:{'|'.join(sorted(words, key=len, reverse=True))})\b", re.IGNORECASE)
    folded = {word.lower(): other for word, other in words.items()}
    return tuple((speaker, pattern.sub(lambda match: folded[match[0].lower()], text)) for speaker, text in line)


def _chance(name: str, number: int) -> random.Random:
    return random.Random(f"{name}/{number}")  # noqa: S311 - variety, no secret


CHANGES: Mapping[str, Change] = {
    "typos": typos,
    "capitals": capitals,
    "spacing": spacing,
    "look-alikes": look_alikes,
    "emoji": emoji,
    "splitting": splitting,
    "gender": gender,
    "names": names,
    "dialect": dialect,
    "texting": texting,
    "small-talk": small_talk,
    "slots": slots,
    "punctuation": punctuation,
}
