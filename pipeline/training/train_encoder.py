"""Train an encoder model: fine-tuned, calibrated on the validation part, exported, measured on the test part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.config import Taxonomy
from pipeline.model.encoder.context_head import ContextHead
from pipeline.model.encoder.encoder import KIND, NETWORK, load_encoder, message_vectors, save_heads
from pipeline.model.encoder.message_tokens import Arrays, Network, padded
from pipeline.model.encoder.runtime import open_network
from pipeline.model.folder import seal_model_folder
from pipeline.model.predict import predict_labelled
from pipeline.recipes import BaselineRecipe, EncoderRecipe
from pipeline.suite import Suite
from pipeline.training.calibrate import calibrate, look_alikes_of
from pipeline.training.comparison import (
    Rival,
    differences,
    in_single_precision,
    suite_figures,
    train_rival,
)
from pipeline.training.dataset import DatasetSplits
from pipeline.training.examples import Example, make_examples
from pipeline.training.export_encoder import export_network, export_torch, quantise
from pipeline.training.fit_cascade import fit_cascade
from pipeline.training.head_warmup import refit_head
from pipeline.training.measure import measure, predict_parts
from pipeline.training.open_encoder import open_encoder
from pipeline.training.piece_vectors import PieceVectors, piece_vectors
from pipeline.training.teacher import with_teacher
from pipeline.training.trainer import fit_encoder

_CALIBRATION_BATCHES = 100
_BATCH_MESSAGES = 64

_AT_ONCE = 64


def train_encoder(
    recipe: EncoderRecipe,
    taxonomy: Taxonomy,
    dataset: DatasetSplits,
    folder: Path,
    *,
    checkpoints: Path,
    encoder: Path | None = None,
    resume: bool = False,
    rival: BaselineRecipe | None = None,
    suite: Suite | None = None,
    writes: bool = True,
    say: Callable[[str], None],
) -> None:
    """Train, and fill the model folder ``folder``.

    The card shows the baseline ``rival``, trained on the same parts, beside the model, and what the ``suite`` says of both. Of
    several processes only the one that ``writes`` goes on after training.

    Raises
    ------
    ConfigError
        When the encoder cannot be had.
    """
    start = open_encoder(recipe, path=encoder)
    train = list(
        make_examples(
            [*dataset.train, *dataset.composed],
            start.tokenizer,
            stages=taxonomy.keys,
            longest=recipe.training.longest,
            stretch=recipe.training.stretch,
        )
    )
    validation = list(make_examples(dataset.validation, start.tokenizer, stages=taxonomy.keys, longest=recipe.training.longest))
    tokens = sum(map(len, chain.from_iterable(example.pieces for example in train)))
    say(f"{len(train):,} stretches to learn from ({len(dataset.composed):,} conversations composed), {tokens:,} tokens")
    vectors = piece_vectors(start) if writes else None  # before training: what was learned is in the network
    train = with_teacher(train, validation, recipe, encoder=encoder, checkpoints=checkpoints, resume=resume, say=say)
    module = fit_encoder(start, recipe, train, validation, checkpoints=checkpoints, resume=resume, say=say)
    if vectors is None:
        return
    if recipe.training.refit_epochs:
        say(f"training the context head again, with {len(dataset.more):,} ordinary chats more")
        more = make_examples(dataset.more, start.tokenizer, stages=taxonomy.keys, stretch=recipe.training.stretch)
        refit_head(module, [*train, *more], epochs=recipe.training.refit_epochs, batch=recipe.training.batch, seed=recipe.seed)
    say("calibrating and exporting")
    single = checkpoints / "encoder-fp32.onnx"
    batches = calibration_batches(train, closing=start.tokenizer.closing)
    export_network(module.network, single, example=batches[0])
    quantise(single, folder / NETWORK, batches=batches)
    say(f"exported: {(folder / NETWORK).stat().st_size / 1e6:.1f} MB in int8, {single.stat().st_size / 1e6:.1f} MB before")
    head = module.head.as_numpy()
    network = open_network(folder / NETWORK)
    logits = exported_logits(network, head, validation, closing=start.tokenizer.closing)
    calibrated = calibrate(logits, validation, look_alikes=look_alikes_of(dataset.validation))
    save_heads(
        folder,
        head=head,
        risk=calibrated.risk,
        calibration=calibrated.stages,
        ages=calibrated.ages,
        taxonomy=taxonomy,
        tokenizer=start.backend,
    )
    if recipe.export.torch:
        export_torch(module.network, folder)
    if rival is not None:
        say("training the baseline to compare with")
    other = train_rival(dataset, rival, taxonomy) if rival is not None else None
    _measure(recipe, dataset, folder, vectors, single=single, other=other, suite=suite, say=say)


def wait_for_the_others() -> None:
    """Wait until every process of a training is here, so that none leaves before the model is written."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()


def _measure(
    recipe: EncoderRecipe,
    dataset: DatasetSplits,
    folder: Path,
    vectors: PieceVectors,
    *,
    single: Path,
    other: Rival | None,
    suite: Suite | None,
    say: Callable[[str], None],
) -> None:
    """Measure the model as it is shipped, beside its network in single precision and beside the ``other`` model."""
    model = load_encoder(seal_model_folder(folder, kind=KIND, name=recipe.name))
    (folder / "manifest.json").unlink()
    predicted = predict_parts(model, recipe, dataset, folder, say=say)
    thresholds = predicted.thresholds
    say("fitting the prefilter of the cascade")
    prefilter = fit_cascade(
        dataset,
        model,
        thresholds,
        recipe.cascade,
        vectors=vectors,
        validation=predicted.validation,
        test=predicted.test,
        seed=recipe.seed,
    )
    prefilter.save(folder)
    exact = predict_labelled(dataset.test, in_single_precision(model, single))
    more: dict[str, Any] = {
        "cascade": dict(prefilter.figures),
        "single_precision": differences(exact, thresholds, predicted.test, thresholds),
        "baseline": None,
        "baseline_suite": None,
    }
    if other is not None:
        judged = predict_labelled(dataset.test, other.model)
        more["baseline"] = differences(judged, other.thresholds, predicted.test, thresholds)
        more["baseline_suite"] = suite_figures(suite(other.model, other.thresholds)) if suite is not None else None
    measure(folder, model, predicted, dataset, seed=recipe.seed, suite=suite, more=more)


def calibration_batches(examples: Sequence[Example], *, closing: int) -> list[Arrays]:
    """Return batches of messages, spread over the examples and sorted by length, from which int8 ranges are taken."""
    messages = [message for example in examples for message in example.pieces]
    count = min(len(messages), _CALIBRATION_BATCHES * _BATCH_MESSAGES)
    spread = sorted((messages[number * len(messages) // count] for number in range(count)), key=len)
    return [padded(spread[start : start + _BATCH_MESSAGES], closing=closing) for start in range(0, count, _BATCH_MESSAGES)]


def exported_logits(
    network: Network, head: ContextHead, examples: Sequence[Example], *, closing: int
) -> Iterator[NDArray[np.float32]]:
    """Yield the logits of each example, of shape (n, stages + 1), as the exported network gives them."""
    for start in range(0, len(examples), _AT_ONCE):
        part = examples[start : start + _AT_ONCE]
        vectors = message_vectors(network, [example.pieces for example in part], closing=closing)
        yield from (head.logits(example_vectors, example.speakers) for example_vectors, example in zip(vectors, part, strict=True))
