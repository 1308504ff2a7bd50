"""`safelight score`: exports to a run folder."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import Annotated, Literal

import typer

from pipeline.cli.console import say
from pipeline.cli.exit_codes import ExitCode, end, exit_code_of
from pipeline.cli.model_options import MODEL, ModelOption
from pipeline.cli.read_options import (
    DEFAULT_MEMBER_BYTES,
    ColumnOption,
    DateOrderOption,
    FormatOption,
    LinksOption,
    MemberOption,
    MergeOption,
    OverwriteOption,
    Paths,
    StrictOption,
    TimezoneOption,
    read_options,
)
from pipeline.cli.start import start_lightly
from pipeline.errors import SafelightError


def score(
    paths: Paths,
    model: ModelOption = MODEL,
    out: Annotated[Path, typer.Option(help="The folder to write; it appears when all is done.")] = Path("out"),
    text: Annotated[
        Literal["include", "hash", "omit"], typer.Option(help="Whether message text and names go into results and report.")
    ] = "omit",
    thresholds: Annotated[Path | None, typer.Option(help="A threshold file instead of the model's own.")] = None,
    cascade: Annotated[
        bool | None,
        typer.Option(help="Let a prefilter skip what is far from any alert; on where that was measured to lose almost nothing."),
    ] = None,
    since: Annotated[Path | None, typer.Option(help="A previous run: only conversations that changed since are read.")] = None,
    explain: Annotated[
        int, typer.Option(min=0, help="Signs of each flagged conversation that get their words and reasons, the strongest first.")
    ] = 3,
    engine: Annotated[Literal["local", "ray"], typer.Option(help="One machine, or the nodes of a Ray cluster.")] = "local",
    device: Annotated[Literal["cpu", "cuda"], typer.Option(help="Where the network runs.")] = "cpu",
    runtime: Annotated[
        Literal["onnxruntime", "openvino"],
        typer.Option(
            help="What runs it on a CPU. OpenVINO, an extra, is faster on a CPU with VNNI and differs in the last digits."
        ),
    ] = "onnxruntime",
    patterns: Annotated[
        bool, typer.Option(help="Show in the report what several conversations should be read together for.")
    ] = True,
    format_: FormatOption = None,
    date_order: DateOrderOption = None,
    timezone: TimezoneOption = None,
    column: ColumnOption = None,
    max_member_bytes: MemberOption = DEFAULT_MEMBER_BYTES,
    merge: MergeOption = "auto",
    follow_links: LinksOption = False,
    strict: StrictOption = False,
    overwrite: OverwriteOption = False,
    json_: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output in place of the tables: counts, no names.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors alone (and the JSON, with --json).")] = False,
) -> None:
    """Score chat exports and write scores.parquet, conversations.parquet, run.json and report.html."""
    start_lightly()
    from pipeline.cli.progress import scoring_progress
    from pipeline.cli.summary import as_line, error_summary, run_summary
    from pipeline.ingest.files.remote import local_paths
    from pipeline.score import score as score_exports

    started = monotonic()
    options = read_options(format_, date_order, timezone, column, max_member_bytes, merge, follow_links)
    try:
        with scoring_progress(quiet=quiet) as progress, local_paths(paths) as local:
            run = score_exports(
                local,
                model=model,
                out=out,
                options=options,
                text=text,
                thresholds=thresholds,
                cascade=cascade,
                since=since,
                explain=explain,
                engine=engine,
                device=device,
                runtime=runtime,
                patterns=patterns,
                overwrite=overwrite,
                progress=progress,
            )
    except SafelightError as error:
        if json_:
            say(as_line(error_summary(error, exit_code=exit_code_of(error))))
        raise
    not_whole = bool(run.record["failed"]) or (strict and bool(run.record["passed_over"]))
    if json_:
        say(as_line(run_summary(run, seconds=monotonic() - started, exit_code=ExitCode.NOT_WHOLE if not_whole else ExitCode.OK)))
    elif not quiet:
        from pipeline.cli.terminal import print_run

        print_run(run)
    end(not_whole=not_whole)
