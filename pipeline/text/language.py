"""Which language a conversation is in, told offline from its letters (langid.py; Lui and Baldwin 2012; kept up as py3langid)."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from pipeline.text.normalise import normalise

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

UNCLEAR = "unclear"

_LETTERS = 60
_READ = 3000
_SURE = 0.95
_MARK = re.compile(r"<\w+>|\[\w+\]")


def language_of(texts: Iterable[str]) -> str:
    """Return the code of the language of a conversation's messages; ``UNCLEAR`` where they are too short or too mixed to tell.

    A single message of chat is too short for any identifier; a conversation of a few lines is not.
    """
    words = _MARK.sub(" ", normalise(" ".join(texts))[:_READ])
    if sum(letter.isalpha() for letter in words) < _LETTERS:
        return UNCLEAR
    language, probability = _identifier().classify(words)
    return str(language) if probability >= _SURE else UNCLEAR


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    """Return the identifier, loaded when it is first needed: it is some megabytes."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    logging.getLogger("py3langid").setLevel(logging.WARNING)
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
