"""Train an encoder model: fine-tuned, calibrated on the validation part, exported, measured on the test part."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tomli_w
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from pipeline.config import BaselineRecipe, EncoderRecipe, Taxonomy
from pipeline.corpora.labelled import LabelledConversation
from pipeline.corpora.split import Splits
from pipeline.model.calibration import Platt
from pipeline.model.encoder import KIND, NETWORK, load_encoder, save_heads
from pipeline.model.evidence import EvidenceRisk, rows_of
from pipeline.model.folder import seal_model_folder
from pipeline.model.reference import keep_reference
from pipeline.model.training.after_chat import found_after_chat
from pipeline.model.training.beside import Rival, Suite, by_phrasing, differences, in_single_precision, suite_figures, train_rival
from pipeline.model.training.choose import choose_thresholds
from pipeline.model.training.dealt import Dealt
from pipeline.model.training.examples import Example, make_examples
from pipeline.model.training.export_encoder import export_network, export_torch, quantise
from pipeline.model.training.faithful import faithfulness
from pipeline.model.training.fit_cascade import fit_cascade
from pipeline.model.training.fit_encoder import Start, fit_encoder, open_encoder
from pipeline.model.training.judging import judge
from pipeline.model.training.learning import Learner
from pipeline.model.training.measure_encoder import measure
from pipeline.model.training.piece_vectors import PieceVectors, piece_vectors
from pipeline.output import write_json

_CALIBRATION_BATCHES = 60
_BATCH_WINDOWS = 4


def train_encoder(
    recipe: EncoderRecipe,
    taxonomy: Taxonomy,
    dealt: Dealt,
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
    train = list(_examples([*dealt.train, *dealt.composed], start, recipe, taxonomy))
    validation = list(_examples(dealt.validation, start, recipe, taxonomy))
    tokens = sum(len(window.ids) for example in train for window in example.windows)
    say(f"{len(train):,} conversations to learn from ({len(dealt.composed):,} composed), {tokens:,} tokens")
    vectors = piece_vectors(start) if writes else None  # before training: what was learned is in the network
    learner = fit_encoder(start, recipe, train, validation, checkpoints=checkpoints, resume=resume, say=say)
    if vectors is None:
        return
    say("calibrating and exporting")
    calibration, risk = calibrate(learner, validation)
    save_heads(folder, risk=risk, calibration=calibration, taxonomy=taxonomy, tokenizer=start.tokenizer)
    single = checkpoints / "encoder-fp32.onnx"
    windows = [window for example in train for window in example.windows]
    count = _CALIBRATION_BATCHES * _BATCH_WINDOWS
    spread = [windows[number * len(windows) // count] for number in range(count)]
    export_network(learner.network, single, windows=spread[:_BATCH_WINDOWS])
    quantise(single, folder / NETWORK, windows=[spread[n : n + _BATCH_WINDOWS] for n in range(0, len(spread), _BATCH_WINDOWS)])
    if recipe.export.torch:
        export_torch(learner.network, folder)
    (folder / "config.toml").write_text(tomli_w.dumps(recipe.model_dump(mode="json", exclude_none=True)), "utf-8")
    write_json(folder / "splits.json", splits.model_dump(mode="json"))
    if rival is not None:
        say("training the baseline that stands beside it")
    other = train_rival(dealt, rival, taxonomy, **recipe.rates) if rival is not None else None
    _judge_and_measure(recipe, taxonomy, dealt, folder, vectors, single=single, other=other, suite=suite, say=say)


def wait_for_the_others() -> None:
    """Wait until every process of a training is here, so that none leaves before the model is written."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()


def _judge_and_measure(
    recipe: EncoderRecipe,
    taxonomy: Taxonomy,
    dealt: Dealt,
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
    (folder / "MODEL_CARD.md").write_text("", "utf-8")
    model = load_encoder(seal_model_folder(folder, kind=KIND, name=recipe.name))
    (folder / "manifest.json").unlink()
    say("choosing thresholds on the validation part")
    validation = judge(dealt.validation, model)
    thresholds = choose_thresholds(validation, taxonomy.keys, **recipe.rates)
    keep_reference(folder, dealt.validation, [one.peak for one in validation], threshold=thresholds.risk)
    say("measuring on the test part")
    judged = judge(dealt.test, model)
    say("fitting the first pass of the cascade")
    first = fit_cascade(
        dealt, model, thresholds, recipe.cascade, vectors=vectors, validation=validation, test=judged, seed=recipe.seed
    )
    first.save(folder)
    more = {
        "explanations": faithfulness(dealt.test, model, thresholds, seed=recipe.seed),
        "cascade": dict(first.figures),
        "after_chat": found_after_chat(dealt.test, model, thresholds.risk, seed=recipe.seed),
        "phrasing": by_phrasing(judged, dealt.test, dealt.train, thresholds),
        "single_precision": differences(judge(dealt.test, in_single_precision(model, single)), thresholds, judged, thresholds),
    }
    more["baseline"] = (
        differences(judge(dealt.test, other.model), other.thresholds, judged, thresholds) if other is not None else None
    )
    more["suite"] = suite_figures(suite(model, thresholds)) if suite is not None else None
    more["baseline_suite"] = (
        suite_figures(suite(other.model, other.thresholds)) if suite is not None and other is not None else None
    )
    measured = measure(judged, dealt, recipe, taxonomy, thresholds, more=more)
    write_json(folder / "thresholds.json", thresholds.model_dump(mode="json"))
    write_json(folder / "metrics.json", measured.metrics)
    (folder / "MODEL_CARD.md").write_text(measured.card, "utf-8")


def _examples(
    conversations: Sequence[LabelledConversation], start: Start, recipe: EncoderRecipe, taxonomy: Taxonomy
) -> Sequence[Example]:
    return list(make_examples(conversations, start.encoding, stages=taxonomy.keys, longest=recipe.training.longest))


def calibrate(learner: Learner, examples: Sequence[Example]) -> tuple[Platt, EvidenceRisk]:
    """Fit a slope and an offset for each stage and for the risk, on conversations that the network did not learn from.

    Stages are calibrated as often as they occur there. The risk is calibrated at even odds and where people meet it, at the highest
    that a conversation reaches, of any speaker: conversations with grooming weigh as much as all others.
    """
    logits: list[NDArray[np.float32]] = []
    risks: list[float] = []
    grooms: list[int] = []
    head = _numpy_head(learner)
    with torch.inference_mode():
        for start in range(0, len(examples), 16):
            batch = examples[start : start + 16]
            for example, (stage, evidence) in zip(batch, learner.read(batch), strict=True):
                logits.append(stage.cpu().numpy())
                if example.grooming is not None:
                    told = evidence.cpu().numpy()
                    risks.append(max(float(head.logits(told[rows]).max()) for rows in rows_of(example.speakers)))
                    grooms.append(int(example.grooming))
    scores, labels = np.concatenate(logits), np.concatenate([example.stages for example in examples])
    pairs = [_platt(scores[:, column], labels[:, column], even=False) for column in range(scores.shape[1])]
    slope, offset = _platt(np.asarray(risks), np.asarray(grooms, float), even=True)
    calibration = Platt(np.asarray([pair[0] for pair in pairs]), np.asarray([pair[1] for pair in pairs]))
    return calibration, EvidenceRisk(
        head.first_weight, head.first_bias, head.second_weight, head.second_bias, slope=slope, offset=offset
    )


def _platt(scores: NDArray[np.floating], labels: NDArray[np.floating], *, even: bool) -> tuple[float, float]:
    known = ~np.isnan(labels)
    if len(np.unique(labels[known])) < 2:
        return 1.0, 0.0
    fitted = LogisticRegression(C=10.0, class_weight="balanced" if even else None).fit(scores[known, None], labels[known])
    slope, offset = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    return (slope, offset) if slope > 0 and math.isfinite(slope) else (1.0, 0.0)


def _numpy_head(learner: Learner) -> EvidenceRisk:
    weights = {name: tensor.detach().cpu().float().numpy() for name, tensor in learner.risk.state_dict().items()}
    return EvidenceRisk(
        weights["first.weight"], weights["first.bias"], weights["second.weight"], weights["second.bias"], slope=1.0, offset=0.0
    )
