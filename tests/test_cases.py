"""Every file of cases/, rebuilt from the traits of public reports, is read as cases.toml says, or refused with what it is."""

from __future__ import annotations

import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from helpers.exports import read_all

from pipeline.errors import SafelightError
from pipeline.schema import Message

FOLDER = Path(__file__).with_name("cases")
CASES: list[dict[str, Any]] = tomllib.loads(FOLDER.with_suffix(".toml").read_text("utf-8"))["case"]
OPTIONS = ("columns", "date_order")


def line(message: Message) -> str:
    return " | ".join([written(message.timestamp), message.speaker or "-", message.kind, message.text])


def written(moment: datetime | None) -> str:
    if moment is None:
        return "-"
    return moment.replace(tzinfo=None).isoformat(" ") + ("Z" if moment.tzinfo else "")


def name_of(case: dict[str, Any]) -> str:
    return f"{case['row']}-{Path(case['input']).name}{'-columns' if 'columns' in case else ''}"


@pytest.mark.parametrize("case", [case for case in CASES if "error" not in case], ids=name_of)
def test_a_case_is_read_whole(case: dict[str, Any]) -> None:
    conversations, log = read_all(FOLDER / case["input"], **{key: case[key] for key in OPTIONS if key in case})
    found = [(one.platform, one.title, [line(message) for message in one.messages]) for one in conversations]
    assert found == [(one["platform"], one.get("title"), one["rows"]) for one in case["conversation"]]
    assert sorted({export.format for export in log.exports}) == case["formats"]
    assert len(log.merged) == case.get("merged", 0)
    assert [Path(one.name).name for one in log.failed] == case.get("failed", [])
    assert [Path(one.name).name for one in log.passed_over] == case.get("passed_over", [])


@pytest.mark.parametrize("case", [case for case in CASES if "warnings" in case], ids=name_of)
def test_what_a_person_should_know_of_a_case_is_said(case: dict[str, Any]) -> None:
    _, log = read_all(FOLDER / case["input"], **{key: case[key] for key in OPTIONS if key in case})
    for expected in case["warnings"]:
        assert any(expected in warning.what for warning in log.warnings)


@pytest.mark.parametrize("case", [case for case in CASES if "error" in case], ids=name_of)
def test_a_case_that_cannot_be_read_says_what_it_is_and_what_to_do(case: dict[str, Any]) -> None:
    with pytest.raises(SafelightError) as caught:
        read_all(FOLDER / case["input"])
    assert case["error"] in caught.value.what
    assert caught.value.do


def test_every_file_belongs_to_a_case() -> None:
    inputs = [FOLDER / case["input"] for case in CASES]
    alone = [file for file in FOLDER.rglob("*") if file.is_file() and not any(file == one or one in file.parents for one in inputs)]
    assert alone == []
