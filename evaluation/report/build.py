"""Write the report of an evaluation from its figures: a page with a policy that forbids every request and every script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from evaluation.intervals import FEW, share_in_words
from evaluation.metrics import Judged, stage_cells
from evaluation.report.charts import HEIGHT, WIDTH, Plot, early_plot, precision_recall_plot, reliability_plot, roc_plot
from pipeline.errors import ResultsError

SHADES = 8
"""Into how many steps the shades of a table are put."""

_CONTEXT = 2


def write_report(metrics: Mapping[str, Any], judged: Sequence[Judged], out: Path) -> None:
    """Write the page of an evaluation; ``judged`` are the conversations whose words may be shown: none unless somebody asked.

    Raises
    ------
    ResultsError
        When it cannot be written.
    """
    style = files("evaluation.report").joinpath("report.css").read_text("utf-8")
    page = _environment().get_template("report.html")
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode()
    text = page.render(
        m=metrics,
        plots=plots(metrics),
        names={**{key: key for key in metrics["stages"]}, **metrics.get("stage_names", {}), "none": "no sign"},
        quotes=quotes(metrics, judged),
        style=Markup(style),  # noqa: S704 - our own file
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        width=WIDTH,
        height=HEIGHT,
    )
    try:
        out.write_text(text, "utf-8", errors="replace")
    except OSError as error:
        raise ResultsError(f"the report cannot be written ({error.strerror})", where=str(out)) from error


def plots(metrics: Mapping[str, Any]) -> dict[str, list[Plot]]:
    """Return the plots that the figures allow."""
    curves = metrics.get("curves")
    names = metrics.get("stage_names", {})
    main: list[Plot] = []
    if curves and min(metrics["counts"]["grooming"], metrics["counts"]["ordinary"]) >= FEW:
        main = [roc_plot(curves["roc"], metrics["counts"]["ordinary"]), precision_recall_plot(curves["precision_recall"])]
        if any(curves["early_warning"].values()):
            main.append(early_plot(curves["early_warning"]))
    calibration = metrics["calibration"]
    diagrams = [("Risk, at even odds", calibration["risk_at_even_odds"])]
    diagrams += [(names.get(key, key), diagram) for key, diagram in calibration["stages"].items()]
    return {
        "main": main,
        "reliability": [
            reliability_plot(title, diagram["bins"], diagram["error"], positives=diagram["positives"], examples=diagram["examples"])
            for title, diagram in diagrams
            if diagram
        ],
    }


def quotes(metrics: Mapping[str, Any], judged: Sequence[Judged]) -> dict[str, list[tuple[str, str, bool]]]:
    """Return, for each of the worst errors whose words are there, speaker and text round the message of its highest risk."""
    rows = {row["id"]: row for kind in metrics["worst"].values() for row in kind["worst"]}
    quoted = {}
    for conversation in judged:
        row = rows.get(conversation.id)
        if row is None or conversation.texts is None or row["peak_message"] is None:
            continue
        peak = row["peak_message"] - 1
        shown = range(max(0, peak - _CONTEXT), min(len(conversation.texts), peak + _CONTEXT + 1))
        slots = {name: chr(ord("A") + number % 26) for number, name in enumerate(dict.fromkeys(conversation.speakers))}
        quoted[conversation.id] = [
            (slots[conversation.speakers[place]], conversation.texts[place], place == peak) for place in shown
        ]
    return quoted


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("evaluation.report", "."),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = figure
    environment.filters["share"] = lambda part: share_in_words(part[0], part[1])
    environment.filters["cells"] = stage_cells
    environment.globals["few"] = FEW
    environment.filters["percent"] = lambda share: "–" if share is None else f"{100 * share:.3g} %"
    environment.filters["whole"] = lambda share: "<1 %" if 0 < share < 0.01 else f"{100 * share:.0f} %"
    environment.filters["n"] = lambda number: f"{number:,}"
    environment.filters["shade"] = lambda share: min(SHADES, round(SHADES * share**0.5)) if share else 0
    environment.filters["across"] = lambda share: round(100 * share, 1)
    return environment


def figure(value: float | None) -> str:
    """Return a figure with three digits, or a dash where it is not known."""
    return "–" if value is None or value != value else f"{value:.3f}" if abs(value) < 100 else f"{value:,.0f}"
