"""Find the files that ship with Safelight: models, recipes and the taxonomy.

In an installed wheel they lie in ``pipeline/shipped_files/``; in a checkout of the repository, in its folders ``models/`` and
``configs/``. So the commands work from any folder.
"""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.errors import ConfigError, ModelFolderError

MODEL_VARIABLE = "SAFELIGHT_MODEL"
"""The environment variable that names the model where none is given."""

DEFAULT_MODEL = "default"

_PACKAGE = Path(__file__).parent
_FOLDERS = ("models", "configs")


def shipped_files() -> Path:
    """Return the folder that holds ``models/`` and ``configs/``.

    Raises
    ------
    ConfigError
        When the install lacks them.
    """
    for folder in (_PACKAGE / "shipped_files", _PACKAGE.parent):
        if all((folder / name).is_dir() for name in _FOLDERS):
            return folder
    raise ConfigError("the install lacks its models and recipes", where=str(_PACKAGE), do="Install Safelight again from its wheel")


def shipped_models() -> list[str]:
    """Return the names of the models that ship."""
    return sorted(folder.name for folder in (shipped_files() / "models").iterdir() if (folder / "manifest.json").is_file())


def model_path(model: str | Path | None = None) -> Path:
    """Return the folder of a model, given by its path or, where it ships, by its name.

    ``None`` is the model that ``SAFELIGHT_MODEL`` names, or else the default one. A name of a model that ships is that model: write
    ``./default`` for a folder of the same name.

    Raises
    ------
    ModelFolderError
        When it is neither a folder nor the name of a model that ships.
    """
    given = str(model if model is not None else os.environ.get(MODEL_VARIABLE) or DEFAULT_MODEL)
    if _is_name(given) and given in shipped_models():
        return shipped_files() / "models" / given
    path = Path(given).expanduser()
    if not path.exists():
        raise ModelFolderError(
            "there is no such model",
            where=given,
            do=f"Give the path of a model folder, or the name of one that ships: {', '.join(shipped_models())}",
        )
    return path


def config_path(config: str | Path) -> Path:
    """Return a TOML file of settings, given by its path or, where it ships, by its name with or without ``.toml``.

    Raises
    ------
    ConfigError
        When it is neither a file nor the name of one that ships.
    """
    path = Path(config).expanduser()
    if path.is_file():
        return path
    folder = shipped_files() / "configs"
    files = {file.stem: file for file in sorted(folder.rglob("*.toml"))}
    if _is_name(str(config)) and (file := files.get(str(config).removesuffix(".toml"))) is not None:
        return file
    names = sorted(files)
    raise ConfigError(
        "there is no such file", where=str(config), do=f"Give a path, or the name of one that ships: {', '.join(names)}"
    )


def _is_name(text: str) -> bool:
    return Path(text).name == text and text not in ("", ".", "..")
