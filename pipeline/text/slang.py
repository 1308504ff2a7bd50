"""Spell out abbreviations and slang of chats, for readers who do not know them; nothing is scored with it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

_WORD = re.compile(r"[^\s.,;:!?()\"“”]+")


def spelled_out(text: str) -> list[tuple[str, str]]:
    """Return the short forms in a text with what they stand for, each once and in order; all languages are looked through.

    A short form that stands for two things in two languages is given with both.
    """
    known = _known()
    words = [word.casefold() for word in _WORD.findall(text)]
    return [(word, known[word]) for word in dict.fromkeys(words) if word in known]


@lru_cache(maxsize=1)
def _known() -> Mapping[str, str]:
    lists = tomllib.loads(files("pipeline.text").joinpath("slang.toml").read_text("utf-8"))
    meanings: dict[str, list[str]] = {}
    for language, words in lists.items():
        for short, long in words.items():
            meanings.setdefault(short.casefold(), []).append(f"{long} ({language})")
    return {short: " or ".join(long) for short, long in meanings.items()}
