"""Train an encoder model: fine-tuned, calibrated on the validation part, exported, measured on the test part."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import tomli_w
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from evaluation.summary import ORDINARY_CHAT
from pipeline.config import BaselineRecipe, EncoderRecipe, Taxonomy
from pipeline.corpora.augment.synthetic_chats import synthetic_chats
from pipeline.corpora.labelled import LabelledConversation
from pipeline.corpora.split import Splits
from pipeline.model.calibration import Platt
from pipeline.model.drift_profile import save_drift_profile
from pipeline.model.encoder.card import CARD, write_encoder_card
from pipeline.model.encoder.context_head import ContextHead
from pipeline.model.encoder.encoder import KIND, NETWORK, load_encoder, message_vectors, save_heads
from pipeline.model.encoder.message_tokens import Arrays, Network, padded
from pipeline.model.encoder.risk_head import RiskHead
from pipeline.model.encoder.runtime import open_network
from pipeline.model.folder import seal_model_folder
from pipeline.model.predict import predict_labelled
from pipeline.output import write_json
from pipeline.training.choose import choose_thresholds
from pipeline.training.comparison import (
    Rival,
    Suite,
    by_phrasing,
    differences,
    in_single_precision,
    suite_figures,
    train_rival,
)
from pipeline.training.context_dilution import measure_context_dilution
from pipeline.training.dataset import DatasetSplits
from pipeline.training.examples import Example, make_examples
from pipeline.training.export_encoder import export_network, export_torch, quantise
from pipeline.training.faithful import faithfulness
from pipeline.training.fit_cascade import fit_cascade
from pipeline.training.fit_encoder import fit_encoder
from pipeline.training.fit_risk import Scored, against_look_alikes, fit_risk
from pipeline.training.head_warmup import refit_head
from pipeline.training.measure_encoder import measure
from pipeline.training.open_encoder import open_encoder
from pipeline.training.piece_vectors import PieceVectors, piece_vectors
from pipeline.training.teacher import with_teacher

_CALIBRATION_BATCHES = 100
_BATCH_MESSAGES = 64

_AT_ONCE = 64

_SYNTHETIC_SIZES = (60, 300)
"""Messages of the synthetic ordinary chats on which the threshold must keep the false-positive rate too."""


def train_encoder(
    recipe: EncoderRecipe,
    taxonomy: Taxonomy,
    dataset: DatasetSplits,
    splits: Splits,
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
    head = module.head.as_numpy()
    network = open_network(folder / NETWORK)
    logits = exported_logits(network, head, validation, closing=start.tokenizer.closing)
    calibrated = calibrate(logits, validation, look_alikes=_look_alikes(dataset.validation))
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
    (folder / "config.toml").write_text(tomli_w.dumps(recipe.model_dump(mode="json", exclude_none=True)), "utf-8")
    write_json(folder / "splits.json", splits.model_dump(mode="json"), compact=True)
    if rival is not None:
        say("training the baseline to compare with")
    other = train_rival(dataset, rival, taxonomy, **recipe.rates) if rival is not None else None
    _judge_and_measure(recipe, taxonomy, dataset, folder, vectors, single=single, other=other, suite=suite, say=say)


def wait_for_the_others() -> None:
    """Wait until every process of a training is here, so that none leaves before the model is written."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()


def _judge_and_measure(
    recipe: EncoderRecipe,
    taxonomy: Taxonomy,
    dataset: DatasetSplits,
    folder: Path,
    vectors: PieceVectors,
    *,
    single: Path,
    other: Rival | None,
    suite: Suite | None,
    say: Callable[[str], None],
) -> None:
    """Choose thresholds on the validation part and measure on the test part, with the model as it is shipped."""
    for name, content in (("thresholds.json", {}), ("metrics.json", {})):
        write_json(folder / name, content)
    (folder / CARD).write_text("", "utf-8")
    model = load_encoder(seal_model_folder(folder, kind=KIND, name=recipe.name))
    (folder / "manifest.json").unlink()
    say("choosing thresholds on the validation part")
    validation = predict_labelled(dataset.validation, model)
    chats = [chat for chat in dataset.validation if chat.attributes.get("situation") == ORDINARY_CHAT]
    synthetic = [
        chat for size in _SYNTHETIC_SIZES for chat in synthetic_chats(chats, seed=recipe.seed, most=len(chats), messages=size)
    ]
    thresholds = choose_thresholds([*validation, *predict_labelled(synthetic, model)], taxonomy.keys, **recipe.rates)
    save_drift_profile(folder, dataset.validation, [conversation.peak for conversation in validation], threshold=thresholds.risk)
    say("measuring on the test part")
    judged = predict_labelled(dataset.test, model)
    say("fitting the prefilter of the cascade")
    first = fit_cascade(
        dataset, model, thresholds, recipe.cascade, vectors=vectors, validation=validation, test=judged, seed=recipe.seed
    )
    first.save(folder)
    more = {
        "explanations": faithfulness(dataset.test, model, thresholds, seed=recipe.seed),
        "cascade": dict(first.figures),
        "after_chat": measure_context_dilution(dataset.test, model, thresholds.risk, seed=recipe.seed),
        "phrasing": by_phrasing(judged, dataset.test, dataset.train, thresholds),
        "single_precision": differences(
            predict_labelled(dataset.test, in_single_precision(model, single)), thresholds, judged, thresholds
        ),
    }
    more["baseline"] = (
        differences(predict_labelled(dataset.test, other.model), other.thresholds, judged, thresholds)
        if other is not None
        else None
    )
    more["suite"] = suite_figures(suite(model, thresholds)) if suite is not None else None
    more["baseline_suite"] = (
        suite_figures(suite(other.model, other.thresholds)) if suite is not None and other is not None else None
    )
    write_json(folder / "thresholds.json", thresholds.model_dump(mode="json"))
    write_json(folder / "metrics.json", measure(judged, dataset, taxonomy, thresholds, more=more))
    write_encoder_card(folder)


def calibration_batches(examples: Sequence[Example], *, closing: int) -> list[Arrays]:
    """Return batches of messages, spread over the examples and sorted by length, from which int8 ranges are taken."""
    messages = [message for example in examples for message in example.pieces]
    count = min(len(messages), _CALIBRATION_BATCHES * _BATCH_MESSAGES)
    spread = sorted((messages[number * len(messages) // count] for number in range(count)), key=len)
    return [padded(spread[start : start + _BATCH_MESSAGES], closing=closing) for start in range(0, count, _BATCH_MESSAGES)]


@dataclass(frozen=True)
class Calibrated:
    """What is fitted on conversations that the network did not learn from."""

    stages: Platt
    ages: Platt
    risk: RiskHead


def exported_logits(
    network: Network, head: ContextHead, examples: Sequence[Example], *, closing: int
) -> Iterator[NDArray[np.float32]]:
    """Yield the logits of each example, of shape (n, stages + 1), as the exported network gives them."""
    for start in range(0, len(examples), _AT_ONCE):
        part = examples[start : start + _AT_ONCE]
        vectors = message_vectors(network, [example.pieces for example in part], closing=closing)
        yield from (head.logits(example_vectors, example.speakers) for example_vectors, example in zip(vectors, part, strict=True))


def calibrate(
    given: Iterable[NDArray[np.float32]], examples: Sequence[Example], *, look_alikes: frozenset[str] = frozenset()
) -> Calibrated:
    """Fit a slope and an offset for each stage and for the ages, and then the risk head, to the logits of the examples.

    Stages and ages are calibrated as often as they occur there. The risk is calibrated at even odds and where people meet it, at
    the highest that a conversation reaches; against the ordinary conversations with the ids ``look_alikes``.
    """
    logits = list(given)
    scores, labels = np.concatenate(logits), np.concatenate([example.stages for example in examples])
    young = np.concatenate([example.young for example in examples])
    stages = _platts(scores[:, :-1], labels)
    ages = _platts(scores[:, -1:], young[:, None])
    scored = [
        Scored(
            stages.probability(example_logits[:, :-1]),
            ages.probability(example_logits[:, -1:])[:, 0],
            example.speakers,
            example.groomers,
            example.grooming,
        )
        for example_logits, example in zip(logits, examples, strict=True)
    ]
    risk = against_look_alikes(fit_risk(scored), scored, [example.id in look_alikes for example in examples])
    return Calibrated(stages, ages, risk)


def _look_alikes(conversations: Sequence[LabelledConversation]) -> frozenset[str]:
    """Return the ids of the ordinary conversations that could be taken for grooming."""
    return frozenset(
        conversation.id
        for conversation in conversations
        if conversation.is_grooming is False and conversation.attributes.get("hard") == "true"
    )


def _platts(scores: NDArray[np.floating], labels: NDArray[np.floating]) -> Platt:
    pairs = [_platt(scores[:, column], labels[:, column]) for column in range(scores.shape[1])]
    return Platt(np.asarray([slope for slope, _ in pairs]), np.asarray([offset for _, offset in pairs]))


def _platt(scores: NDArray[np.floating], labels: NDArray[np.floating]) -> tuple[float, float]:
    known = ~np.isnan(labels)
    if len(np.unique(labels[known])) < 2:
        return 1.0, 0.0
    fitted = LogisticRegression(C=10.0).fit(scores[known, None], labels[known])
    slope, offset = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    return (slope, offset) if slope > 0 and math.isfinite(slope) else (1.0, 0.0)
