"""Sentences that a person acts on say what they mean: a flag is no finding, and its absence does not clear anyone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SUFFIXES = {".py", ".html", ".md", ".typ", ".txt", ".js", ".toml"}
FOLDERS = ("pipeline", "evaluation", "configs", "docs", "examples")
PAGES = ("README.md", "SECURITY.md", "CONTRIBUTING.md")

TURNED_ROUND = re.compile(
    r"\bno (?:flag|alert|sign)s? (?:does not |do not |clear)"
    r"|\bclears? (?:nobody|no one|none)\b"
    r"|\b(?:nobody|no one|nothing) (?:is|was) not\b"
    r"|\bnot (?:clear|cleared) (?:nobody|no one|nothing)\b"
    r"|, nothing may be\b"
    r"|\bnever (?:not|nobody|nothing)\b|\bnot un\w+ (?:likely|safe|harmful)\b",
    re.IGNORECASE,
)
"""Two negatives in one clause, of which one reader in three takes the wrong sense."""

SAYS_SO = (
    "pipeline/cli/terminal.py",
    "pipeline/report/report.html",
    "pipeline/review/web/templates/base.html",
    "pipeline/review/referral/content.py",
    "pipeline/model/templates/model_card.md",
    "pipeline/model/templates/model_card.md",
    "evaluation/report/report.html",
    "README.md",
    "SECURITY.md",
)


def texts(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield every file that holds sentences for people, on one line."""
    files = [file for folder in FOLDERS for file in (root / folder).rglob("*") if file.suffix in SUFFIXES]
    for file in (*files, *(root / name for name in PAGES)):
        yield file, re.sub(r"\s+", " ", file.read_text("utf-8"))


def test_no_sentence_says_the_opposite_of_what_it_means(root: Path) -> None:
    found = [f"{file.name}: {match[0]}" for file, text in texts(root) for match in TURNED_ROUND.finditer(text)]
    assert found == []


@pytest.mark.parametrize(
    "sentence",
    [
        "No flag clears nobody.",
        "No flag does not clear anybody.",
        "No alert does not mean harm is absent.",
        "Of what you sent, nothing may be kept.",
        "An empty list does not clear nobody.",
        "Nobody is not warned.",
    ],
)
def test_sentences_that_were_wrong_are_told(sentence: str) -> None:
    assert TURNED_ROUND.search(sentence)


@pytest.mark.parametrize("name", SAYS_SO)
def test_whatever_shows_flags_says_that_their_absence_clears_no_person(name: str, root: Path) -> None:
    text = re.sub(r"\s+", " ", (root / name).read_text("utf-8"))
    assert re.search(r"absence of (?:a flag|an alert)[^.]* does not clear anyone", text)
