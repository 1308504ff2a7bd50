"""Labelled tables: the same labels from every kind of table, and what a table does not say is not known."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.config import Taxonomy
from pipeline.corpora.open import read_corpora, read_corpus
from pipeline.errors import CorpusError

TIME = "2024-05-01T10:00:00Z"
ROWS: list[dict[str, Any]] = [
    {"conversation_id": "c", "message_id": str(number), "speaker": speaker, "timestamp": TIME,
     "text": text, "stages": stages, "groomer": groomer}
    for number, (speaker, text, stages, groomer) in enumerate(
        [
            ("x", "how old are you", "access", "true"),
            ("y", "why", "", "false"),
            ("x", "our secret, ok", "secrecy;trust", "true"),
        ],
        1,
    )
]  # fmt: skip


def jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def table(folder: Path, kind: str) -> Path:
    path = folder / f"labelled.{kind}"
    if kind == "jsonl":
        lists = [[stage for stage in row["stages"].split(";") if stage] for row in ROWS]
        return jsonl(path, [{**row, "stages": s, "groomer": row["groomer"] == "true"} for row, s in zip(ROWS, lists, strict=True)])
    if kind == "csv":
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, ROWS[0])
            writer.writeheader()
            writer.writerows(ROWS)
        return path
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
        return path
    if kind == "datasets":
        folder = path / "train"
        folder.mkdir(parents=True)
        (path / "dataset_dict.json").write_text('{"splits": ["train"]}')
        (folder / "state.json").write_text("{}")
        rows = pa.Table.from_pylist(ROWS)
        with pa.OSFile(str(folder / "data-00000-of-00001.arrow"), "wb") as sink, pa.ipc.new_stream(sink, rows.schema) as stream:
            stream.write_table(rows)
        return path
    path.mkdir()
    utterances = [
        {
            "id": row["message_id"],
            "conversation_id": "c",
            "speaker": row["speaker"],
            "text": row["text"],
            "reply-to": None,
            "timestamp": None,
            "meta": {"stages": row["stages"], "groomer": row["groomer"]},
        }
        for row in ROWS
    ]
    jsonl(path / "utterances.jsonl", utterances)
    (path / "speakers.json").write_text(json.dumps({"x": {"meta": {}}, "y": {"meta": {}}}))
    (path / "conversations.json").write_text(json.dumps({"c": {"meta": {}}}))
    (path / "corpus.json").write_text("{}")
    (path / "index.json").write_text("{}")
    return path


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet", "datasets", "convokit"])
def test_every_table_gives_the_same_labels(kind: str, tmp_path: Path, taxonomy: Taxonomy) -> None:
    (read,) = read_corpus(table(tmp_path, kind), taxonomy)
    assert read.stages == (frozenset({"access"}), frozenset(), frozenset({"secrecy", "trust"}))
    assert read.groomers == {"x"}
    assert read.is_grooming
    assert read.level == "message"
    assert read.tells == frozenset(taxonomy.keys)
    assert [message.text for message in read.messages] == [row["text"] for row in ROWS]


def test_what_a_table_does_not_say_is_not_known(tmp_path: Path, taxonomy: Taxonomy) -> None:
    rows = [{key: row[key] for key in ("conversation_id", "speaker", "timestamp", "text")} for row in ROWS]
    (plain,) = read_corpus(jsonl(tmp_path / "plain.jsonl", rows), taxonomy)
    assert plain.level == "none"
    assert plain.is_grooming is None
    (whole,) = read_corpus(jsonl(tmp_path / "whole.jsonl", [{**row, "grooming": True} for row in rows]), taxonomy)
    assert whole.level == "conversation"
    assert whole.groomers is None
    assert whole.is_grooming


def test_a_stage_that_the_corpus_cannot_tell_is_missing(tmp_path: Path, taxonomy: Taxonomy) -> None:
    (read,) = read_corpus(jsonl(tmp_path / "a.jsonl", [{**row, "tells": ["access", "secrecy", "trust"]} for row in ROWS]), taxonomy)
    assert read.label(1, "access") is False
    assert read.label(1, "coercion") is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"stages": "flattery"}, "flattery: not a stage"),
        ({"groomer": "perhaps"}, "`groomer` is neither true nor false"),
        ({"stages": 5}, "`stages` is neither a list nor a text"),
    ],
)
def test_a_label_that_is_none_of_ours_is_named_by_its_line(
    change: dict[str, Any], told: str, tmp_path: Path, taxonomy: Taxonomy
) -> None:
    path = jsonl(tmp_path / "a.jsonl", [ROWS[0], {**ROWS[1], **change}])
    with pytest.raises(CorpusError, match=rf"a\.jsonl:2: {told}"):
        list(read_corpus(path, taxonomy))


def test_a_conversation_that_is_called_both_is_an_error(tmp_path: Path, taxonomy: Taxonomy) -> None:
    path = jsonl(tmp_path / "a.jsonl", [{**ROWS[0], "grooming": True}, {**ROWS[1], "grooming": False}])
    with pytest.raises(CorpusError, match="true and false in one conversation"):
        list(read_corpus(path, taxonomy))


def test_one_id_in_two_corpora_is_an_error(tmp_path: Path, taxonomy: Taxonomy) -> None:
    with pytest.raises(CorpusError, match="conversation c stands in"):
        list(read_corpora([jsonl(tmp_path / "a.jsonl", ROWS), jsonl(tmp_path / "b.jsonl", ROWS)], taxonomy))


def test_a_path_without_a_corpus_is_an_error(tmp_path: Path, taxonomy: Taxonomy) -> None:
    with pytest.raises(CorpusError, match="there is no such file or folder"):
        list(read_corpus(tmp_path / "nowhere", taxonomy))


def test_a_folder_that_the_library_itself_saved_is_read(tmp_path: Path, taxonomy: Taxonomy) -> None:
    datasets = pytest.importorskip("datasets")
    rows = [{**row, "stages": [stage for stage in row["stages"].split(";") if stage]} for row in ROWS]
    other = [{**row, "conversation_id": "d"} for row in rows]
    parts = {"train": datasets.Dataset.from_list(rows), "test": datasets.Dataset.from_list(other)}
    datasets.DatasetDict(parts).save_to_disk(str(tmp_path / "saved"))
    read = {one.id: one for one in read_corpus(tmp_path / "saved", taxonomy)}
    assert set(read) == {"c", "d"}
    assert read["c"].stages == (frozenset({"access"}), frozenset(), frozenset({"secrecy", "trust"}))
    assert read["d"].attributes["split"] == "test"


@pytest.mark.parametrize("column", ["stages", "labels", "label", "stage"])
@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("access", {"access"}),
        ("Access", {"access"}),
        ("Deceptive trust; Risk assessment", {"trust", "risk_assessment"}),
        ("RISK-ASSESSMENT|secrecy", {"risk_assessment", "secrecy"}),
        ('["access", "trust"]', {"access", "trust"}),
        ('{"choices": ["access", "trust"]}', {"access", "trust"}),
        ("", set()),
        ("None", set()),
        ("ordinary", set()),
        ("n/a", None),
    ],
)
def test_stages_are_read_as_people_write_them(
    column: str, written: str, expected: set[str] | None, tmp_path: Path, taxonomy: Taxonomy
) -> None:
    rows = [{key: row[key] for key in ("conversation_id", "speaker", "timestamp", "text")} | {column: written} for row in ROWS]
    with (tmp_path / "a.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    (read,) = read_corpus(tmp_path / "a.csv", taxonomy)
    assert set(read.stages) == {None if expected is None else frozenset(expected)}


@pytest.mark.parametrize(
    ("written", "expected"), [("y", True), ("N", False), ("Yes", True), ("0", False), (1, True), (True, True), ("n/a", None)]
)
@pytest.mark.parametrize("column", ["flagged", "label"])
def test_yes_and_no_are_read_as_people_write_them(
    column: str, written: object, expected: bool | None, tmp_path: Path, taxonomy: Taxonomy
) -> None:
    rows = [{key: row[key] for key in ("conversation_id", "speaker", "timestamp", "text")} | {column: written} for row in ROWS]
    (read,) = read_corpus(jsonl(tmp_path / "a.jsonl", rows), taxonomy)
    assert read.flagged == (None if expected is None else frozenset({0, 1, 2}) if expected else frozenset())
    assert set(read.stages) == {None}


def test_a_label_that_is_no_stage_is_answered_with_what_to_write(tmp_path: Path, taxonomy: Taxonomy) -> None:
    rows = [{**{key: row[key] for key in ("conversation_id", "speaker", "timestamp", "text")}, "label": "spam"} for row in ROWS]
    with pytest.raises(CorpusError, match=r"spam: not a stage of .*Choose from access, .*give the column another name"):
        list(read_corpus(jsonl(tmp_path / "a.jsonl", rows), taxonomy))


def task(row: dict[str, Any], *results: Any, **fields: Any) -> dict[str, Any]:
    annotations = [{"id": number, "result": result} for number, result in enumerate(results)]
    return {"id": 1, "data": {key: row[key] for key in ("conversation_id", "speaker", "timestamp", "text")}} | {
        "annotations": annotations,
        **fields,
    }


def chosen(*names: str, control: str = "stages", sort: str = "choices") -> dict[str, Any]:
    return {"from_name": control, "to_name": "text", "type": sort, "value": {sort: list(names)}}


def test_label_studios_json_is_read(tmp_path: Path, taxonomy: Taxonomy) -> None:
    tasks = [
        task(ROWS[0], [chosen("Access"), chosen("yes", control="groomer")]),
        task(ROWS[1], [chosen("trust")], [chosen("none")]),
        task(ROWS[2], [chosen("secrecy", sort="labels"), chosen("trust")]),
    ]
    path = tmp_path / "export.json"
    path.write_text(json.dumps(tasks), "utf-8")
    (read,) = read_corpus(path, taxonomy)
    assert read.stages == (frozenset({"access"}), frozenset(), frozenset({"secrecy", "trust"}))
    assert read.groomers == {"x"}
    assert [message.text for message in read.messages] == [row["text"] for row in ROWS]


@pytest.mark.parametrize(
    ("tasks", "told"),
    [
        ([{"id": 1, "data": {"text": "whisper"}, "annotations": [{"result": []}]}], "has no conversation_id, speaker, timestamp"),
        ([task(ROWS[0], [{"value": 1}])], "not a task as Label Studio writes it"),
    ],
)
def test_a_task_that_cannot_be_read_is_answered_with_what_to_do(
    tasks: list[Any], told: str, tmp_path: Path, taxonomy: Taxonomy
) -> None:
    path = tmp_path / "export.json"
    path.write_text(json.dumps(tasks), "utf-8")
    with pytest.raises(CorpusError, match=rf"record 1: .*{told}") as caught:
        list(read_corpus(path, taxonomy))
    assert "whisper" not in str(caught.value)


@pytest.mark.parametrize("kind", ["jsonl", "label-studio"])
def test_the_columns_of_a_corpus_can_be_named(kind: str, tmp_path: Path, taxonomy: Taxonomy) -> None:
    renamed = [{("body" if key == "text" else key): value for key, value in row.items()} for row in ROWS]
    if kind == "jsonl":
        path = jsonl(tmp_path / "a.jsonl", renamed)
    else:
        path = tmp_path / "a.json"
        path.write_text(json.dumps([{"id": 1, "data": row, "annotations": [{"id": 1, "result": []}]} for row in renamed]), "utf-8")
    (read,) = read_corpora([path], taxonomy, columns={"text": "body"})
    assert [message.text for message in read.messages] == [row["text"] for row in ROWS]


@pytest.mark.parametrize("written", [str.title, str.upper])
def test_the_columns_of_labels_may_be_written_in_any_case(written: Any, tmp_path: Path, taxonomy: Taxonomy) -> None:
    with (tmp_path / "a.csv").open("w", encoding="utf-8", newline="") as stream:
        rows = [{(written(key) if key in ("stages", "groomer") else key): value for key, value in row.items()} for row in ROWS]
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    (read,) = read_corpus(tmp_path / "a.csv", taxonomy)
    assert read.stages == (frozenset({"access"}), frozenset(), frozenset({"secrecy", "trust"}))
    assert read.groomers == {"x"}
