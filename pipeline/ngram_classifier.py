"""The stages of single messages by n-grams, with the interface of scikit-learn: ``fit``, ``predict_proba``, ``classes_``.

It wraps what `safelight train` does for the baseline up to the calibration, for experiments on texts alone. It has no risk.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError, SafelightError
from pipeline.recipes import BaselineRecipe

if TYPE_CHECKING:
    from pipeline.model.ngram.ngrams import LinearStages


class NgramClassifier:
    """A logistic regression a stage over TF-IDF n-grams. A message may carry several stages, or none.

    Parameters
    ----------
    recipe
        Which n-grams and how much regularisation; the defaults are those of ``configs/baseline.toml``'s kind.

    Attributes
    ----------
    classes_
        The stages, in the order of the columns of `predict_proba`.
    """

    classes_: tuple[str, ...]

    def __init__(self, recipe: BaselineRecipe | None = None) -> None:
        self.recipe = recipe or BaselineRecipe(name="ngram-classifier")
        self._stages: LinearStages | None = None

    def fit(self, texts: Sequence[str], stages: Sequence[Collection[str]], *, classes: Sequence[str] | None = None) -> Self:
        """Learn from messages. ``stages`` holds the stages of each, ``classes`` their order, or else they are sorted.

        Raises
        ------
        InputError
            When a list is a bare string, the lists are not of one length, or a stage is not among ``classes``.
        CorpusError
            When no message carries a stage, or every one does.
        SafelightError
            When the extra `train` is not installed.
        """
        _check_texts(texts)
        if isinstance(stages, (str, bytes)) or not isinstance(stages, Sequence):
            raise InputError(
                f"stages is a {type(stages).__name__}, not a list", do="Give the stages of each text: [{'secrecy'}, set()]"
            )
        if len(stages) != len(texts):
            raise InputError(
                f"{len(stages)} sets of stages for {len(texts)} texts", do="Give one set for each text, empty for none"
            )
        for place, carried in enumerate(stages):
            if isinstance(carried, (str, bytes)) or not isinstance(carried, Iterable):
                raise InputError(
                    f"stages[{place}] is a {type(carried).__name__}, not a set of stages", do="Give {'secrecy'}, or set() for none"
                )
        stage_names = sorted({stage for carried in stages for stage in carried})
        order = tuple(classes) if classes is not None else tuple(stage_names)
        if unknown := [stage for stage in stage_names if stage not in order]:
            raise InputError(f"unknown stages: {', '.join(map(str, unknown))}", do=f"The classes are {', '.join(order)}")
        if not order:
            raise InputError("no text carries a stage", do="Give the stages of the texts")
        try:
            from pipeline.training.fit_baseline import fit_stages
        except ModuleNotFoundError as error:
            raise SafelightError(f"fit needs {error.name}", do="Install it with: pip install 'safelight[train]'") from error
        labels = np.asarray([[float(stage in carried) for stage in order] for carried in stages], np.float32)
        self._stages = fit_stages(texts, labels, self.recipe, order)
        self.classes_ = order
        return self

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the probability of each stage for each text, of shape (texts, stages). The stages of a text do not exclude others.

        Raises
        ------
        InputError
            When the texts are a bare string, or nothing was learned yet.
        """
        _check_texts(texts)
        if self._stages is None:
            raise InputError("nothing was learned yet", do="Call fit first")
        return 1.0 / (1.0 + np.exp(-np.asarray(self._stages.decision(texts), np.float64)))

    def predict(self, texts: Sequence[str]) -> list[set[str]]:
        """Return the stages whose probability is at least one half, for each text."""
        return [
            {stage for stage, share in zip(self.classes_, row, strict=True) if share >= 0.5} for row in self.predict_proba(texts)
        ]


def _check_texts(texts: object) -> None:
    if isinstance(texts, (str, bytes)) or not isinstance(texts, (Sequence, np.ndarray)):
        raise InputError(f"texts is a {type(texts).__name__}, not a list of strings", do="Give a list, also for one text: [text]")
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"texts[{place}] is a {type(text).__name__}, not a string", do="Give a list of strings")
