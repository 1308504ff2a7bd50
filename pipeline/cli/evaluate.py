"""`safelight evaluate …`, `compare` and `threshold`: how good a model is, which is better, where an alert begins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipeline.cli.budget import decisions_of_run, threshold_of_run
from pipeline.cli.console import say
from pipeline.cli.model_options import MODEL, ModelOption
from pipeline.cli.read_options import ColumnOption, read_columns
from pipeline.errors import ConfigError
from pipeline.package_data import model_path

if TYPE_CHECKING:
    from pipeline.evaluate import DatasetSelection, Evaluation

evaluate_app = typer.Typer(rich_markup_mode=None)

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
ThresholdsOption = Annotated[Path | None, typer.Option(help="A threshold file instead of the model's own.")]
PrevalenceOption = Annotated[float, typer.Option(help="The share of grooming among real conversations, for alerts and precision.")]
RoundsOption = Annotated[int, typer.Option(min=20, help="Bootstrap rounds.")]
TextOption = Annotated[
    Literal["include", "omit"], typer.Option(help="Whether saved scores and report hold the words of the worst errors.")
]
TrackOption = Annotated[bool, typer.Option("--track", help="Keep the figures in MLflow.")]
TrackingOption = Annotated[str | None, typer.Option(help="MLflow's tracking store, instead of the file mlflow.db.")]
FolderOption = Annotated[Path | None, typer.Option(help="A folder for scores, metrics.json and report.html.")]
FileOption = Annotated[Path | None, typer.Option(help="A JSON file for what was found.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace results that are there already.")]


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.add_typer(evaluate_app, name="evaluate")
    for command in (compare, threshold):
        app.command()(command)


@evaluate_app.callback(invoke_without_command=True)
def evaluate(
    context: typer.Context,
    model: ModelOption = MODEL,
    corpus: CorpusOption = None,
    ordinary: OrdinaryOption = None,
    splits: SplitsOption = None,
    split: SplitOption = "test",
    max_ordinary: MaxOrdinaryOption = None,
    seed: SeedOption = None,
    column: ColumnOption = None,
    allow_leakage: AllowOption = False,
    leave_out_leaked: LeaveOutOption = False,
    peers: Annotated[bool, typer.Option("--peers", help="Compare the model with simpler methods on the same split.")] = False,
    encoder: Annotated[Path | None, typer.Option(help="With --peers: a frozen encoder for nearest neighbours.")] = None,
    thresholds: ThresholdsOption = None,
    prevalence: PrevalenceOption = 0.001,
    rounds: RoundsOption = 200,
    text: TextOption = "omit",
    track: TrackOption = False,
    tracking: TrackingOption = None,
    out: FolderOption = None,
    overwrite: OverwriteOption = False,
    before: Annotated[str | None, typer.Option("--suite", "--scores", "--unlabelled", hidden=True)] = None,
) -> None:
    """Evaluate a model on a split of labelled corpora; the commands below measure other things."""
    if before is not None:
        raise ConfigError(
            "--suite, --scores and --unlabelled are commands now",
            do="Use `evaluate suite`, `evaluate recompute EVALUATION` or `evaluate drift EXPORTS`",
        )
    if context.invoked_subcommand is not None:
        given = [name for name in context.params if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"]
        if given:
            raise ConfigError(
                f"options stand before `{context.invoked_subcommand}`, where they are those of `evaluate` alone",
                do=f"Put them behind `evaluate {context.invoked_subcommand}`",
            )
        return
    from pipeline.evaluate import evaluate as evaluate_model
    from pipeline.evaluate.run import Settings

    if not corpus:
        raise ConfigError("nothing was given to evaluate the model on", do="Give --corpus, or a command: see --help")
    selection = _dataset_selection(corpus, ordinary, splits, split, max_ordinary, seed, allow_leakage, leave_out_leaked, column)
    settings = Settings(
        out=out,
        overwrite=overwrite,
        text=text == "include",
        prevalence=prevalence,
        rounds=rounds,
        peers=peers,
        encoder=encoder,
    )
    _print(evaluate_model(model, selection, settings, thresholds=thresholds, say=say), track=track, tracking=tracking)


@evaluate_app.command()
def suite(
    model: ModelOption = MODEL, thresholds: ThresholdsOption = None, out: FileOption = None, overwrite: OverwriteOption = False
) -> None:
    """Run the functional suite: what a detector must be able to do, one thing at a time."""
    from pipeline.cli.terminal import print_suite
    from pipeline.evaluate import run_functional_suite

    print_suite(run_functional_suite(model, thresholds=thresholds, out=out, overwrite=overwrite))


@evaluate_app.command()
def drift(
    exports: Annotated[list[Path], typer.Argument(help="Exports without labels.", show_default=False)],
    model: ModelOption = MODEL,
    thresholds: ThresholdsOption = None,
    out: FileOption = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Say whether exports are like what a model was calibrated on: only then its measured figures apply to them."""
    from pipeline.cli.terminal_evaluation import print_drift
    from pipeline.evaluate import evaluate_unlabelled
    from pipeline.ingest import ReadOptions

    print_drift(
        evaluate_unlabelled(exports, model=model, options=ReadOptions(), thresholds=thresholds, out=out, overwrite=overwrite)
    )


@evaluate_app.command()
def recompute(
    evaluation: Annotated[Path, typer.Argument(help="The folder of an evaluation, or its scores.parquet.", show_default=False)],
    thresholds: ThresholdsOption = None,
    prevalence: PrevalenceOption = 0.001,
    rounds: RoundsOption = 200,
    text: TextOption = "omit",
    track: TrackOption = False,
    tracking: TrackingOption = None,
    out: FolderOption = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Compute every figure of an evaluation again from its saved scores, without the model."""
    from pipeline.evaluate import evaluate_saved
    from pipeline.evaluate.run import Settings

    settings = Settings(out=out, overwrite=overwrite, text=text == "include", prevalence=prevalence, rounds=rounds)
    _print(evaluate_saved(evaluation, settings, thresholds=thresholds), track=track, tracking=tracking)


@evaluate_app.command()
def transfer(
    written: Annotated[list[Path], typer.Option(help="The second written set: data/transfer.", show_default=False)],
    model: ModelOption = MODEL,
    ordinary: OrdinaryOption = None,
    beside: Annotated[list[Path] | None, typer.Option(help="transfer.json of another model, for the table.")] = None,
    plain: Annotated[list[Path] | None, typer.Option(help="A labelled corpus from which readers that know no words learn.")] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the figures in the model folder, whose card then leads with them.")
    ] = False,
    most: Annotated[int, typer.Option(min=1, help="Conversations of each ordinary source, at most.")] = 2000,
    seed: Annotated[int, typer.Option(help="The seed of that sample.")] = 0,
    thresholds: ThresholdsOption = None,
    out: Annotated[Path | None, typer.Option(help="A folder for transfer.json and transfer.md.")] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Measure what carries over to other writers and to sources of chat that the model never learned from."""
    from pipeline.evaluate.transfer import evaluate_transfer

    say(
        evaluate_transfer(
            model,
            written,
            ordinary or [],
            thresholds=thresholds,
            most=most,
            seed=seed,
            beside=beside or [],
            plain=plain or [],
            out=out,
            overwrite=overwrite,
            keep=keep,
            say=say,
        )
    )


def _print(evaluation: Evaluation, *, track: bool, tracking: str | None) -> None:
    from pipeline.cli.terminal_evaluation import print_evaluation
    from pipeline.evaluate import track as track_evaluation

    print_evaluation(evaluation)
    if track:
        say(f"MLflow run: {track_evaluation(evaluation, uri=tracking)}")


def compare(
    first: Annotated[Path, typer.Argument(help="A model folder, the name of a model that ships, or the folder of an evaluation.")],
    second: Annotated[Path, typer.Argument(help="Another one.")],
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
    from pipeline.cli.terminal_evaluation import print_comparison
    from pipeline.evaluate import compare_models, compare_saved

    if corpus:
        selection = _dataset_selection(corpus, ordinary, splits, split, max_ordinary, seed, allow_leakage, leave_out_leaked, column)
        differences = compare_models(model_path(first), model_path(second), selection)
    else:
        differences = compare_saved(first, second)
    print_comparison(differences, first.name, second.name)


def threshold(
    evaluation: Annotated[
        Path, typer.Argument(help="The folder of an evaluation, or its scores.parquet; with --budget also that of a run.")
    ],
    budget: Annotated[int | None, typer.Option(help="At most so many alerts a day, in expectation.")] = None,
    per_day: Annotated[int | None, typer.Option(help="How many conversations a day are scored, for --budget.")] = None,
    precision: Annotated[float | None, typer.Option(help="At least this share of the alerts is true.")] = None,
    recall: Annotated[float | None, typer.Option(help="At least this share of the grooming conversations is found.")] = None,
    guarantee: Annotated[
        float | None, typer.Option(help="At most this share of ordinary conversations is flagged, surely.")
    ] = None,
    confidence: Annotated[float, typer.Option(help="How surely, for --guarantee.")] = 0.95,
    prevalence: PrevalenceOption = 0.001,
    store: Annotated[
        str | None, typer.Option(help="The store of the review: print what its decisions on the run say of each threshold.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="A threshold file for `safelight score --thresholds`.")] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Choose where an alert begins: by a budget of alerts, a floor of precision or recall, or with a guarantee."""
    from pipeline.cli.terminal_evaluation import print_threshold
    from pipeline.evaluate import ThresholdTarget, choose_threshold

    if (evaluation / "run.json").is_file():
        if any(value is not None for value in (precision, recall, guarantee)):
            raise ConfigError(
                "a run has no labels, so neither precision, recall nor a guarantee is known",
                where=str(evaluation),
                do="Give --budget with --per-day, or the folder of a `safelight evaluate`",
            )
        if store is not None:
            decisions_of_run(evaluation, store)
        if store is None or budget is not None:
            threshold_of_run(evaluation, budget, per_day, out=out, overwrite=overwrite)
        return
    if store is not None:
        raise ConfigError("decisions are on a run", where=str(evaluation), do="Give the folder of the run with --store")
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
