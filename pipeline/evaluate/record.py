"""What goes beside the figures so that somebody else can tell what was measured: versions, hashes, counts, settings."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pipeline import __version__
from pipeline.corpora.labelled import LabelledConversation
from pipeline.corpora.split import conversation_hash
from pipeline.evaluate.dataset_selection import DatasetSelection, SelectedDataset
from pipeline.model.folder import ModelFolder
from pipeline.thresholds import Thresholds

_LIBRARIES = ("numpy", "onnxruntime", "openvino", "pyarrow", "tokenizers", "spacy")


def about(
    folder: ModelFolder, selection: DatasetSelection, dataset: SelectedDataset, thresholds: Thresholds, names: dict[str, str]
) -> dict[str, Any]:
    """Return what an evaluation is about; ``names`` are those of the stages, by key."""
    leakage = dataset.leakage
    return {
        **made(),
        "model": {
            "id": folder.id,
            "name": folder.name,
            "kind": folder.kind,
            "files": dict(folder.hashes),
            "thresholds": thresholds.chosen,
        },
        "data": {
            "corpora": [path.name for path in selection.corpus],
            "ordinary": [path.name for path in selection.ordinary],
            "conversations": len(dataset.tested),
            "sha256": data_hash(dataset.tested),
        },
        "settings": {
            "split": selection.split,
            "splits": None if selection.splits is None else selection.splits.name,
            "max_ordinary": selection.max_ordinary,
            "seed": selection.seed,
        },
        "leakage": {
            "policy": selection.leakage,
            "found": len(leakage.ids),
            "same": list(leakage.same),
            "speakers": list(leakage.speakers),
            "alike": list(leakage.alike),
            "in_words": str(leakage),
            "unchecked": leakage.unchecked,
        },
        "stage_names": names,
    }


def made() -> dict[str, Any]:
    """Return when and with what something is computed."""
    return {
        "safelight": __version__,
        "git": git_hash(),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "versions": {name: version for name in _LIBRARIES if (version := _version(name))},
    }


def data_hash(conversations: Sequence[LabelledConversation]) -> str:
    """Return one SHA-256 for the words, speakers and labels of some conversations, whatever their order."""
    return hashlib.sha256("".join(sorted(conversation_hash(conversation) for conversation in conversations)).encode()).hexdigest()


def git_hash() -> str | None:
    """Return the commit that this code is from, with ``+changed`` where files differ from it; ``None`` outside a checkout."""
    root = Path(__file__).parent.parent.parent
    if not (root / ".git").exists():
        return None
    try:
        commit, changed = (
            subprocess.run(["git", "-C", str(root), *command], capture_output=True, text=True, check=False)  # noqa: S603, S607
            for command in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        )
    except FileNotFoundError:
        return None
    return None if commit.returncode else commit.stdout.strip() + ("+changed" if changed.stdout.strip() else "")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
