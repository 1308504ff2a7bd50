"""The options that name a model or a recipe, by path or by the name of one that ships."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.shipped import DEFAULT_MODEL, MODEL_VARIABLE

ModelOption = Annotated[
    str, typer.Option("--model", envvar=MODEL_VARIABLE, help="A model folder, or the name of a model that ships.")
]
MODEL = DEFAULT_MODEL

TaxonomyOption = Annotated[str, typer.Option("--taxonomy", help="The stages: a TOML file, or the name of one that ships.")]
TAXONOMY = "taxonomy"
