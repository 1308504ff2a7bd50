"""Models and recipes are found by name from any folder, and by path; nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import Taxonomy, load_settings
from pipeline.errors import ConfigError, ModelFolderError
from pipeline.model.folder import open_model_folder
from pipeline.package_data import config_path, model_path, shipped_models


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SAFELIGHT_MODEL", raising=False)


@pytest.mark.parametrize("model", [None, "default"])
def test_the_default_model_is_found_from_any_folder(model: str | None) -> None:
    assert open_model_folder(model_path(model)).name


def test_every_shipped_model_can_be_named() -> None:
    assert "default" in shipped_models()
    for name in shipped_models():
        assert open_model_folder(model_path(name)).path.name == name


def test_the_environment_names_the_model_only_where_none_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.setenv("SAFELIGHT_MODEL", "mine")
    assert model_path() == Path("mine")
    assert model_path("default").parent.name == "models"


def test_a_folder_of_the_name_of_a_shipped_model_needs_a_path(tmp_path: Path) -> None:
    (tmp_path / "default").mkdir()
    assert model_path("default") != Path("default")
    assert model_path("./default").resolve() == tmp_path / "default" or model_path(tmp_path / "default") == tmp_path / "default"


@pytest.mark.parametrize("model", ["nowhere", "../models/nowhere", "models/default", "default/"])
def test_an_unknown_model_is_named_with_those_that_ship(model: str) -> None:
    with pytest.raises(ModelFolderError, match="default"):
        model_path(model)


@pytest.mark.parametrize("config", ["taxonomy", "taxonomy.toml"])
def test_a_recipe_is_found_by_its_name(config: str) -> None:
    assert load_settings(config_path(config), Taxonomy).stages


def test_a_file_in_the_working_folder_comes_before_one_that_ships(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text("", "utf-8")
    assert config_path("tiny.toml") == Path("tiny.toml")


@pytest.mark.parametrize("config", ["nothing", "../configs/tiny", "/tiny", ""])
def test_an_unknown_recipe_is_named_with_those_that_ship(config: str) -> None:
    with pytest.raises(ConfigError, match="taxonomy"):
        config_path(config)
