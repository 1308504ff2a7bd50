"""A corpus in words for people: what it holds, by split and slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.cards import render_card
from pipeline.config import Taxonomy
from pipeline.corpora.about import CorpusDescription, corpora_in_words
from pipeline.corpora.augment.compose import Composition
from pipeline.corpora.check import CorpusCheck

_SLICES = 12


def corpus_card(
    checks: Mapping[str, CorpusCheck],
    taxonomy: Taxonomy,
    composition: Composition | None = None,
    *,
    sources: Sequence[CorpusDescription],
) -> str:
    """Return the card of a corpus in Markdown.

    ``checks`` are those of its splits, or of the whole under one name; ``sources`` what `describe_corpus` says of its parts.
    """
    names = sorted({name for check in checks.values() for name, counts in check.attributes.items() if len(counts) <= _SLICES})
    return render_card(
        "pipeline.corpora",
        "corpus_card.md",
        checks=checks,
        taxonomy=taxonomy,
        composition=composition,
        attributes=names,
        sources=corpora_in_words(sources),
        origins=sorted({source.origin for source in sources}),
    )


def write_card(card: str, out: Path) -> None:
    """Write a card to a file."""
    out.write_text(card, "utf-8")
