"""Safelight: finds grooming-stage language in chat exports.

::

    from pipeline import load_model, read_export, score, train, evaluate

See `pipeline.api`; each is imported when it is first asked for. The package keeps the libraries that it stands on from reporting
home: several do so as soon as they are imported.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.api import LoadedModel, evaluate, load_model, read_export, score, train
    from pipeline.ngram_classifier import NgramClassifier

__all__ = ["LoadedModel", "NgramClassifier", "evaluate", "load_model", "read_export", "score", "train"]

__version__ = "0.2.0"

_SILENCED = {"MLFLOW_DISABLE_TELEMETRY": "true", "NNCF_CI": "1", "RAY_USAGE_STATS_ENABLED": "0", "HF_HUB_DISABLE_TELEMETRY": "1"}
for _name, _value in _SILENCED.items():
    os.environ.setdefault(_name, _value)
# OpenVINO has no such switch, and tells Google Analytics of every import; without this package it uses a stub of its own.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]


class _Package(ModuleType):
    """The package, in which `score` and `evaluate` are functions although modules of these names lie in it.

    Python puts a module into its package under its name as soon as it is imported. These two would hide the functions.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in __all__ and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module("pipeline.ngram_classifier" if name == "NgramClassifier" else "pipeline.api"), name)
    setattr(sys.modules[__name__], name, value)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
