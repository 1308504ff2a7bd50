"""Safelight: finds grooming-stage language in chat exports.

Importing it keeps the libraries that it stands on from reporting home: several do so as soon as they are imported.
"""

import os
import sys

__version__ = "0.1.0"

_SILENCED = {"MLFLOW_DISABLE_TELEMETRY": "true", "NNCF_CI": "1", "RAY_USAGE_STATS_ENABLED": "0", "HF_HUB_DISABLE_TELEMETRY": "1"}
for _name, _value in _SILENCED.items():
    os.environ.setdefault(_name, _value)
# OpenVINO has no such switch, and tells Google Analytics of every import; without this package it uses a stub of its own.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
