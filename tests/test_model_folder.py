"""A model folder is loaded only when it is whole and unchanged, and never unpickled."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pipeline.errors import ModelFolderError
from pipeline.model.folder import MANIFEST, REQUIRED, seal_model_folder
from pipeline.model.load import load_model


@pytest.fixture
def copy(tiny_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model, tmp_path / "model"))


@pytest.mark.parametrize("name", REQUIRED)
def test_one_changed_byte_is_refused_by_file(copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(ModelFolderError, match=name):
        load_model(copy)


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_file_is_refused_by_name(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(ModelFolderError, match=name):
        load_model(copy)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": "safelight-model/9", "files": {}}', "\udcff"])
def test_a_manifest_that_is_not_ours_is_refused(copy: Path, content: str) -> None:
    (copy / MANIFEST).write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(ModelFolderError):
        load_model(copy)


def test_a_manifest_cannot_name_files_outside_the_folder(copy: Path) -> None:
    manifest = json.loads((copy / MANIFEST).read_text())
    manifest["files"]["../secret"] = "0"
    (copy / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(ModelFolderError, match="outside"):
        load_model(copy)


def test_a_folder_that_is_none_and_a_kind_that_is_unknown_are_clear(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match="no model folder"):
        load_model(tmp_path / "nothing")
    seal_model_folder(copy, kind="something-new", name="x")
    with pytest.raises(ModelFolderError, match="something-new"):
        load_model(copy)


def test_nothing_in_a_model_folder_is_a_pickle(tiny_model: Path) -> None:
    assert {file.suffix for file in tiny_model.iterdir()} == {".json", ".toml", ".md", ".safetensors"}
