"""`safelight corpus …`: look at labelled corpora, split them, build training data from them and from reviews."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.console import say
from pipeline.cli.exit_codes import ExitCode
from pipeline.cli.model_options import NAME_OR_PATH, TAXONOMY, TaxonomyOption
from pipeline.cli.read_options import ColumnOption, read_columns
from pipeline.cli.review import needed
from pipeline.errors import ConfigError, ReviewError
from pipeline.package_data import config_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from pipeline.config import Taxonomy
    from pipeline.corpora.labelled import LabelledConversation

app = typer.Typer(help="Look at labelled corpora, split them, build training data.", no_args_is_help=True, rich_markup_mode=None)

Corpora = Annotated[list[Path], typer.Argument(help="Labelled corpora: files or folders.", show_default=False)]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace what is there already.")]
OrdinaryOption = Annotated[
    list[Path] | None, typer.Option(help="Chat that nobody labelled, taken as ordinary. May be given several times.")
]


def _read(paths: list[Path], taxonomy: Path, columns: list[str] | None = None) -> tuple[list[LabelledConversation], Taxonomy]:
    from pipeline.config import Taxonomy, load_settings
    from pipeline.corpora.open import read_corpora

    stages = load_settings(taxonomy, Taxonomy)
    return list(read_corpora(paths, stages, columns=read_columns(columns))), stages


@app.command()
def check(
    corpora: Corpora,
    splits: Annotated[Path | None, typer.Option(help="Splits to check too: who is in different splits.")] = None,
    column: ColumnOption = None,
    taxonomy: TaxonomyOption = TAXONOMY,
) -> None:
    """Count, and find what is wrong: contradicting labels, near-duplicates, empty conversations, relatives across splits."""
    from pipeline.cli.terminal import print_check
    from pipeline.corpora.check import check_corpus
    from pipeline.corpora.split import read_splits

    conversations, stages = _read(corpora, taxonomy, column)
    chosen = read_splits(splits, conversations).conversations if splits else None
    report = check_corpus(conversations, stages, splits=chosen)
    print_check(report)
    if report.problems:
        raise typer.Exit(ExitCode.FOUND)


@app.command()
def split(
    corpora: Corpora,
    out: Annotated[Path, typer.Option(help="The file to write.")],
    share: Annotated[list[str] | None, typer.Option(help="name=share; may be given several times.")] = None,
    held_out: Annotated[list[str] | None, typer.Option(help="attribute=value that goes to the last split whole.")] = None,
    seed: Annotated[int, typer.Option(help="The seed of the split.")] = 20261123,
    column: ColumnOption = None,
    taxonomy: TaxonomyOption = TAXONOMY,
    overwrite: OverwriteOption = False,
) -> None:
    """Split a corpus, relatives together, and write down which conversation is in which split, with hashes."""
    from collections import Counter

    from pipeline.corpora.split import split_corpus, write_splits

    shares = {name: _share(value) for name, value in map(_pair, share or ["train=0.7", "validation=0.1", "test=0.2"])}
    conversations, _ = _read(corpora, taxonomy, column)
    made = split_corpus(conversations, shares=shares, seed=seed, held_out=dict(map(_pair, held_out or [])))
    write_splits(made, out, overwrite=overwrite)
    counts = Counter(made.conversations.values())
    say(f"{out}: " + ", ".join(f"{counts[name]:,} {name}" for name in shares))


@app.command()
def briefs(
    plan: Annotated[
        Path,
        typer.Argument(
            parser=config_path, metavar=NAME_OR_PATH, help="The writing plan: a TOML file, or the name of one that ships."
        ),
    ] = Path("writing"),
    kind: Annotated[str, typer.Option(help="Which kind of conversation.")] = "ordinary",
    count: Annotated[int, typer.Option(help="How many.", min=1)] = 20,
    seed: Annotated[int, typer.Option(help="The seed of the draw.")] = 0,
) -> None:
    """Draw briefs for conversations that are to be written, so that their variety is planned."""
    from pipeline.corpora.briefs import draw_briefs, read_plan

    for number, brief in enumerate(draw_briefs(read_plan(plan), kind, count=count, seed=seed), 1):
        say(f"{number}. " + " | ".join(f"{name}: {value}" for name, value in brief.items()))


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
    config: Annotated[
        Path,
        typer.Option(
            parser=config_path, metavar=NAME_OR_PATH, help="How variety is composed: a TOML file, or the name of one that ships."
        ),
    ] = Path("composition"),
    ordinary: OrdinaryOption = None,
    max_ordinary: Annotated[int, typer.Option(help="How many ordinary chats, an equal share of each --ordinary.")] = 2000,
    column: ColumnOption = None,
    taxonomy: TaxonomyOption = TAXONOMY,
    overwrite: OverwriteOption = False,
) -> None:
    """Write a table a split, with composed variety in the training split, and a card."""
    from pipeline.config import Taxonomy, load_settings
    from pipeline.corpora.augment.compose import Composition
    from pipeline.corpora.build import build_corpus
    from pipeline.corpora.split import read_splits
    from pipeline.corpora.training import read_training_corpus

    composition, stages = load_settings(config, Composition), load_settings(taxonomy, Taxonomy)
    read = read_training_corpus(
        corpora,
        ordinary or [],
        taxonomy=stages,
        seed=composition.seed,
        max_ordinary=max_ordinary,
        columns=read_columns(column),
    )
    made = read_splits(splits, list(read.labelled))
    counts = build_corpus(
        read.labelled,
        made,
        composition,
        taxonomy=stages,
        ordinary=read.ordinary,
        sources=read.sources,
        out=out,
        overwrite=overwrite,
    )
    say(f"{out}: " + ", ".join(f"{count:,} {name}" for name, count in counts.items()))


@app.command()
def card(
    corpora: Corpora,
    out: Annotated[Path | None, typer.Option(help="The file to write, instead of the terminal.")] = None,
    column: ColumnOption = None,
    taxonomy: TaxonomyOption = TAXONOMY,
) -> None:
    """Print what a corpus is and holds, in Markdown; its `corpus.toml` says what cannot be counted."""
    from pipeline.config import Taxonomy, load_settings
    from pipeline.corpora.card import corpus_card, write_card
    from pipeline.corpora.check import check_corpus
    from pipeline.corpora.training import read_training_corpus

    stages = load_settings(taxonomy, Taxonomy)
    read = read_training_corpus(corpora, [], taxonomy=stages, seed=0, max_ordinary=0, columns=read_columns(column))
    text = corpus_card({"all": check_corpus(read.labelled, stages)}, stages, sources=read.sources)
    if out is None:
        say(text)
    else:
        write_card(text, out)
        say(out)


StoreArgument = Annotated[str, typer.Argument(help="The store of the review: an SQLite file, or a URL.", show_default=False)]


@app.command("from-review")
def from_review(
    store: StoreArgument,
    out: Annotated[Path, typer.Option(help="The labelled table to write, as JSON Lines. The words of the chats are in it.")],
    run: Annotated[list[Path] | None, typer.Option(help="Where a reviewed run lies, if not where the store says.")] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Turn decisions and corrected stages of a review into labelled data, and print how far its readers agree."""
    needed()
    from pipeline.cli.terminal import print_reviewed
    from pipeline.corpora.build import write_labelled
    from pipeline.output import new_file
    from pipeline.results import open_unchanged
    from pipeline.review.decisions import read_corrections, read_decisions
    from pipeline.review.labels import labels_from_review

    with _reading(store) as connection:
        decisions, corrections = list(read_decisions(connection)), list(read_corrections(connection))
        places = run or _run_folders(connection, {made.key.run_id for made in (*decisions, *corrections)})
    corpus = labels_from_review([open_unchanged(place) for place in places], decisions=decisions, corrections=corrections)
    with new_file(out, overwrite=overwrite) as file:
        write_labelled(corpus.conversations, file)
    print_reviewed(corpus, out)


@app.command()
def active(
    runs: Annotated[list[Path], typer.Argument(help="Folders of finished runs.", show_default=False)],
    labelled: Annotated[
        list[Path] | None, typer.Option(help="A corpus that is labelled already. May be given several times.")
    ] = None,
    store: Annotated[str | None, typer.Option(help="The store of the review: what is decided there is left out.")] = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many to propose.")] = 50,
    out: Annotated[Path | None, typer.Option(help="A JSON file for the proposals, instead of the terminal.")] = None,
    taxonomy: TaxonomyOption = TAXONOMY,
    overwrite: OverwriteOption = False,
) -> None:
    """Propose the conversations whose label would teach most: those the model is unsure of, each unlike the others."""
    from dataclasses import asdict

    from pipeline.cli.terminal import print_proposals
    from pipeline.output import new_file, write_json
    from pipeline.results import open_unchanged
    from pipeline.review.active import propose

    known = {conversation.id.partition("@")[0] for conversation in _read(labelled, taxonomy)[0]} if labelled else set()
    if store is not None:
        needed()
        from pipeline.review.decisions import read_decisions

        with _reading(store) as connection:
            known |= {decision.key.conversation_id for decision in read_decisions(connection) if decision.current}
    proposals = propose([open_unchanged(place) for place in runs], labelled=known, count=count)
    if out is None:
        print_proposals(proposals)
        return
    with new_file(out, overwrite=overwrite) as file:
        write_json(file, [asdict(proposal) for proposal in proposals])
    say(f"{out}: {len(proposals):,} proposals")


@contextmanager
def _reading(store: str) -> Iterator[Connection]:
    if "://" not in store and not Path(store).is_file():
        raise ReviewError("there is no store", where=store, do="Give it as you gave it to `safelight review --store`")
    from pipeline.review.store import open_store

    opened = open_store(store)
    try:
        with opened.reading() as connection:
            yield connection
    finally:
        opened.close()


def _run_folders(connection: Connection, wanted: set[str]) -> list[Path]:
    from sqlalchemy import select

    from pipeline.review.schema import runs

    return [Path(row.path) for row in connection.execute(select(runs.c.id, runs.c.path)) if row.id in wanted]
