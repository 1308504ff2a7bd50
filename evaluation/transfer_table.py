"""The table of the benchmark of transfer, in Markdown: a column a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from evaluation.intervals import FEW

Figures = Mapping[str, Any]
Cell = Callable[[Figures], str]


def transfer_table(models: Mapping[str, Figures]) -> str:
    """Return the table; ``models`` maps the name of a column to what `transfer_figures` returned."""
    first = next(iter(models.values()))
    lines = [f"| | {' | '.join(models)} |", f"|---|{'---|' * len(models)}"]
    lines += [f"| {name} | {' | '.join(_safe(cell, figures) for figures in models.values())} |" for name, cell in _rows(first)]
    return "\n".join(lines) + "\n"


def _safe(cell: Cell, figures: Figures) -> str:
    try:
        return cell(figures)
    except (KeyError, TypeError):
        return "–"


def _rows(first: Figures) -> list[tuple[str, Cell]]:
    rows: list[tuple[str, Cell]] = [
        (
            "second written set against all ordinary sources: recall at 1 %",
            lambda f: _ranked(f["against_all_sources"]["recall_at_0.01"]),
        ),
        ("… recall at 0.1 %", lambda f: _ranked(f["against_all_sources"]["recall_at_0.001"])),
        ("… AUC", lambda f: _ranked(f["against_all_sources"]["auc"])),
        ("against its own confusable ordinary conversations: AUC", lambda f: _ranked(f["written"]["auc"])),
        ("… recall where 10 % of those are flagged", lambda f: _ranked(f["written"]["recall_at_0.1"])),
        ("found at the shipped threshold", _alerts(lambda f: _share(f["written"]["found"]))),
        ("… confusable ordinary ones flagged", _alerts(lambda f: _share(f["written"]["ordinary_flagged"]))),
        ("right speaker, of all grooming conversations", lambda f: _of(f["written"]["right_speaker"], f["written"]["positive"])),
        ("… of those flagged", lambda f: _of(f["written"]["right_speaker_of_flagged"], f["written"]["found"]["flagged"])),
        (
            "median messages from the first labelled sign to the alert",
            lambda f: _number(f["written"]["messages_after_first_sign"], "%.1f"),
        ),
        ("F-latency", _alerts(lambda f: _number(f["written"]["f_latency"]))),
        ("ERDE 5 / 50", _alerts(lambda f: f"{_number(f['written']['erde_5'])} / {_number(f['written']['erde_50'])}")),
        ("calibration error of the risk, at even odds", lambda f: _number(f["written"]["calibration_error"])),
        ("stage macro average precision", lambda f: _number(f["written"]["stage_average_precision"])),
    ]
    for name in first["sources"]:
        rows += [
            (
                f"{name}: flagged per 1,000 conversations",
                _alerts(lambda f, name=name: _per_thousand(f["sources"][name]["flagged"])),
            ),
            ("… per 10,000 messages", _alerts(lambda f, name=name: _number(f["sources"][name]["per_10000_messages"], "%.2f"))),
            (
                "… at the threshold of the other sources: flagged per 1,000; found",
                lambda f, name=name: (
                    f"{_per_thousand(f['sources'][name]['threshold_of_others']['flagged'])}; "
                    f"{_share(f['sources'][name]['threshold_of_others']['found'])}"
                ),
            ),
        ]
    rows += [
        (
            f"ordinary chat of {length} messages: flagged per 1,000",
            _alerts(lambda f, length=length: _per_thousand(f["long_ordinary"][length]["flagged"])),
        )
        for length in first["long_ordinary"]
    ]
    rows += [
        (f"found after {before} ordinary messages", _alerts(lambda f, before=before: _after(f["after_ordinary"][before])))
        for before in first["after_ordinary"]
    ]
    for name, title in (("segments", "segments, speakers unknown"), ("one_side", "one side only")):
        rows += [
            (f"{title}: AUC", lambda f, name=name: _ranked(f[name]["auc"])),
            ("… recall at 1 %", lambda f, name=name: _ranked(f[name]["recall_at_0.01"])),
        ]
    rows += [
        (
            f"{language}: found; ordinary flagged",
            _alerts(
                lambda f, language=language: "; ".join(
                    _share(f["written"]["languages"][language][kind]) for kind in ("grooming", "ordinary")
                )
            ),
        )
        for language in first["written"]["languages"]
    ]
    return rows


def _alerts(cell: Cell) -> Cell:
    """Return a cell that says nothing of a model without a threshold."""
    return lambda figures: "–" if figures["threshold"] > 1 else cell(figures)


def _number(value: float | None, form: str = "%.3f") -> str:
    return "–" if value is None else form % value


def _ranked(figure: Figures) -> str:
    if figure.get("too_few"):
        return figure["too_few"]
    low, high = figure["interval"]
    return _number(figure["value"]) if low is None else f"{_number(figure['value'])} ({low:.2f}–{high:.2f})"


def _share(figure: Figures) -> str:
    return f"{figure['flagged']} of {figure['of']}"


def _of(value: float | None, examples: int) -> str:
    return "–" if value is None else f"{round(value * examples)} of {examples}" + (f" ({value:.3f})" if examples >= FEW else "")


def _per_thousand(figure: Figures) -> str:
    if not figure["of"]:
        return "–"
    low, high = figure["interval"]
    return f"{1000 * figure['flagged'] / figure['of']:.1f} ({1000 * low:.1f}–{1000 * high:.1f})"


def _after(figure: Figures) -> str:
    early = figure["flagged_before_it_began"]
    return f"{figure['found']} of {figure['of']}" + (f" ({early} flagged before)" if early else "")
