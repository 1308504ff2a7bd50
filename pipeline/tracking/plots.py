"""Pictures of a training run, for MLflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

_SIZE = (7.0, 4.0)


def losses(entries: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the loss of training and of validation over the steps, from the trainer's history."""
    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.subplots()
    for name, label in (("loss", "training"), ("eval_loss", "validation")):
        points = [(entry["step"], float(entry[name])) for entry in entries if name in entry]
        axes.plot([step for step, _ in points], [loss for _, loss in points], marker=".", label=label)
    axes.set(xlabel="step", ylabel="loss")
    axes.legend()
    return figure


def pictures(metrics: Mapping[str, Any]) -> dict[str, Figure]:
    """Draw what the figures of a model hold, where they do: average precision a stage, and how early groomings are found."""
    found = {}
    stages = {name: values["average_precision"] for name, values in metrics.get("stages", {}).items() if values.get("messages")}
    if stages:
        figure = Figure(figsize=_SIZE, layout="constrained")
        axes = figure.subplots()
        axes.barh(list(stages), list(stages.values()))
        axes.set(xlabel="average precision", xlim=(0, 1))
        found["stages"] = figure
    early = metrics.get("early", {}).get("recall_after_messages_at_1_percent", {})
    points = [(int(count), recall) for count, recall in early.items() if recall is not None]
    if points:
        figure = Figure(figsize=_SIZE, layout="constrained")
        axes = figure.subplots()
        axes.plot([count for count, _ in points], [recall for _, recall in points], marker="o")
        axes.set(xscale="log", xlabel="messages seen", ylabel="recall at 1 % false positives", ylim=(0, 1))
        found["early-warning"] = figure
    return found
