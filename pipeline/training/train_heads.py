"""Train the heads of an encoder model again on its frozen network: a context head, calibration, risk head and thresholds.

::

    safelight train --from models/default --config configs/default.toml --corpus mine/ --ordinary chats.jsonl.gz --out models/mine

It takes minutes on two cores once the network has read the messages, and that is kept beside the model folder (`vector_cache`).
The stages may be others than those of the model.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from pipeline.config import Taxonomy
from pipeline.errors import ConfigError
from pipeline.model.encoder.context_head import ContextHead
from pipeline.model.encoder.encoder import KIND, NETWORK, EncoderModel, load_encoder, message_vectors, save_heads
from pipeline.model.encoder.network import ContextNetwork, MessageNetwork
from pipeline.model.encoder.torch_runtime import ENCODER, WEIGHTS
from pipeline.model.folder import ModelFolder, open_model_folder, seal_model_folder
from pipeline.recipes import EncoderRecipe
from pipeline.suite import Suite
from pipeline.training.calibrate import calibrate, look_alikes_of
from pipeline.training.dataset import DatasetSplits
from pipeline.training.examples import Example, make_examples
from pipeline.training.fit_cascade import adjust_cascade
from pipeline.training.head_warmup import fit_head
from pipeline.training.loss import TrainingModule, positive_weights, stage_shares
from pipeline.training.measure import measure, predict_parts
from pipeline.training.vector_cache import VectorCache

_AT_ONCE = 64


def open_start(path: Path, recipe: EncoderRecipe) -> tuple[ModelFolder, EncoderModel]:
    """Open the model whose network is kept.

    Raises
    ------
    ConfigError
        When it is no encoder, or cuts messages elsewhere than the recipe says.
    ModelFolderError
        When the folder is damaged.
    """
    start = open_model_folder(path)
    if start.kind != KIND:
        raise ConfigError(f"--from {path}: the model is of the kind {start.kind}", do="Give a model with an encoder")
    model = load_encoder(start)
    if model.tokenizer.message_tokens != recipe.message_tokens:
        raise ConfigError(
            f"--from {path}: it reads {model.tokenizer.message_tokens} tokens of a message, the recipe {recipe.message_tokens}",
            do=f"Add --set message_tokens={model.tokenizer.message_tokens}",
        )
    return start, model


def train_heads(
    start: tuple[ModelFolder, EncoderModel],
    recipe: EncoderRecipe,
    taxonomy: Taxonomy,
    dataset: DatasetSplits,
    folder: Path,
    *,
    kept: Path,
    suite: Suite | None = None,
    say: Callable[[str], None],
) -> None:
    """Train, and fill the model folder ``folder``; vectors that the network has made are kept in the folder ``kept``."""
    origin, earlier = start
    network = VectorCache(earlier.network, kept / origin.hashes[NETWORK][:16])
    settings, keys = recipe.training, taxonomy.keys
    learned_from = [*dataset.train, *dataset.composed, *dataset.more]
    train = list(make_examples(learned_from, earlier.tokenizer, stages=keys, longest=settings.longest, stretch=settings.stretch))
    validation = list(make_examples(dataset.validation, earlier.tokenizer, stages=keys, longest=settings.longest))
    say(f"{len(train):,} stretches to learn from ({len(dataset.composed):,} conversations composed), {len(network):,} vectors kept")
    model = replace(earlier, network=network)
    vectors = _embed(model, train, say=say)
    network.save()
    say("training the context head")
    head = _fit(recipe, train, vectors, begin=earlier.head if keys == earlier.taxonomy.keys and not recipe.refit.anew else None)
    say("calibrating")
    logits = [
        head.logits(embedded.float().numpy(), example.speakers)
        for example, embedded in zip(validation, _embed(model, validation, say=say), strict=True)
    ]
    calibrated = calibrate(logits, validation, look_alikes=look_alikes_of(dataset.validation))
    save_heads(
        folder,
        head=head,
        risk=calibrated.risk,
        calibration=calibrated.stages,
        ages=calibrated.ages,
        taxonomy=taxonomy,
        tokenizer=Tokenizer.from_file(str(origin.path / "tokenizer.json")),
    )
    for name in (NETWORK, WEIGHTS, ENCODER):
        if name in origin.hashes:
            shutil.copyfile(origin.path / name, folder / name)
    _measure(recipe, origin, earlier, network, dataset, folder, suite=suite, say=say)
    network.save()


def _embed(model: EncoderModel, examples: Sequence[Example], *, say: Callable[[str], None]) -> list[Tensor]:
    """Return the vectors of each example's messages, of shape (n, width), in half precision."""
    embedded: list[Tensor] = []
    for begin in range(0, len(examples), _AT_ONCE):
        part = examples[begin : begin + _AT_ONCE]
        vectors = message_vectors(model.network, [example.pieces for example in part], closing=model.tokenizer.closing)
        embedded += [torch.from_numpy(vector.astype(np.float16)) for vector in vectors]
        if begin // _AT_ONCE % 100 == 99:
            say(f"read {len(embedded):,} of {len(examples):,}")
    return embedded


def _fit(
    recipe: EncoderRecipe, examples: Sequence[Example], vectors: Sequence[Tensor], *, begin: ContextHead | None
) -> ContextHead:
    """Return the head that was trained on the vectors, from the weights of ``begin`` or from none."""
    shares = stage_shares(examples)
    torch.manual_seed(recipe.seed)
    network = ContextNetwork(
        width=vectors[0].shape[1],
        outputs=len(shares) + 1,
        hidden=len(begin.inner) if begin is not None else recipe.heads.hidden,
        dropout=recipe.heads.dropout,
    )
    if begin is None:
        network.expect([*shares, 0.5])
    else:
        network.load(begin)
    module = TrainingModule(
        MessageNetwork(nn.Identity()),  # never run: the vectors are there
        network,
        settings=recipe.loss,
        positive=positive_weights(shares, cap=recipe.loss.positive),
        chunk_tokens=recipe.training.chunk_tokens,
        closing=0,
        one_speaker=recipe.training.one_speaker,
    )
    refit = recipe.refit
    fit_head(
        module, examples, vectors, epochs=refit.epochs, batch=recipe.training.batch, seed=recipe.seed, rate=refit.learning_rate
    )
    learned = network.eval().as_numpy()
    return learned if begin is None else _mean(begin, learned, share=refit.own)


def _mean(first: ContextHead, second: ContextHead, *, share: float) -> ContextHead:
    """Return the mean of the weights of two heads, of which the first has ``share``.

    It forgets less of what the first knew than the second does (Wortsman et al. 2022).
    """
    weights = {
        field.name: share * getattr(first, field.name) + (1 - share) * getattr(second, field.name) for field in fields(first)
    }
    return ContextHead(**{name: np.asarray(array, np.float32) for name, array in weights.items()})


def _measure(
    recipe: EncoderRecipe,
    origin: ModelFolder,
    earlier: EncoderModel,
    network: VectorCache,
    dataset: DatasetSplits,
    folder: Path,
    *,
    suite: Suite | None,
    say: Callable[[str], None],
) -> None:
    model = replace(load_encoder(seal_model_folder(folder, kind=KIND, name=recipe.name)), network=network)
    (folder / "manifest.json").unlink()
    predicted = predict_parts(model, recipe, dataset, folder, say=say)
    more: dict[str, Any] = {"network_of": {"name": origin.name, "id": origin.id}}
    if earlier.prefilter is not None:
        say("choosing the cut of the prefilter")
        prefilter = adjust_cascade(
            earlier.prefilter, dataset, model, predicted.thresholds, validation=predicted.validation, test=predicted.test
        )
        prefilter.save(folder)
        more["cascade"] = dict(prefilter.figures)
    measure(folder, model, predicted, dataset, seed=recipe.seed, suite=suite, more=more)
