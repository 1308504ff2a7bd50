"""Evaluate a model on labelled conversations, compare it with other models and simpler methods, and run the functional suite.

::

    safelight evaluate --model models/default --corpus data/synthetic --split test --out evaluation/
    safelight evaluate recompute evaluation/ --out again/
    safelight evaluate suite --model models/default
    safelight evaluate drift exports/ --model models/default
    safelight compare models/baseline models/default --corpus data/synthetic --split test
    safelight threshold evaluation/ --budget 50 --per-day 100000 --prevalence 0.001 --out thresholds.json
"""

from pipeline.evaluate.choose_threshold import ThresholdTarget, choose_threshold
from pipeline.evaluate.compare import compare_models, compare_saved
from pipeline.evaluate.dataset_selection import DatasetSelection
from pipeline.evaluate.functional import run_functional_suite
from pipeline.evaluate.run import Evaluation, evaluate, evaluate_saved, track
from pipeline.evaluate.unlabelled import Drift, evaluate_unlabelled

__all__ = [
    "DatasetSelection",
    "Drift",
    "Evaluation",
    "ThresholdTarget",
    "choose_threshold",
    "compare_models",
    "compare_saved",
    "evaluate",
    "evaluate_saved",
    "evaluate_unlabelled",
    "run_functional_suite",
    "track",
]
