"""`safelight corpus …`: look at labelled corpora, split them, build training data from them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from pipeline.config import Taxonomy
    from pipeline.corpora.labelled import LabelledConversation

app = typer.Typer(help="Look at labelled corpora, split them, build training data.", no_args_is_help=True, rich_markup_mode=None)

Corpora = Annotated[list[Path], typer.Argument(help="Labelled corpora: files or folders.", show_default=False)]
TaxonomyOption = Annotated[Path, typer.Option("--taxonomy", help="The stages.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace what is there already.")]
OrdinaryOption = Annotated[
    list[Path] | None, typer.Option(help="Chat that nobody labelled, taken as ordinary. May be given several times.")
]

_TAXONOMY = Path("configs/taxonomy.toml")


def _read(paths: list[Path], taxonomy: Path) -> tuple[list[LabelledConversation], Taxonomy]:
    from pipeline.config import Taxonomy, load_settings
    from pipeline.corpora.open import read_corpora

    stages = load_settings(taxonomy, Taxonomy)
    return list(read_corpora(paths, stages)), stages


@app.command()
def check(
    corpora: Corpora,
    splits: Annotated[Path | None, typer.Option(help="Splits to check too: who stands on two sides.")] = None,
    taxonomy: TaxonomyOption = _TAXONOMY,
) -> None:
    """Count, and find what is wrong: contradicting labels, near-duplicates, empty conversations, relatives across splits."""
    from pipeline.corpora.check import check_corpus
    from pipeline.corpora.split import read_splits
    from pipeline.terminal import print_check

    conversations, stages = _read(corpora, taxonomy)
    chosen = read_splits(splits, conversations).conversations if splits else None
    found = check_corpus(conversations, stages, splits=chosen)
    print_check(found)
    if found.problems:
        raise typer.Exit(1)


@app.command()
def split(
    corpora: Corpora,
    out: Annotated[Path, typer.Option(help="The file to write.")],
    share: Annotated[list[str] | None, typer.Option(help="name=share; may be given several times.")] = None,
    held_out: Annotated[list[str] | None, typer.Option(help="attribute=value that goes to the last split whole.")] = None,
    seed: Annotated[int, typer.Option(help="The seed of the deal.")] = 20261123,
    taxonomy: TaxonomyOption = _TAXONOMY,
    overwrite: OverwriteOption = False,
) -> None:
    """Deal a corpus into splits, relatives together, and write down which is where, with hashes."""
    from collections import Counter

    from pipeline.corpora.split import split_corpus, write_splits

    shares = {name: _share(value) for name, value in map(_pair, share or ["train=0.7", "validation=0.1", "test=0.2"])}
    conversations, _ = _read(corpora, taxonomy)
    made = split_corpus(conversations, shares=shares, seed=seed, held_out=dict(map(_pair, held_out or [])))
    write_splits(made, out, overwrite=overwrite)
    counts = Counter(made.conversations.values())
    print(f"{out}: " + ", ".join(f"{counts[name]:,} {name}" for name in shares))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise ConfigError(f"{text} is not of the form name=value", do="Write for example --share train=0.7")
    return name, value


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise ConfigError(f"a share of {text}", do="Give a number between 0 and 1")
    return value


@app.command()
def build(
    corpora: Corpora,
    splits: Annotated[Path, typer.Option(help="Splits made by `safelight corpus split`.")],
    out: Annotated[Path, typer.Option(help="The folder to write.")],
    config: Annotated[Path, typer.Option(help="How variety is composed.")] = Path("configs/composition.toml"),
    ordinary: OrdinaryOption = None,
    max_ordinary: Annotated[int, typer.Option(help="How many ordinary chats, an equal share of each --ordinary.")] = 2000,
    taxonomy: TaxonomyOption = _TAXONOMY,
    overwrite: OverwriteOption = False,
) -> None:
    """Write a table a split, with composed variety in the training split, and a card."""
    from pipeline.config import load_settings
    from pipeline.corpora.build import build_corpus
    from pipeline.corpora.compose import Composition
    from pipeline.corpora.split import read_splits
    from pipeline.corpora.training import sample_ordinary

    conversations, stages = _read(corpora, taxonomy)
    made = read_splits(splits, conversations)
    composition = load_settings(config, Composition)
    chats = sample_ordinary(ordinary or [], taxonomy=stages, seed=composition.seed, max_ordinary=max_ordinary)
    counts = build_corpus(conversations, made, composition, taxonomy=stages, ordinary=chats, out=out, overwrite=overwrite)
    print(f"{out}: " + ", ".join(f"{count:,} {name}" for name, count in counts.items()))


@app.command()
def card(
    corpora: Corpora,
    out: Annotated[Path | None, typer.Option(help="The file to write, instead of the terminal.")] = None,
    taxonomy: TaxonomyOption = _TAXONOMY,
) -> None:
    """Print what a corpus holds, in Markdown."""
    from pipeline.corpora.card import corpus_card, write_card
    from pipeline.corpora.check import check_corpus

    conversations, stages = _read(corpora, taxonomy)
    text = corpus_card({"all": check_corpus(conversations, stages)}, stages)
    if out is None:
        print(text)
    else:
        write_card(text, out)
        print(out)
