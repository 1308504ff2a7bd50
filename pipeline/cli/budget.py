"""`safelight threshold` on a run: how many alerts a day, from the run's own scores."""

from __future__ import annotations

from pathlib import Path

from pipeline.cli.console import say
from pipeline.errors import ConfigError


def threshold_of_run(folder: Path, budget: int | None, per_day: int | None, *, out: Path | None, overwrite: bool) -> None:
    """Choose a threshold for a budget of alerts from a run's own scores, print it, and write it to ``out`` if given."""
    from pipeline.output import new_file, write_json
    from pipeline.results import open_unchanged
    from pipeline.results.budget import CANNOT_KNOW, cut_for_budget, risks_of, thresholds_at

    if budget is None or per_day is None:
        raise ConfigError("the threshold of a run is chosen by a budget", do="Give --budget 50 --per-day 2000, say")
    run = open_unchanged(folder)
    cut = cut_for_budget(risks_of(run), budget=budget, per_day=per_day)
    limits = thresholds_at(run, cut, budget=budget, per_day=per_day)
    say(
        f"risk ≥ {limits.risk:.6g}: {cut.flagged:,} of the run's {cut.conversations:,} conversations, about {cut.per_day:.1f} a day"
    )
    if skipped := run.skipped():
        say(f"{skipped:,} were read by the prefilter alone; under the threshold of the run their risks are rough")
    for line in CANNOT_KNOW:
        say(line)
    if out is not None:
        with new_file(out, overwrite=overwrite) as file:
            write_json(file, limits.model_dump(mode="json"))
        say(out)


def decisions_of_run(folder: Path, store: str) -> None:
    """Print how many of the decided conversations of a run were handed on, from each threshold on."""
    from pipeline.cli.review import open_existing
    from pipeline.results import open_unchanged
    from pipeline.results.budget import risks_of

    opened = open_existing(store)
    from pipeline.review.precision import CANNOT_TELL, CUTS, precision_by_cut

    run = open_unchanged(folder)
    risks = risks_of(run)
    with opened.reading() as connection:
        precisions = precision_by_cut(connection, [run.id], sorted({*CUTS, round(run.thresholds.risk, 4)}))
    for cut, precision in precisions.items():
        now = " (the run's)" if abs(cut - run.thresholds.risk) < 1e-4 else ""
        say(f"risk ≥ {cut:g}{now}: {int((risks >= cut).sum()):,} conversations; handed on of the decided: {precision.words}")
    for line in CANNOT_TELL:
        say(line)
