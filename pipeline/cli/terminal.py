"""What a person sees in the terminal: progress, tables, warnings. No message text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from evaluation.intervals import FEW, share_in_words, wilson
from evaluation.metrics import stage_cells
from pipeline.cli.console import terminal
from pipeline.ingest import ReadLog
from pipeline.ingest.detection.detect import FORMATS
from pipeline.ingest.how_to_export import HOW
from pipeline.ingest.options import Unread
from pipeline.inspect import Inspection
from pipeline.results import Run
from pipeline.schema import KINDS

if TYPE_CHECKING:
    from evaluation.agreement import Agreement
    from evaluation.functional.run import Outcome
    from pipeline.corpora.check import CorpusCheck
    from pipeline.review.active import Proposal
    from pipeline.review.labels import ReviewedCorpus

_VALUES = 10


def print_run(run: Run) -> None:
    """End a run with what was found, the five riskiest, and where the report is."""
    console = terminal()
    thresholds = run.thresholds
    flagged, skipped = run.flagged(), run.skipped()
    counts = run.record["counts"]
    console.print(
        f"[bold]{counts['conversations']:,}[/] conversations, [bold]{counts['rows']:,}[/] messages, "
        f"[bold]{flagged:,}[/] flagged at risk ≥ {thresholds.risk:.2f}"
        + (f", {skipped:,} read by the prefilter alone" if skipped else "")
    )
    table = Table(title="The five to read first", title_justify="left", title_style="bold", box=None, pad_edge=False)
    for heading in ("risk", "conversation", "messages", "highest at", "looks like"):
        table.add_column(heading, justify="right" if heading in ("risk", "messages") else "left", overflow="fold")
    names = {stage.key: stage.name for stage in run.taxonomy.stages}
    for conversation in run.riskiest(5):
        stages = ", ".join(names[key] for key in conversation.stages_over(thresholds))
        risk = f"[bold red]{conversation.risk:.2f}[/]" if conversation.is_alert(thresholds) else f"{conversation.risk:.2f}"
        position = f"message {conversation.risk_position:,}" if conversation.risk_position else "–"
        table.add_row(risk, Text(conversation.conversation_id), f"{conversation.messages:,}", position, stages or "–")
    console.print(table)
    _print_merged(console, run.record.get("merged", ()))
    _print_warnings(console, run.record["warnings"])
    for failure in run.record.get("failed", ()):
        what = (
            f"{failure['export']}: conversation {failure['conversation']}: {failure['reason']}"
            if "conversation" in failure
            else failure["reason"]
        )
        console.print(Text.assemble(("not scored ", "bold red"), what))
    _print_passed_over(console, len(run.record.get("passed_over", ())), "run.json and the report name them")
    console.print("A flag is a reason to read, never a finding. The absence of a flag does not clear anyone.")
    if run.record["settings"]["text"] != "include":
        console.print("The report shows no message text; add --text include to see it, blurred until clicked.")
    console.print(f"Report: {run.path / 'report.html'}", soft_wrap=True, highlight=False)


def print_inspection(inspection: Inspection) -> None:
    """Print what `safelight inspect` found."""
    console = terminal()
    table = Table(box=None, pad_edge=False)
    table.add_column("file", overflow="fold")
    table.add_column("format")
    for export in inspection.exports:
        table.add_row(Text(export.name), FORMATS[export.format].title)
    console.print(table)
    counts = ", ".join(f"{inspection.kinds.get(kind, 0):,} {kind}" for kind in KINDS)
    console.print(f"{inspection.conversations:,} conversations, {inspection.messages:,} rows: {counts}")
    console.print(f"{inspection.speakers:,} speakers (counted a conversation), {_span(inspection.first, inspection.last)}")
    _print_merged(console, inspection.merged)
    _print_warnings(console, map(str, inspection.warnings))
    _print_unread(console, inspection.failed, inspection.passed_over)


def print_converted(log: ReadLog, out: Path) -> None:
    """Say what was written where."""
    console = terminal()
    counts = ", ".join(f"{log.kinds.get(kind, 0):,} {kind}" for kind in KINDS)
    console.print(f"{out}: {log.kinds.total():,} rows of {len(log.exports):,} exports: {counts}", soft_wrap=True, highlight=False)
    _print_merged(console, log.merged)
    _print_warnings(console, map(str, log.warnings))
    _print_unread(console, log.failed, log.passed_over)


def _span(first: datetime | None, last: datetime | None) -> str:
    if first is None or last is None:
        return "no times"
    zoned = {first.tzinfo is not None, last.tzinfo is not None}
    zone = " UTC" if zoned == {True} else " (no zone in the export)" if zoned == {False} else " (not all exports have a zone)"
    return f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}{zone}"


def _print_merged(console: Console, merged: Sequence[Mapping[str, Any]]) -> None:
    """Say which conversations were put together from several exports."""
    for chat in merged:
        exports = ", ".join(str(part["export"]) for part in chat["exports"])
        repeated = f"{chat['repeated']:,} rows stood in more than one" + (
            f", {chat['changed']:,} of them with other words" if chat["changed"] else ""
        )
        console.print(Text.assemble(("merged ", "cyan"), f"{chat['conversation_id']}: one chat of {exports}; {repeated}"))


def _print_warnings(console: Console, warnings: Iterable[str]) -> None:
    for warning in warnings:
        console.print(Text.assemble(("warning ", "yellow"), warning))


def _print_unread(console: Console, failed: Sequence[Unread], passed_over: Sequence[Unread]) -> None:
    for unread in failed:
        console.print(Text.assemble(("not read ", "bold red"), unread.reason))
    for unread in passed_over[:_VALUES]:
        console.print(Text.assemble(("passed over ", "cyan"), f"{unread.name}: {unread.reason}"))
    _print_passed_over(console, max(0, len(passed_over) - _VALUES), "more than those above")


def _print_passed_over(console: Console, count: int, more: str) -> None:
    if count:
        console.print(Text.assemble(("passed over ", "cyan"), f"{count:,} file(s); {more}"))


def print_check(check: CorpusCheck) -> None:
    """Print what `safelight corpus check` found; ids and counts, no words."""
    console = terminal()
    console.print(
        f"[bold]{check.conversations:,}[/] conversations, [bold]{check.messages:,}[/] messages "
        f"({check.lengths[0]} to {check.lengths[2]} each, median {check.lengths[1]:g})"
    )
    for name, counts in (("classes", check.grooming), ("labelled by", check.levels), ("stages, in messages", check.stages)):
        console.print(f"{name}: " + ", ".join(f"{count:,} {key}" for key, count in counts.items()))
    for name, counts in check.attributes.items():
        largest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        more = f" and {len(largest) - _VALUES} more" if len(largest) > _VALUES else ""
        console.print(f"{name}: " + ", ".join(f"{value} {count:,}" for value, count in largest[:_VALUES]) + more, highlight=False)
    for note in check.notes:
        console.print(Text.assemble(("note ", "cyan"), note))
    for problem in check.problems:
        console.print(Text.assemble(("problem ", "red"), problem))
    console.print("[green]no problems[/]" if not check.problems else f"[red]{len(check.problems)} problem(s)[/]")


def print_suite(outcomes: Sequence[Outcome]) -> None:
    """Print the pass rate of each functionality, and of all."""
    table = Table(box=None, pad_edge=False)
    table.add_column("functionality")
    for head in ("passed", "of", "rate", "95 % interval"):
        table.add_column(head, justify="right")
    for outcome in outcomes:
        rate, (low, high) = outcome.passed / outcome.cases, outcome.interval
        colour = "red" if rate < 0.7 else "yellow" if rate < 0.9 else "green"
        table.add_row(
            outcome.functionality.what,
            str(outcome.passed),
            str(outcome.cases),
            f"[{colour}]{rate:.0%}[/]",
            f"{low:.0%} – {high:.0%}",
        )
    console = terminal()
    console.print(table)
    passed, cases = sum(outcome.passed for outcome in outcomes), sum(outcome.cases for outcome in outcomes)
    low, high = wilson(passed, cases)
    weak = sum(outcome.passed / outcome.cases < 0.7 for outcome in outcomes)
    console.print(
        f"[bold]{passed:,}[/] of [bold]{cases:,}[/] cases passed: {passed / cases:.1%} ({low:.1%} – {high:.1%}); "
        f"{weak} of {len(outcomes)} functionalities under 70 %"
    )


def print_figures(figures: Mapping[str, Any]) -> None:
    """Print the table of figures with intervals, the stages, and what is flagged at the threshold."""
    console = terminal()
    table = Table(box=None, pad_edge=False)
    table.add_column("figure")
    table.add_column("", justify="right")
    table.add_column("95 % interval", justify="right")
    table.add_column("of", justify="right")
    for name, figure in figures["table"].items():
        low, high = figure["interval"]
        sure = figure["too_few"] is None
        table.add_row(
            name,
            _figure(figure["value"]) if sure else figure["too_few"],
            f"{_figure(low)} – {_figure(high)}" if sure else "–",
            f"{figure['examples']:,}",
        )
    console.print(table)
    stages = Table(box=None, pad_edge=False)
    stages.add_column("stage")
    for head in ("messages", "found on", "precision", "recall", "F1", "average precision"):
        stages.add_column(head, justify="right")
    for key, row in figures["stages"].items():
        stages.add_row(key, f"{row['messages']:,}", f"{row['found']:,}", *stage_cells(row).values())
    console.print(stages)
    parts = figures["conversations"]
    groups = {"with grooming": parts["grooming"]}
    groups |= {_ORDINARY.get(name, f"ordinary, {name}"): part for name, part in parts["ordinary"].items()}
    console.print(f"flagged at risk ≥ {parts['threshold']:.4g}:")
    for name, part in groups.items():
        console.print(f"  {name}: {share_in_words(part['flagged'], part['conversations'])}", highlight=False)


_ORDINARY = {
    "labelled_hard": "ordinary, marked as hard to tell",
    "labelled_plain": "ordinary, the rest",
    "ordinary_chat": "chat taken as ordinary",
}


def _figure(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.3f}"


def print_formats() -> None:
    """Print the formats that are read, and how the person who has the chat makes each."""
    table = Table(box=None, pad_edge=False)
    table.add_column("--format", no_wrap=True)
    table.add_column("what it is")
    table.add_column("how it is made")
    for key, format_ in FORMATS.items():
        table.add_row(key, format_.title, HOW.get(key, ""))
    terminal().print(table)


def print_reviewed(corpus: ReviewedCorpus, out: Path) -> None:
    """Say what a review taught, and how far its readers agree."""
    say = partial(terminal().print, markup=False, highlight=False, soft_wrap=True)
    grooming = sum(conversation.is_grooming is True for conversation in corpus.conversations)
    ordinary = sum(conversation.is_grooming is False for conversation in corpus.conversations)
    messages = sum(len(conversation.labelled_messages) for conversation in corpus.conversations)
    say(
        f"{out}: {len(corpus.conversations):,} conversations, {grooming:,} escalated or referred, {ordinary:,} dismissed, "
        f"{messages:,} messages with corrected stages"
    )
    say(f"left out: {corpus.undecided:,} that are to be watched, await a second reader or were taken back")
    say(f"decided by one reader: {corpus.one_reader:,}; they are marked so (decided_by)")
    say(f"agreement on decisions, each reader by themselves: {_agreement(corpus.decisions)}")
    say(f"agreement on stages of messages: {_agreement(corpus.stages)}")


def _agreement(agreement: Agreement) -> str:
    if agreement.units == 0:
        return "unknown; nothing was judged by two readers"
    if agreement.alpha is None:
        return f"unknown; all {agreement.units:,} judged by two readers or more have one value"
    if agreement.units < FEW:
        return f"unknown; {agreement.units:,} judged by two readers or more are too few, {agreement.same:,} of them alike"
    judged = f"{agreement.units:,} judged by two readers or more, {agreement.same:,} of them alike"
    return f"Krippendorff's alpha {agreement.alpha:.2f} on {judged}"


def print_proposals(proposals: Sequence[Proposal]) -> None:
    """List the conversations to label next, the one that would teach most first."""
    say = partial(terminal().print, markup=False, highlight=False, soft_wrap=True)
    for number, proposal in enumerate(proposals, 1):
        say(f"{number:>3}  {proposal.conversation_id}  (run {proposal.run})")
        say(f"     {proposal.reason}")
