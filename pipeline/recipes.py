"""The recipe of a model: what `safelight train` is told by a file in ``configs/``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from pipeline.config import Settings, load_settings, read_toml

Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Range = tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]


class FeatureSettings(Settings):
    """Which n-grams become features."""

    word_ngrams: Range = (1, 2)
    char_ngrams: Range = (2, 5)
    min_messages: Annotated[int, Field(ge=1)] = 2
    max_word_features: Annotated[int, Field(ge=1)] = 20_000
    max_char_features: Annotated[int, Field(ge=1)] = 40_000


class StageSettings(Settings):
    """The logistic regression a stage."""

    inverse_regularisation: Annotated[float, Field(gt=0)] = 4.0
    class_weight: Literal["balanced", "none"] = "balanced"


class HeadSettings(Settings):
    """The context head: neurons of its hidden layer, and what is dropped in training."""

    hidden: Count = 128
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    encoder_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0


class LossSettings(Settings):
    """What counts how much: ``stages``, ``ages`` and ``risk`` weigh the losses, ``positive`` caps the weight of a rare stage."""

    stages: Annotated[float, Field(ge=0)] = 4.0
    ages: Annotated[float, Field(ge=0)] = 0.3
    risk: Annotated[float, Field(ge=0)] = 0.3
    positive: Annotated[float, Field(ge=1)] = 3.0


class TrainingSettings(Settings):
    """How the network is trained.

    In ``probe_epochs`` the context head learns first, on the encoder as it comes; then both in ``epochs``; then in ``refit_epochs``
    the context head anew, on the encoder as it is then, from the ordinary chats of ``cascade.ordinary`` too. A batch is of
    stretches of ``stretch`` messages; ``chunk_tokens`` go through the encoder at once. ``lora_rank`` 0 trains all of it but the
    ``frozen_layers`` and, with ``frozen_embeddings``, the vectors of word pieces; ``masked`` is the share of word pieces that are
    hidden in training, others each time, and ``one_speaker`` that of stretches that are read as if nobody knew who speaks.
    With ``average`` the mean of the epochs kept is tried too.
    """

    probe_epochs: Annotated[int, Field(ge=0)] = 5
    refit_epochs: Annotated[int, Field(ge=0)] = 0
    epochs: Annotated[float, Field(ge=0)] = 2
    batch: Count = 16
    gradient_accumulation: Count = 1
    chunk_tokens: Count = 8192
    learning_rate: Annotated[float, Field(gt=0)] = 4e-5
    head_learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.06
    patience: Count = 2
    average: bool = True
    evaluations_per_epoch: Count = 1
    frozen_layers: Annotated[int, Field(ge=0)] = 0
    frozen_embeddings: bool = True
    lora_rank: Annotated[int, Field(ge=0)] = 0
    masked: Annotated[float, Field(ge=0, lt=1)] = 0.0
    one_speaker: Annotated[float, Field(ge=0, lt=1)] = 0.12
    longest: Count = 400
    stretch: Annotated[int, Field(ge=8)] = 28


class TeacherSettings(Settings):
    """Larger networks that learn first, ``members`` of them (0: none), each from a seed of its own.

    ``weight`` is the share of the loss by which the network learns their probabilities instead of the labels. What is not named
    here is as the recipe says of the network.
    """

    members: Annotated[int, Field(ge=0)] = 0
    layers: Count | None = None
    frozen_layers: Annotated[int, Field(ge=0)] = 0
    encoder_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    epochs: Annotated[float, Field(gt=0)] = 3
    learning_rate: Annotated[float, Field(gt=0)] = 4e-5
    weight: Annotated[float, Field(gt=0, le=1)] = 0.7


class RefitSettings(Settings):
    """How the context head learns again on the frozen network of a model (`safelight train --from`).

    It begins as that model's own head and learns for ``epochs``; then ``own`` is the share that the own head's weights have in the
    mean with those learned. With ``anew``, or where the stages are others, it begins untrained, and there is no mean.
    """

    epochs: Count = 3
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    own: Annotated[float, Field(ge=0, le=1)] = 0.5
    anew: bool = False


class ExportSettings(Settings):
    """What is exported beside the int8 network: with ``torch`` the weights in bf16, for a GPU."""

    torch: bool = False


class CascadeSettings(Settings):
    """How the prefilter of the cascade learns.

    It learns from so many ``ordinary`` chats more than the network, each of its ``members`` in so many ``epochs``.
    """

    ordinary: Annotated[int, Field(ge=0)] = 12_000
    epochs: Count = 8
    members: Count = 8


class SplitSettings(Settings):
    """How a corpus is split when no splits are given: shares of what is labelled; ``together`` names attributes never parted.

    Of ordinary chat ``ordinary_validation`` and ``ordinary_test`` conversations are kept for these parts, at most by the shares.
    """

    train: Share = 0.7
    validation: Share = 0.1
    test: Share = 0.2
    together: tuple[str, ...] = ("situation",)
    ordinary_validation: Annotated[int, Field(ge=0)] = 400
    ordinary_test: Annotated[int, Field(ge=0)] = 1000


class Recipe(Settings):
    """What every recipe says. Of ordinary chat at most ``max_ordinary`` conversations are read, a seeded sample."""

    name: str
    taxonomy: str = "taxonomy.toml"
    seed: int = 0
    max_ordinary: Annotated[int, Field(ge=0)] = 2000
    max_false_positive_rate: Annotated[float, Field(gt=0, lt=1)] = 0.01
    max_hard_false_positive_rate: Annotated[float, Field(gt=0, lt=1)] = 0.1
    splits: SplitSettings = SplitSettings()

    @property
    def rates(self) -> dict[str, float]:
        """The shares of ordinary validation conversations that may be flagged, as `choose_thresholds` takes them."""
        return {"rate": self.max_false_positive_rate, "hard_rate": self.max_hard_false_positive_rate}


class BaselineRecipe(Recipe):
    """What `safelight train` needs to know to train the baseline."""

    kind: Literal["ngram-linear"] = "ngram-linear"
    features: FeatureSettings = FeatureSettings()
    stages: StageSettings = StageSettings()


class EncoderRecipe(Recipe):
    """What `safelight train` needs to know to fine-tune an encoder. ``encoder`` is a name on the Hugging Face hub, or a path.

    Of its ``layers`` the first so many are kept, all of them where no number is given.
    ``baseline`` is the recipe of a baseline that is trained on the same parts and stands beside it in the card.
    """

    kind: Literal["encoder"]
    encoder: str
    layers: Count | None = None
    composition: str | None = None
    baseline: str | None = None
    message_tokens: Annotated[int, Field(ge=4)] = 64
    heads: HeadSettings = HeadSettings()
    loss: LossSettings = LossSettings()
    training: TrainingSettings = TrainingSettings()
    teacher: TeacherSettings = TeacherSettings()
    refit: RefitSettings = RefitSettings()
    export: ExportSettings = ExportSettings()
    cascade: CascadeSettings = CascadeSettings()


def read_recipe(config: Path, *, overrides: Iterable[str] = ()) -> BaselineRecipe | EncoderRecipe:
    """Read a recipe; ``kind`` says what sort it is, the baseline without one.

    Raises
    ------
    ConfigError
        As `load_settings`.
    """
    wanted = EncoderRecipe if read_toml(config).get("kind") == "encoder" else BaselineRecipe
    return load_settings(config, wanted, overrides=overrides)
