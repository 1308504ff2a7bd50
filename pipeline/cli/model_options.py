"""The options that name a model or a file of settings, by path or by the name of one that ships."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.package_data import DEFAULT_MODEL, MODEL_VARIABLE, config_path, model_path

NAME_OR_PATH = "NAME|PATH"

ModelOption = Annotated[
    Path,
    typer.Option(
        "--model",
        envvar=MODEL_VARIABLE,
        parser=model_path,
        metavar=NAME_OR_PATH,
        help="A model folder, or the name of a model that ships.",
    ),
]
MODEL = Path(DEFAULT_MODEL)

TaxonomyOption = Annotated[
    Path,
    typer.Option(
        "--taxonomy", parser=config_path, metavar=NAME_OR_PATH, help="The stages: a TOML file, or the name of one that ships."
    ),
]
TAXONOMY = Path("taxonomy")
