"""Fine-tune an encoder with the Hugging Face trainer: one process, or many under ``torchrun``, unchanged."""

from __future__ import annotations

import json
import logging
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate.utils import gather_object
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import nn
from torch.utils.data import Dataset
from transformers import (
    EarlyStoppingCallback,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    set_seed,
)
from transformers.trainer_utils import EvalLoopOutput, get_last_checkpoint
from transformers.utils import SAFE_WEIGHTS_NAME

from evaluation.metrics import average_precision
from pipeline.errors import ConfigError
from pipeline.model.encoder.network import ContextNetwork, MessageNetwork
from pipeline.recipes import EncoderRecipe
from pipeline.training.examples import Example
from pipeline.training.head_warmup import embed, fit_head
from pipeline.training.loss import Masking, TrainingModule, collate, positive_weights, stage_shares
from pipeline.training.open_encoder import Start
from pipeline.training.precision import has_bf16

logger = logging.getLogger(__name__)

_LOSS = 1e-3
"""What the loss counts for beside average precision when an epoch is chosen: little enough to part equals alone."""


_TOLERATED = 0.005
"""Average precision that the mean of epochs may cost where its loss is lower."""


class _Examples(Dataset[Example]):
    def __init__(self, examples: Sequence[Example]) -> None:
        self._examples = list(examples)

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, index: int) -> Example:
        return self._examples[index]


class _TwoRates(Trainer):
    """The trainer with a learning rate of their own for the heads, and the average precision of the stages on validation."""

    head_rate: float = 1e-3

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._told: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []

    def prediction_step(self, model: nn.Module, inputs: dict[str, Any], *_: Any, **__: Any) -> tuple[torch.Tensor, None, None]:
        module = self.accelerator.unwrap_model(model)
        examples = inputs["examples"]
        with torch.no_grad():
            with self.compute_loss_context_manager():
                read = module.predict_logits(examples)
            loss = module.losses(examples, read)["loss"]
        self._told += [(example.stages, logits[:, :-1].cpu().numpy()) for example, logits in zip(examples, read, strict=True)]
        return loss.detach(), None, None

    def evaluation_loop(self, *arguments: Any, **settings: Any) -> EvalLoopOutput:
        self._told = []
        output = super().evaluation_loop(*arguments, **settings)
        gathered = gather_object(self._told)
        precision = macro_average_precision(
            np.concatenate([labels for labels, _ in gathered]), np.concatenate([scores for _, scores in gathered])
        )
        metrics = output.metrics or {}
        quality = precision - metrics["eval_loss"] * _LOSS
        return output._replace(metrics={**metrics, "eval_average_precision": precision, "eval_quality": quality})

    def create_optimizer(self, *_: Any, **__: Any) -> torch.optim.Optimizer:
        if self.optimizer is None:
            groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
            for name, parameter in self.model.named_parameters():  # type: ignore[union-attr]
                if parameter.requires_grad:
                    groups.setdefault((".encoder." in name, parameter.ndim > 1), []).append(parameter)
            self.optimizer = torch.optim.AdamW(
                [
                    {
                        "params": parameters,
                        "lr": self.args.learning_rate if encoder else self.head_rate,
                        "weight_decay": self.args.weight_decay if matrix else 0.0,
                    }
                    for (encoder, matrix), parameters in sorted(groups.items())
                ]
            )
        return self.optimizer


def fit_encoder(
    start: Start,
    recipe: EncoderRecipe,
    train: Sequence[Example],
    validation: Sequence[Example],
    *,
    checkpoints: Path,
    resume: bool = False,
    callbacks: Sequence[TrainerCallback] = (),
    say: Callable[[str], None] = logger.info,
) -> TrainingModule:
    """Train, and return the module of the epoch that ranks the stages of the validation part best, by average precision.

    It is the mean of that and the latest, where the mean is less sure of what it gets wrong (`_average`).

    The loss would choose an earlier one: it grows with how sure the network is of what it gets wrong, which calibration mends.
    Among equals, such as where no stage is labelled, the lower loss chooses: it knows of the risk, too.
    ``checkpoints`` is a folder of its own; with ``resume`` the run goes on from the last one in it, to the same result.
    """
    settings = recipe.training
    shares = stage_shares(train)
    module = new_training_module(start, recipe, positive=positive_weights(shares, cap=recipe.loss.positive))
    module.head.expect([*shares, 0.5])
    last = get_last_checkpoint(str(checkpoints)) if resume and checkpoints.is_dir() else None
    if settings.probe_epochs and not last:
        say("training the context head on the frozen encoder")
        fit_head(module, train, embed(module, train), epochs=settings.probe_epochs, batch=settings.batch, seed=recipe.seed)
    if not settings.epochs:
        return _ended(module, recipe)
    cuda = torch.cuda.is_available()
    epochs = settings.epochs
    steps = math.ceil(len(train) / (settings.batch * settings.gradient_accumulation * settings.evaluations_per_epoch))
    arguments = TrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=epochs,
        per_device_train_batch_size=settings.batch,
        per_device_eval_batch_size=2 * settings.batch,
        gradient_accumulation_steps=settings.gradient_accumulation,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        warmup_steps=int(settings.warmup * steps * settings.evaluations_per_epoch * epochs),
        lr_scheduler_type="linear",
        max_grad_norm=1.0,
        bf16=has_bf16(),
        use_cpu=not cuda,
        seed=recipe.seed,
        data_seed=recipe.seed,
        eval_strategy="steps",
        eval_steps=steps,
        save_strategy="steps",
        save_steps=steps,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="eval_quality",
        greater_is_better=True,
        prediction_loss_only=True,
        logging_steps=max(1, steps // 10),
        remove_unused_columns=False,
        dataloader_num_workers=0,
        dataloader_pin_memory=False,
        report_to=[],
        disable_tqdm=not sys.stderr.isatty(),
    )
    trainer = _TwoRates(
        model=module,
        args=arguments,
        train_dataset=_Examples(train),
        eval_dataset=_Examples(validation),
        data_collator=collate,
        callbacks=[EarlyStoppingCallback(early_stopping_patience=settings.patience), _EpochLine(say), *callbacks],
    )
    trainer.remove_callback(PrinterCallback)  # a line a phase is enough: the curves are in history.json
    trainer.head_rate = settings.head_learning_rate
    if last:
        say(f"going on from {Path(last).name}")
    trainer.train(resume_from_checkpoint=last)
    if settings.average:
        _average(trainer, module, checkpoints, say)
    history = [{"step": entry["step"], **entry} for entry in trainer.state.log_history]
    if trainer.is_world_process_zero():
        (checkpoints / "history.json").write_text(json.dumps(history, indent=1), "utf-8")
    return _ended(module, recipe)


class _EpochLine(TrainerCallback):
    """Says after each evaluation what was measured on the validation part."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Say how far the training is, and how well the network ranks the stages."""
        del control
        metrics = kwargs["metrics"]
        if state.is_world_process_zero and state.epoch is not None and state.global_step:
            figures = f"average precision {metrics['eval_average_precision']:.4f}, loss {metrics['eval_loss']:.3f}"
            self._say(f"epoch {state.epoch:.2g} of {args.num_train_epochs:g}: {figures} on the validation part")


def _ended(module: TrainingModule, recipe: EncoderRecipe) -> TrainingModule:
    if recipe.training.lora_rank:
        module.network.encoder = module.network.encoder.merge_and_unload()
    return module.eval()


def _average(trainer: Trainer, module: TrainingModule, checkpoints: Path, say: Callable[[str], None]) -> None:
    """Take the mean of the weights of the epochs that are kept, the best and the latest, where the loss of validation is lower so.

    It generalises better than either (stochastic weight averaging; Izmailov et al. 2018), and is less sure of what it gets wrong.
    """
    kept = [load_file(path / SAFE_WEIGHTS_NAME) for path in sorted(checkpoints.glob("checkpoint-*"))]
    best = trainer.state.best_model_checkpoint
    if len(kept) < 2 or best is None:
        return
    alone = trainer.evaluate()
    module.load_state_dict({name: torch.stack([state[name] for state in kept]).mean(dim=0) for name in kept[0]}, strict=False)
    mean = trainer.evaluate()
    precision = "eval_average_precision"
    if mean["eval_loss"] >= alone["eval_loss"] or mean[precision] < alone[precision] - _TOLERATED:
        module.load_state_dict(load_file(Path(best) / SAFE_WEIGHTS_NAME), strict=False)
    outcomes = [f"average precision {state[precision]:.4f}, loss {state['eval_loss']:.3f}" for state in (alone, mean)]
    say(f"best epoch: {outcomes[0]}; mean of {len(kept)} epochs: {outcomes[1]}")


def macro_average_precision(labels: NDArray[np.float32], scores: NDArray[np.float32]) -> float:
    """Return the mean average precision of the stages that occur; both are (messages, stages), NaN where a label is not known."""
    areas = []
    for stage_labels, stage_scores in zip(labels.T, scores.T, strict=True):
        known = ~np.isnan(stage_labels)
        areas.append(average_precision(stage_labels[known], stage_scores[known]))
    return 0.0 if np.isnan(areas).all() else float(np.nanmean(areas))


def new_training_module(start: Start, recipe: EncoderRecipe, *, positive: Sequence[float]) -> TrainingModule:
    """Return heads on an encoder, not trained yet; ``positive`` are the weights of the stages."""
    set_seed(recipe.seed)
    head = ContextNetwork(width=start.width, outputs=len(positive) + 1, hidden=recipe.heads.hidden, dropout=recipe.heads.dropout)
    return TrainingModule(
        MessageNetwork(start.encoder),
        head,
        settings=recipe.loss,
        positive=positive,
        chunk_tokens=recipe.training.chunk_tokens,
        closing=start.tokenizer.closing,
        masking=_masking(start, recipe),
        one_speaker=recipe.training.one_speaker,
        teacher_weight=recipe.teacher.weight,
    )


def _masking(start: Start, recipe: EncoderRecipe) -> Masking | None:
    if not recipe.training.masked:
        return None
    if start.mask_id is None:
        raise ConfigError(f"{recipe.encoder} has no mask token", do="Set training.masked to 0")
    return Masking(recipe.training.masked, start.mask_id, start.special)
