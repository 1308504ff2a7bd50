"""Translate revealed words on this machine with Argos Translate, where that is installed with a model for the two languages."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from pipeline.errors import ReviewError
from pipeline.text.language import UNCLEAR, language_of


@lru_cache(maxsize=1)
def is_installed() -> bool:
    """Return whether Argos Translate is installed; where it is not, the pages show nothing of translation."""
    return find_spec("argostranslate") is not None


def translated(text: str, *, around: Iterable[str], to: str) -> str:
    """Return a message in another language, never with the help of the network. ``around`` are messages that tell its language.

    Raises
    ------
    ReviewError
        When the language cannot be told, or there is no installed model for it.
    """
    source = language_of([*around, text])
    if source == UNCLEAR:
        raise ReviewError("the language of the conversation cannot be told", do="Ask somebody who reads it")
    if source == to:
        return text
    model = _model(source, to)
    if model is None:
        raise ReviewError(
            f"no translation from {source} to {to} is installed", do=f"Install it: argospm install translate-{source}_{to}"
        )
    return str(model.translate(text))


def _model(source: str, to: str) -> Any:
    from argostranslate import translate  # pyright: ignore[reportMissingImports] - an optional library

    languages = {language.code: language for language in translate.get_installed_languages()}
    if source not in languages or to not in languages:
        return None
    return languages[source].get_translation(languages[to])
