"""Output appears whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import ResultsError
from pipeline.output import new_folder


def test_nothing_is_left_when_the_work_fails(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), new_folder(tmp_path / "out", overwrite=False, marker="run.json") as folder:
        (folder / "half.txt").write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_old_results_stay_when_the_new_ones_fail(tmp_path: Path) -> None:
    old = tmp_path / "out"
    old.mkdir()
    (old / "run.json").write_text("old")
    with pytest.raises(RuntimeError), new_folder(old, overwrite=True, marker="run.json") as folder:
        (folder / "run.json").write_text("new")
        raise RuntimeError
    assert (old / "run.json").read_text() == "old"
    assert list(tmp_path.iterdir()) == [old]


def test_old_results_are_replaced_only_when_asked(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "out"
    with new_folder(place, overwrite=False, marker="run.json") as folder:
        (folder / "run.json").write_text("first")
    with pytest.raises(ResultsError, match="--overwrite"), new_folder(place, overwrite=False, marker="run.json"):
        pass
    with new_folder(place, overwrite=True, marker="run.json") as folder:
        (folder / "run.json").write_text("second")
    assert (place / "run.json").read_text() == "second"
    assert list(place.parent.iterdir()) == [place]


def test_a_folder_of_somebody_elses_files_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ResultsError, match="holds no run"), new_folder(tmp_path, overwrite=True, marker="run.json"):
        pass
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_file_in_the_way_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    with pytest.raises(ResultsError, match="a file in the way"), new_folder(tmp_path / "out", overwrite=True, marker="run.json"):
        pass
