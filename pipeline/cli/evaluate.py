"""`safelight evaluate`, `compare` and `threshold`: how good a model is, which is better, where an alert begins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipeline.cli.console import say
from pipeline.cli.reading import ColumnOption, read_columns
from pipeline.cli.shipped import MODEL, ModelOption
from pipeline.errors import ConfigError
from pipeline.shipped import model_path

if TYPE_CHECKING:
    from pipeline.evaluate import DatasetSelection

CorpusOption = Annotated[list[Path] | None, typer.Option(help="A labelled corpus. May be given several times.")]
OrdinaryOption = Annotated[list[Path] | None, typer.Option(help="Chat that nobody labelled, taken as ordinary.")]
SplitsOption = Annotated[Path | None, typer.Option(help="Splits, instead of those in the model folder.")]
SplitOption = Annotated[str, typer.Option(help="Which split; `all` for a corpus that the model has nothing of.")]
MaxOrdinaryOption = Annotated[
    int | None, typer.Option(help="How many ordinary chats were sampled, if not as in the model's recipe.", show_default=False)
]
SeedOption = Annotated[int | None, typer.Option(help="The seed of that sample, if not the recipe's.", show_default=False)]
AllowOption = Annotated[
    bool, typer.Option("--allow-leakage", help="Test on what the model has met in training; the report says so.")
]
LeaveOutOption = Annotated[bool, typer.Option("--leave-out-leaked", help="Leave out what the model has met in training.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace results that are there already.")]
PrevalenceOption = Annotated[float, typer.Option(help="The share of grooming among real conversations, for alerts and precision.")]


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    for command in (evaluate, compare, threshold):
        app.command()(command)


def evaluate(
    what: Annotated[
        Literal["transfer"] | None,
        typer.Argument(help="`transfer`: the benchmark of what carries over to other writers and sources.", show_default=False),
    ] = None,
    written: Annotated[list[Path] | None, typer.Option(help="With `transfer`: the second written set.")] = None,
    beside: Annotated[
        list[Path] | None, typer.Option(help="With `transfer`: transfer.json of another model, for the table.")
    ] = None,
    plain: Annotated[
        list[Path] | None, typer.Option(help="With `transfer`: a labelled corpus from which readers that know no words learn.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="With `transfer`: keep the figures in the model folder, whose card then leads with them.")
    ] = False,
    most: Annotated[int, typer.Option(min=1, help="With `transfer`: conversations of each ordinary source, at most.")] = 2000,
    suite: Annotated[Literal["functional"] | None, typer.Option(help="Run the functional test suite instead of a corpus.")] = None,
    model: ModelOption = MODEL,
    corpus: CorpusOption = None,
    ordinary: OrdinaryOption = None,
    scores: Annotated[
        Path | None, typer.Option(help="Saved scores of an evaluation: compute everything again, without the model.")
    ] = None,
    unlabelled: Annotated[
        list[Path] | None, typer.Option(help="Exports without labels: are they like what the model was calibrated on?")
    ] = None,
    peers: Annotated[bool, typer.Option("--peers", help="Compare the model with simpler methods on the same split.")] = False,
    encoder: Annotated[Path | None, typer.Option(help="With --peers: a frozen encoder for nearest neighbours.")] = None,
    splits: SplitsOption = None,
    split: SplitOption = "test",
    max_ordinary: MaxOrdinaryOption = None,
    seed: SeedOption = None,
    thresholds: Annotated[Path | None, typer.Option(help="A threshold file instead of the model's own.")] = None,
    prevalence: PrevalenceOption = 0.001,
    rounds: Annotated[int, typer.Option(min=20, help="Bootstrap rounds.")] = 200,
    text: Annotated[
        Literal["include", "omit"], typer.Option(help="Whether saved scores and report hold the words of the worst errors.")
    ] = "omit",
    allow_leakage: AllowOption = False,
    leave_out_leaked: LeaveOutOption = False,
    column: ColumnOption = None,
    track: Annotated[bool, typer.Option("--track", help="Keep the figures in MLflow.")] = False,
    tracking: Annotated[str | None, typer.Option(help="MLflow's tracking store, instead of the file mlflow.db.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="A folder for scores, metrics.json and report.html; a JSON file with --suite and --unlabelled."),
    ] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Evaluate a model on labelled conversations, with simpler methods, by the functional suite, or on unlabelled exports."""
    from pipeline import evaluate as room
    from pipeline.cli.terminal import print_suite
    from pipeline.cli.terminal_evaluation import print_drift, print_evaluation
    from pipeline.evaluate.run import Settings
    from pipeline.ingest import ReadOptions

    if what == "transfer":
        _transfer(
            model_path(model),
            written,
            ordinary,
            thresholds,
            most=most,
            seed=seed or 0,
            beside=beside or [],
            plain=plain or [],
            out=out,
            overwrite=overwrite,
            keep=keep,
        )
        return
    given = [
        name
        for name, value in (("--suite", suite), ("--corpus", corpus), ("--scores", scores), ("--unlabelled", unlabelled))
        if value
    ]
    if len(given) != 1:
        problem = f"{' and '.join(given)} do not go together" if given else "nothing was given to evaluate the model on"
        raise ConfigError(problem, do="Give one of --corpus, --suite, --scores or --unlabelled")
    if suite is not None:
        print_suite(room.run_functional_suite(model_path(model), thresholds=thresholds, out=out, overwrite=overwrite))
        return
    if unlabelled:
        print_drift(
            room.evaluate_unlabelled(
                unlabelled, model=model_path(model), options=ReadOptions(), thresholds=thresholds, out=out, overwrite=overwrite
            )
        )
        return
    settings = Settings(
        out=out,
        overwrite=overwrite,
        text=text == "include",
        prevalence=prevalence,
        rounds=rounds,
        peers=peers,
        encoder=encoder,
    )
    if scores is not None:
        evaluation = room.evaluate_saved(scores, settings, thresholds=thresholds)
    else:
        selection = _dataset_selection(corpus, ordinary, splits, split, max_ordinary, seed, allow_leakage, leave_out_leaked, column)
        evaluation = room.evaluate(model_path(model), selection, settings, thresholds=thresholds, say=say)
    print_evaluation(evaluation)
    if track:
        say(f"MLflow run: {room.track(evaluation, uri=tracking)}")


def _transfer(
    model: Path,
    written: list[Path] | None,
    ordinary: list[Path] | None,
    thresholds: Path | None,
    *,
    most: int,
    seed: int,
    beside: list[Path],
    plain: list[Path],
    out: Path | None,
    overwrite: bool,
    keep: bool,
) -> None:
    from pipeline.evaluate.transfer import evaluate_transfer

    if not written:
        raise ConfigError("`evaluate transfer` needs a written set", do="Give --written data/transfer")
    say(
        evaluate_transfer(
            model,
            written,
            ordinary or [],
            thresholds=thresholds,
            most=most,
            seed=seed,
            beside=beside,
            plain=plain,
            out=out,
            overwrite=overwrite,
            keep=keep,
            say=say,
        )
    )


def compare(
    first: Annotated[str, typer.Argument(help="A model folder, the name of a model that ships, or the folder of an evaluation.")],
    second: Annotated[str, typer.Argument(help="Another one.")],
    corpus: CorpusOption = None,
    ordinary: OrdinaryOption = None,
    splits: SplitsOption = None,
    split: SplitOption = "test",
    max_ordinary: MaxOrdinaryOption = None,
    seed: SeedOption = None,
    allow_leakage: AllowOption = False,
    leave_out_leaked: LeaveOutOption = False,
    column: ColumnOption = None,
) -> None:
    """Put two models side by side on one split, with 95 % intervals of the differences by paired bootstrap."""
    from pipeline import evaluate as room
    from pipeline.cli.terminal_evaluation import print_comparison

    if corpus:
        selection = _dataset_selection(corpus, ordinary, splits, split, max_ordinary, seed, allow_leakage, leave_out_leaked, column)
        differences = room.compare_models(model_path(first), model_path(second), selection)
    else:
        differences = room.compare_saved(Path(first), Path(second))
    print_comparison(differences, Path(first).name, Path(second).name)


def threshold(
    evaluation: Annotated[Path, typer.Argument(help="The folder of an evaluation, or its scores.parquet.")],
    budget: Annotated[int | None, typer.Option(help="At most so many alerts a day, in expectation.")] = None,
    per_day: Annotated[int | None, typer.Option(help="How many conversations a day are scored, for --budget.")] = None,
    precision: Annotated[float | None, typer.Option(help="At least this share of the alerts is true.")] = None,
    recall: Annotated[float | None, typer.Option(help="At least this share of the grooming conversations is found.")] = None,
    guarantee: Annotated[
        float | None, typer.Option(help="At most this share of ordinary conversations is flagged, surely.")
    ] = None,
    confidence: Annotated[float, typer.Option(help="How surely, for --guarantee.")] = 0.95,
    prevalence: PrevalenceOption = 0.001,
    out: Annotated[Path | None, typer.Option(help="A threshold file for `safelight score --thresholds`.")] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Choose where an alert begins: by a budget of alerts, a floor of precision or recall, or with a guarantee."""
    from pipeline.cli.terminal_evaluation import print_threshold
    from pipeline.evaluate import ThresholdTarget, choose_threshold

    target = ThresholdTarget(budget, per_day, precision, recall, guarantee, confidence, prevalence)
    limits, choice = choose_threshold(evaluation, target, out=out, overwrite=overwrite)
    print_threshold(limits, choice, prevalence)
    if out is not None:
        say(out)


def _dataset_selection(
    corpus: list[Path] | None,
    ordinary: list[Path] | None,
    splits: Path | None,
    split: str,
    max_ordinary: int | None,
    seed: int | None,
    allow_leakage: bool,
    leave_out_leaked: bool,
    columns: list[str] | None,
) -> DatasetSelection:
    from pipeline.evaluate import DatasetSelection

    if allow_leakage and leave_out_leaked:
        raise ConfigError("--allow-leakage and --leave-out-leaked do not go together", do="Give one of them")
    leakage = "allow" if allow_leakage else "leave out" if leave_out_leaked else "refuse"
    return DatasetSelection(corpus or [], ordinary or [], splits, split, max_ordinary, seed, leakage, read_columns(columns))
