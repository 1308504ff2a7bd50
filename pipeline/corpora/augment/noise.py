"""Noise of the everyday sort: what fingers, phones and habits do to a message. Never a way to hide words on purpose."""

from __future__ import annotations

import random
from collections.abc import Callable

_LOOK_ALIKE = {"a": "а", "e": "е", "o": "о", "i": "і", "c": "с", "l": "1", "s": "$", "0": "O"}
_EMOJI = ("😂", "🙂", "👍", "😅", "❤️", "🙄", "🔥", "😭", "🎮", "✨")


def typo(text: str, chance: random.Random) -> str:
    """Swap, drop or double one letter."""
    letters = [index for index, letter in enumerate(text) if letter.isalpha()]
    if len(letters) < 4:
        return text
    index = chance.choice(letters[:-1])
    sort = chance.randrange(3)
    if sort == 0:
        return text[:index] + text[index + 1] + text[index] + text[index + 2 :]
    return text[:index] + text[index + 1 :] if sort == 1 else text[: index + 1] + text[index:]


def casing(text: str, chance: random.Random) -> str:
    """Write it small, or large."""
    return text.lower() if chance.random() < 0.7 else text.upper()


def spacing(text: str, chance: random.Random) -> str:
    """Lose one space, or double one."""
    spaces = [index for index, letter in enumerate(text) if letter == " "]
    if not spaces:
        return text
    index = chance.choice(spaces)
    return text[:index] + ("" if chance.random() < 0.5 else "  ") + text[index + 1 :]


def look_alike(text: str, chance: random.Random) -> str:
    """Put a letter that looks the same in place of one."""
    places = [index for index, letter in enumerate(text) if letter in _LOOK_ALIKE]
    if not places:
        return text
    index = chance.choice(places)
    return text[:index] + _LOOK_ALIKE[text[index]] + text[index + 1 :]


def emoji(text: str, chance: random.Random) -> str:
    """Add an emoji."""
    return f"{text} {chance.choice(_EMOJI)}"


NOISE: dict[str, Callable[[str, random.Random], str]] = {
    "typo": typo,
    "casing": casing,
    "spacing": spacing,
    "look_alike": look_alike,
    "emoji": emoji,
}
