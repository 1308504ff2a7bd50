"""Settings: unknown keys are refused, errors name the key and the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import Taxonomy, load_settings
from pipeline.errors import ConfigError
from pipeline.recipes import BaselineRecipe


def test_the_taxonomy_has_what_a_report_needs(taxonomy: Taxonomy) -> None:
    assert len(taxonomy.stages) == 8
    for stage in taxonomy.stages:
        assert stage.definition
        assert stage.indicators
        assert stage.looks_alike
        assert stage.crosswalk


def test_an_unknown_key_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    file.write_text('name = "x"\n[features]\nword_gram = [1, 2]\n')
    with pytest.raises(ConfigError, match=r"r\.toml.*features\.word_gram"):
        load_settings(file, BaselineRecipe)


def test_broken_toml_names_the_line(tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    file.write_text('name = "x"\nseed = = 3\n')
    with pytest.raises(ConfigError, match="line 2"):
        load_settings(file, BaselineRecipe)


def test_a_missing_file_and_bytes_that_are_no_text_are_clear(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path / "none.toml", BaselineRecipe)
    (tmp_path / "b.toml").write_bytes(b'name = "\xff"')
    with pytest.raises(ConfigError, match="UTF-8 at byte 8"):
        load_settings(tmp_path / "b.toml", BaselineRecipe)


def test_overrides_reach_into_tables_and_take_toml_values(tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    file.write_text('name = "x"\n[features]\nmin_messages = 2\n')
    recipe = load_settings(file, BaselineRecipe, overrides=["features.min_messages=5", "name=other", "features.word_ngrams=[1, 3]"])
    assert recipe.features.min_messages == 5
    assert recipe.name == "other"
    assert recipe.features.word_ngrams == (1, 3)


@pytest.mark.parametrize("override", ["features.min_messages", "=3", "features.min_messages.deeper=1", "features.min_messages=-1"])
def test_an_override_that_does_not_fit_is_a_clear_error(tmp_path: Path, override: str) -> None:
    file = tmp_path / "r.toml"
    file.write_text('name = "x"\n[features]\nmin_messages = 2\n')
    with pytest.raises(ConfigError):
        load_settings(file, BaselineRecipe, overrides=[override])


def test_two_stages_of_one_key_are_refused(tmp_path: Path) -> None:
    stage = '[[stages]]\nkey = "a"\nname = "A"\ndefinition = "a"\nseverity = 1\n'
    (tmp_path / "t.toml").write_text(f'name = "t"\nversion = "1"\n{stage}{stage}')
    with pytest.raises(ConfigError, match="same key"):
        load_settings(tmp_path / "t.toml", Taxonomy)
