"""What a person sees in the terminal of an evaluation: tables and warnings. No message text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from evaluation.intervals import share_in_words
from evaluation.threshold_search import alerts_in_words
from pipeline.cli.console import terminal
from pipeline.cli.terminal import print_figures

if TYPE_CHECKING:
    from evaluation.summary import Difference
    from evaluation.threshold_search import Choice
    from pipeline.evaluate import Drift, Evaluation
    from pipeline.thresholds import Thresholds


def print_evaluation(evaluation: Evaluation) -> None:
    """Print the figures, what is off, whether they can be trusted, and where the report is."""
    console = terminal()
    metrics = evaluation.metrics
    print_figures(metrics)
    for row in metrics.get("alerts", ()):
        if row["chosen"]:
            console.print(f"where {row['prevalence']:.4%} of conversations groom: {row['in_words']}", highlight=False)
    if "peers" in metrics:
        _print_peers(console, metrics["peers"])
    warnings = list(metrics["slices"]["warnings"])
    leakage = metrics.get("leakage", {})
    if leakage.get("found") and leakage.get("policy") == "allow":
        warnings.append(f"the figures are too good: the model has met {leakage['found']} of these conversations in training")
    elif leakage.get("found"):
        console.print(f"left out, because the model has met them in training: {leakage['in_words']}", highlight=False)
    if leakage.get("unchecked") or not leakage:
        warnings.append(f"leakage cannot be checked for {leakage.get('unchecked') or 'these saved scores'}")
    for warning in warnings:
        console.print(Text.assemble(("warning ", "yellow"), warning))
    if evaluation.folder is not None:
        console.print(f"Report: {evaluation.folder / 'report.html'}", soft_wrap=True, highlight=False)


def _print_peers(console: Console, peers: Mapping[str, Any]) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for row in peers["rows"]:
        table.add_column(row["name"].replace("nearest neighbours", "neighbours"), justify="right", overflow="fold")
    for name in peers["figures"]:
        table.add_row(name, *(_figure(row["figures"][name]) for row in peers["rows"]))
    table.add_row("messages a second", *(f"{row['messages_per_second']:,.0f}" for row in peers["rows"]))
    console.print(table)
    if peers["note"]:
        console.print(peers["note"], style="dim")


def print_comparison(differences: Iterable[Difference], first: str, second: str) -> None:
    """Print two models side by side; a difference whose interval holds 0 may be chance."""
    table = Table(box=None, pad_edge=False)
    table.add_column("figure")
    for head in (first, second, "difference, 95 % interval"):
        table.add_column(head, justify="right")
    for difference in differences:
        low, high = difference.interval
        sure = "bold" if low > 0 or high < 0 else "dim"
        table.add_row(
            difference.name, _figure(difference.first), _figure(difference.second), f"[{sure}]{_figure(low)} – {_figure(high)}[/]"
        )
    terminal().print(table)


def print_threshold(limits: Thresholds, choice: Choice, prevalence: float) -> None:
    """Print a chosen threshold and what it comes to."""
    console = terminal()
    console.print(f"risk ≥ [bold]{limits.risk:.6g}[/]: {limits.chosen}", highlight=False)
    say = partial(console.print, highlight=False)
    say(f"on the evaluation, of conversations with grooming {share_in_words(choice.found, choice.grooming)} are found")
    say(f"of ordinary conversations {share_in_words(choice.flagged, choice.ordinary)} are flagged")
    say(f"where {prevalence:.4%} groom: {alerts_in_words(choice)}")
    say("The threshold was chosen on these same conversations: expect worse on others. Only --guarantee allows for that.")


def print_drift(drift: Drift) -> None:
    """Print exports beside the calibration split, and a warning for each figure that is far off."""
    console = terminal()
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    table.add_column("calibration split", overflow="fold")
    table.add_column("these exports", overflow="fold")
    for finding in drift.findings:
        table.add_row(finding.name, finding.reference, Text(finding.seen, style="yellow" if finding.warning else ""))
    console.print(table)
    warnings = [finding for finding in drift.findings if finding.warning]
    for finding in warnings:
        console.print(Text.assemble(("warning ", "yellow"), f"{finding.name}: {finding.warning}"))
    console.print(
        "The figures in the model card may not hold for these conversations. Label some of them, and measure."
        if warnings
        else "These conversations look like those that the model was calibrated on. Whether its scores are right is still to be "
        "measured: label some."
    )


def _figure(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.3f}"
