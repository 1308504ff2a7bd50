"""The model card, from what lies in the model folder."""

from __future__ import annotations

import json
from pathlib import Path

from evaluation.intervals import FEW, share_in_words
from evaluation.metrics import stage_cells
from evaluation.transfer_table import transfer_table
from pipeline.cards import render_card
from pipeline.config import Taxonomy, validate_settings
from pipeline.corpora.about import CorpusDescription, corpora_in_words
from pipeline.recipes import read_recipe
from pipeline.thresholds import read_thresholds

TRANSFER = "transfer.json"
"""Figures of the benchmark of transfer, a column a model; see `pipeline.evaluate.transfer`."""

CARD = "MODEL_CARD.md"
CONFIG = "config.toml"


def write_card(folder: Path) -> None:
    """Write the card into a model folder that is not sealed yet; it leads with what transfer showed, where that was measured."""
    labels = folder / "labels.json"
    transfer = folder / TRANSFER
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
    card = render_card(
        "pipeline.model",
        "model_card.md",
        metrics=metrics,
        share=share_in_words,
        cells=stage_cells,
        few=FEW,
        corpora=corpora_in_words(CorpusDescription(**source) for source in metrics["corpus"].get("sources", ())),
        recipe=read_recipe(folder / CONFIG),
        taxonomy=validate_settings(json.loads(labels.read_text("utf-8")), Taxonomy, where=str(labels)),
        thresholds=read_thresholds(folder / "thresholds.json"),
        transfer=transfer_table(json.loads(transfer.read_text("utf-8"))) if transfer.is_file() else None,
    )
    (folder / CARD).write_text(card, "utf-8")
