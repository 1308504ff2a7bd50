"""What each choice of the model is worth: the same short training with one thing left out, measured on the same test part.

::

    make ablation ENCODER=PATH ORDINARY="chats.jsonl.gz more.jsonl.gz"

The runs are shorter than that of the shipped model, with the first layers of its encoder and a share of the training part only,
so that all of them take less time than that one: read the differences, not the figures. Each variant chooses its own thresholds
on the validation part.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from evaluation.metrics import Judged
from evaluation.summary import ORDINARY_CHAT, compare, labelled
from pipeline.config import Taxonomy, load_settings
from pipeline.corpora.augment.compose import Composition
from pipeline.corpora.labelled import LabelledConversation
from pipeline.corpora.training import read_training_corpus
from pipeline.model.encoder import context_head
from pipeline.model.encoder.context_head import NEAR, neighbours
from pipeline.model.encoder.encoder import EncoderModel
from pipeline.model.encoder.message_tokens import Arrays, Network
from pipeline.model.predict import predict_labelled
from pipeline.recipes import EncoderRecipe
from pipeline.thresholds import Thresholds
from pipeline.training import examples
from pipeline.training import loss as loss_module
from pipeline.training.calibrate import calibrate
from pipeline.training.choose_thresholds import choose_thresholds
from pipeline.training.dataset import DatasetSplits, assign_splits, make_splits
from pipeline.training.examples import Example, make_examples
from pipeline.training.head_warmup import refit_head
from pipeline.training.open_encoder import Start, open_encoder
from pipeline.training.train import load_recipe
from pipeline.training.train_encoder import exported_logits
from pipeline.training.trainer import fit_encoder

HELD_OUT = ("nl", "pt")
"""Languages that one variant does not learn from."""

SHOWN = (
    "stage macro average precision",
    "conversation AUC, all",
    "conversation AUC, labelled only",
    "recall at 1 % false positives",
)


def alone(speakers: Sequence[str]) -> NDArray[np.intp]:
    """Return no neighbours, in place of `neighbours`: each message is read alone."""
    return np.full((len(speakers), 2 * NEAR), -1, np.intp)


@dataclass(frozen=True)
class Variant:
    """One thing left out: of what is learned from, of what is seen, of how it learns, or of how conversations are dealt."""

    name: str
    keep: Callable[[LabelledConversation], bool] = lambda _: True
    near: Callable[[Sequence[str]], NDArray[np.intp]] = neighbours
    composition: Mapping[str, Any] | None = None
    loss: Mapping[str, Any] | None = None
    training: Mapping[str, Any] | None = None
    together: tuple[str, ...] = ("situation",)


def ordinary_chat(one: LabelledConversation) -> bool:
    """Tell chat that nobody labelled."""
    return one.attributes.get("situation") == ORDINARY_CHAT


def hard_ordinary(one: LabelledConversation) -> bool:
    """Tell a written ordinary conversation that looks alike and is not."""
    return not one.is_grooming and one.attributes.get("hard") == "true"


VARIANTS = (
    Variant("all of it"),
    Variant("without context: each message alone", near=alone),
    Variant("without ages", loss={"ages": 0.0}),
    Variant("without the loss of speakers", loss={"risk": 0.0}),
    Variant("without noise", composition={"noise": 0.0}),
    Variant("without ordinary chat", keep=lambda one: not ordinary_chat(one), composition={"splice": 0.0}),
    Variant("without hard ordinary conversations", keep=lambda one: not hard_ordinary(one)),
    Variant("without teaching the head first", training={"probe_epochs": 0}),
    Variant("without teaching the head again", training={"refit_epochs": 0}),
    Variant("without fine-tuning: the encoder as it comes", training={"epochs": 0.0}),
    Variant("without hidden word pieces", training={"masked": 0.0}),
    Variant(f"without {' and '.join(HELD_OUT)}", keep=lambda one: one.attributes.get("language") not in HELD_OUT),
    Variant("situations on both sides (in-corpus)", together=()),
)


def in_torch(network: nn.Module) -> Network:
    """Return a network as scoring calls one."""

    def run(arrays: Arrays) -> NDArray[np.float32]:
        with torch.inference_mode():
            return network(torch.from_numpy(arrays["ids"]), torch.from_numpy(arrays["real"])).numpy()

    return run


@dataclass(frozen=True)
class Setting:
    """What all variants have in common."""

    recipe: EncoderRecipe
    taxonomy: Taxonomy
    corpus: Any
    composition: Composition
    encoder: Path
    layers: int
    share: float


def parts_of(setting: Setting, variant: Variant) -> DatasetSplits:
    """Deal the corpus for a variant; what it leaves out, it leaves out of training alone."""
    corpus = setting.corpus
    if not variant.together:
        corpus = replace(corpus, labelled=tuple(replace(one, group=one.id) for one in corpus.labelled))
    shares = setting.recipe.splits.model_copy(update={"together": variant.together})
    splits = make_splits(corpus, shares, seed=setting.recipe.seed)
    whole = assign_splits(setting.corpus, splits)
    chance = random.Random(setting.recipe.seed)  # noqa: S311 - a sample, no secret
    kept_ids = {one.id for one in whole.train if chance.random() < setting.share}
    dropped = {one.id for one in whole.train if one.id not in kept_ids or not variant.keep(one)}
    kept = splits.model_copy(update={"conversations": {k: v for k, v in splits.conversations.items() if k not in dropped}})
    composition = setting.composition.model_copy(update=dict(variant.composition or {}))
    return assign_splits(setting.corpus, kept, composition=composition)


def truncated(start: Start, layers: int) -> Start:
    """Keep the first layers of the encoder."""
    stack = next(module for module in start.encoder.modules() if isinstance(module, nn.ModuleList))
    del stack[layers:]
    return start


def trained(setting: Setting, variant: Variant, dataset: DatasetSplits) -> EncoderModel:
    """Train a variant and calibrate it."""
    training = setting.recipe.training.model_copy(update=dict(variant.training or {}))
    loss = setting.recipe.loss.model_copy(update=dict(variant.loss or {}))
    recipe = setting.recipe.model_copy(update={"training": training, "loss": loss})
    start = truncated(open_encoder(recipe, path=setting.encoder), setting.layers)

    def examples(conversations: Sequence[LabelledConversation], stretch: int | None = None) -> list[Example]:
        keys, longest = setting.taxonomy.keys, training.longest
        return list(make_examples(conversations, start.tokenizer, stages=keys, longest=longest, stretch=stretch))

    with tempfile.TemporaryDirectory() as checkpoints:
        train, validation = examples([*dataset.train, *dataset.composed], training.stretch), examples(dataset.validation)
        module = fit_encoder(start, recipe, train, validation, checkpoints=Path(checkpoints))
    if training.refit_epochs:
        refit_head(module, train, epochs=training.refit_epochs, batch=training.batch, seed=recipe.seed)
    network, head = in_torch(module.network), module.head.as_numpy()
    fitted = calibrate(exported_logits(network, head, validation, closing=start.tokenizer.closing), validation)
    risk = fitted.risk if loss.ages else replace(fitted.risk, grown=0.0, young=0.0)
    return EncoderModel(
        taxonomy=setting.taxonomy,
        tokenizer=start.tokenizer,
        network=network,
        head=head,
        calibration=fitted.stages,
        ages=fitted.ages,
        risk=risk,
    )


def by_strongest_stage(judged: Sequence[Judged]) -> list[Judged]:
    """Return what would be said without a risk head: the risk is the highest probability of any stage so far."""
    found = []
    for one in judged:
        strongest = one.stages.max(axis=1)
        own = np.zeros_like(one.risk)
        for name in dict.fromkeys(one.speakers):
            rows = [row for row, speaker in enumerate(one.speakers) if speaker == name]
            own[rows] = np.maximum.accumulate(strongest[rows])
        found.append(replace(one, speaker_risk=own, risk=np.maximum.accumulate(strongest)))
    return found


@dataclass(frozen=True)
class Told:
    """A variant on the test part."""

    judged: list[Judged]
    thresholds: Thresholds


def tell(validation: Sequence[Judged], test: list[Judged], setting: Setting) -> Told:
    """Choose thresholds on what was said of the validation part."""
    chosen = choose_thresholds(validation, setting.taxonomy.keys, **setting.recipe.rates)
    return Told(test, chosen)


def rows(name: str, told: Told, whole: Told) -> str:
    """Return a row of the table: each figure, and the interval of its difference to the whole."""
    cells = []
    for one in compare(whole.judged, whole.thresholds, told.judged, told.thresholds):
        if one.name in SHOWN:
            low, high = one.interval
            cells.append(f"{one.second:.3f}" if told is whole else f"{one.second:.3f} ({low:+.3f} to {high:+.3f})")
    return f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    """Run the variants and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=Path("configs/default.toml"))
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--corpus", type=Path, action="append", required=True)
    parser.add_argument("--ordinary", type=Path, action="append", default=[])
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--share", type=float, default=1.0, help="of the training conversations that are learned from")
    parser.add_argument("--longest", type=int, default=40, help="messages of a conversation that are learned from")
    parser.add_argument("--out", type=Path, help="the table, row by row as it comes")
    options = parser.parse_args()
    overrides = (
        f"training.epochs={options.epochs}",
        "training.learning_rate=2e-4",
        "training.frozen_layers=0",
        f"training.longest={options.longest}",
        "max_ordinary=650",
        "splits.ordinary_validation=100",
        "splits.ordinary_test=300",
    )
    recipe, taxonomy = load_recipe(options.config, overrides=overrides)
    assert isinstance(recipe, EncoderRecipe)
    composition = load_settings(options.config.parent / (recipe.composition or "composition.toml"), Composition)
    corpus = read_training_corpus(
        options.corpus, options.ordinary, taxonomy=taxonomy, seed=recipe.seed, max_ordinary=recipe.max_ordinary
    )
    setting = Setting(recipe, taxonomy, corpus, composition, options.encoder, options.layers, options.share)

    def say(line: str) -> None:
        print(line, flush=True)
        if options.out:
            with options.out.open("a", encoding="utf-8") as file:
                file.write(line + "\n")

    say(f"| {' | '.join(('', *SHOWN))} |")
    say("|---" * (len(SHOWN) + 1) + "|")
    whole: Told | None = None
    for variant in VARIANTS:
        dataset = parts_of(setting, variant)
        with ExitStack() as patches:
            for module in (context_head, examples, loss_module):
                patches.enter_context(patch.object(module, "neighbours", variant.near))
            model = trained(setting, variant, dataset)
            validation, test = predict_labelled(dataset.validation, model), predict_labelled(dataset.test, model)
        told = tell(validation, test, setting)
        whole = whole or told
        if variant.together:
            say(rows(variant.name, told, whole))
        else:  # another test part: nothing to pair with
            say(rows(variant.name, told, told))
        if told is whole:
            say(rows("without the risk head", tell(by_strongest_stage(validation), by_strongest_stage(test), setting), whole))
        if variant.name.startswith("without nl"):
            own, other = ([one for one in part.judged if one.attributes.get("language") in HELD_OUT] for part in (whole, told))
            say(rows("of these languages, learned from", Told(own, whole.thresholds), Told(own, whole.thresholds)))
            say(rows("of these languages, never met", Told(other, told.thresholds), Told(own, whole.thresholds)))
    say(json.dumps({"written test conversations": len(labelled(whole.judged)) if whole else 0}))


if __name__ == "__main__":
    main()
