"""Write the report of a run: one self-contained page that asks the network for nothing."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from pathlib import Path

from jinja2 import BaseLoader, ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pipeline.errors import ResultsError
from pipeline.output import private_file
from pipeline.report.chart import WIDTH, risk_path, start_of, tick_width, x_of, y_of
from pipeline.report.page import NO_PATTERNS, MessageView, PageView, PatternsView
from pipeline.report.view import page_view
from pipeline.results import Run
from pipeline.results.strengths import worth

WHOLE = 50
"""Conversations shown with their timelines."""

LISTED = 1000
"""Conversations after those, in a table."""


def write_report(run: Run, out: Path, *, patterns: PatternsView = NO_PATTERNS, whole: int = WHOLE, listed: int = LISTED) -> None:
    """Write the page of a run to ``out``; ``patterns`` are those over several conversations.

    The page holds a policy that forbids every request, and scripts and styles other than its own, told by their hashes.

    Raises
    ------
    ResultsError
        When it cannot be written.
    """
    style = _own("report.css") + stage_colours(len(run.taxonomy.stages))
    script = _own("report.js")
    policy = f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    page = page_view(run, whole=whole, listed=listed)
    shown = {conversation.conversation_id: conversation for conversation in page.conversations}
    stream = (
        page_environment()
        .get_template("report.html")
        .stream(
            page=page,
            patterns=patterns,
            shown=shown,
            messages_shown=_messages_shown(page),
            record=run.record,
            taxonomy=run.taxonomy,
            stage_names={stage.key: stage.name for stage in run.taxonomy.stages},
            thresholds=run.thresholds,
            worth=worth(run),
            style=Markup(style),  # noqa: S704 - our own file
            script=Markup(script),  # noqa: S704 - our own file
            policy=policy,
        )
    )
    stream.enable_buffering(500)
    try:
        with private_file(out).open("w", encoding="utf-8", errors="replace") as file:
            file.writelines(stream)
    except OSError as error:
        raise ResultsError(f"the report cannot be written ({error.strerror})", where=str(out)) from error


def _messages_shown(page: PageView) -> set[tuple[str, int]]:
    """Return the messages that stand on the page, by the conversation's id and the position."""
    return {
        (conversation.conversation_id, row.position)
        for conversation in page.conversations
        for row in conversation.rows
        if isinstance(row, MessageView)
    }


def page_environment(*loaders: BaseLoader) -> Environment:
    """Return where pages are made: templates of these loaders, then the report's own, with the filters that both use."""
    environment = Environment(
        loader=ChoiceLoader([*loaders, PackageLoader("pipeline.report", ".")]),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(risk_path=risk_path, start_of=start_of, x_of=x_of, y_of=y_of, tick_width=tick_width, width=WIDTH)
    environment.filters["percent"] = percent
    environment.filters["tail"] = lambda source: source.rpartition("/")[2]
    environment.filters["n"] = lambda number: f"{number:,}"
    return environment


def percent(probability: float) -> str:
    """Return a probability as people read it; never 0 % or 100 %, which nobody knows."""
    if probability > 0.99:
        return ">99 %"
    return "<1 %" if probability < 0.01 else f"{probability:.0%}".replace("%", " %")


def _own(name: str) -> str:
    return files("pipeline.report").joinpath(name).read_text("utf-8")


def stage_colours(stages: int) -> str:
    """Return a rule a stage: hues from blue for the mildest, through violet, to orange for the most severe."""
    hues = [round(215 + 200 * index / max(stages - 1, 1)) % 360 for index in range(stages)]
    return "".join(f".s{index}{{--hue:{hue}}}\n" for index, hue in enumerate(hues))


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
