"""Scoring: an export in, a run folder out, whole or not at all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.errors import ExportError, ModelFolderError, ResultsError, SafelightError
from pipeline.results import open_run
from pipeline.score import Progress, score, slot_name

CHAT = """13/02/2024, 17:02 - Messages and calls are end-to-end encrypted.
13/02/2024, 17:04 - Kim: good game everyone
13/02/2024, 17:05 - Pat: how old are you anyway
13/02/2024, 17:06 - Kim: <Media omitted>
13/02/2024, 17:07 - Pat: this stays our secret ok
second line
13/02/2024, 17:09 - Kim: no, bye
13/02/2024, 17:10 - Pat: This message was deleted
"""


@pytest.fixture
def chat(tmp_path: Path) -> Path:
    file = tmp_path / "in" / "chat.txt"
    file.parent.mkdir()
    file.write_text(CHAT, "utf-8")
    return file


def test_every_row_of_the_export_has_a_row_in_the_results(chat: Path, tiny_model: Path, tmp_path: Path) -> None:
    run = score([chat], model=tiny_model, out=tmp_path / "out", text="include")
    rows = pq.read_table(run.path / "scores.parquet").to_pylist()
    assert [row["kind"] for row in rows] == ["system", "message", "message", "media", "message", "message", "deleted"]
    assert [row["position"] for row in rows] == [1, 2, 3, 4, 5, 6, 7]
    assert [row["speaker_slot"] for row in rows] == [None, "A", "B", "A", "B", "A", "B"]
    assert [row["source_line"] for row in rows] == [1, 2, 3, 4, 5, 7, 8]
    assert rows[4]["text"] == "this stays our secret ok\nsecond line"
    assert rows[4]["speaker"] == "Pat"
    assert rows[0]["stage_access"] is None
    assert rows[6]["stage_access"] is None
    assert rows[2]["stage_access"] > rows[1]["stage_access"]
    assert all(0 <= row["risk"] <= 1 for row in rows)
    assert rows[0]["risk"] == 0


def test_the_conversation_row_is_a_summary_of_its_messages(chat: Path, tiny_model: Path, tmp_path: Path) -> None:
    run = score([chat], model=tiny_model, out=tmp_path / "out")
    rows = pq.read_table(run.path / "scores.parquet").to_pylist()
    (conversation,) = run.conversations()
    risks = [row["risk"] for row in rows]
    assert conversation.risk == max(risks)
    assert conversation.risk_position == risks.index(max(risks)) + 1
    assert conversation.risk_slot == "B"
    assert conversation.messages == 7
    assert conversation.speakers == 2
    assert conversation.stages is not None
    assert conversation.stages["secrecy"] == max(row["stage_secrecy"] or 0 for row in rows)


@pytest.mark.parametrize(("policy", "kept"), [("omit", None), ("hash", 64), ("include", 2)])
def test_text_and_names_stay_out_unless_asked_for(
    chat: Path, tiny_model: Path, tmp_path: Path, policy: str, kept: int | None
) -> None:
    run = score([chat], model=tiny_model, out=tmp_path / "out", text=policy)  # type: ignore[arg-type]
    rows = pq.read_table(run.path / "scores.parquet").to_pylist()
    if policy == "include":
        assert rows[1]["text"] == "good game everyone"
        return
    for file in run.path.iterdir():
        content = file.read_bytes()
        assert b"good game everyone" not in content
        assert b"Kim" not in content
    assert all(row["text"] is None or len(row["text"]) == kept for row in rows)


def test_the_record_says_what_made_the_results(chat: Path, tiny_model: Path, tmp_path: Path) -> None:
    run = score([chat], model=tiny_model, out=tmp_path / "out")
    record = run.record
    assert record["counts"] == {"conversations": 1, "rows": 7, "kinds": {"system": 1, "message": 4, "media": 1, "deleted": 1}}
    assert record["inputs"][0]["format"] == "whatsapp"
    assert len(record["inputs"][0]["sha256"]) == 64
    assert record["model"]["name"] == "tiny"
    assert set(record["versions"]) >= {"safelight", "python", "numpy", "pyarrow"}


def test_the_same_exports_give_the_same_bytes(chat: Path, tiny_model: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        score([chat], model=tiny_model, out=tmp_path / name)
    for name in ("scores.parquet", "conversations.parquet"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_progress_ends_at_the_total(chat: Path, tiny_model: Path, tmp_path: Path) -> None:
    seen: list[Progress] = []
    score([chat], model=tiny_model, out=tmp_path / "out", progress=seen.append)
    assert seen[0] == Progress("reading")
    assert seen[1] == Progress("counting", 1, 1)
    assert seen[2] == Progress("scoring", 0, 7, 0, 1)
    assert seen[-1] == Progress("done", 7, 7, 1, 1)


def test_damage_in_the_only_export_leaves_nothing_behind(chat: Path, tiny_model: Path, tmp_path: Path) -> None:
    chat.write_bytes(CHAT.encode() + b"13/02/2024, 18:00 - Kim: \xff\xfe\n")
    with pytest.raises(ExportError, match=r"chat\.txt:9.*UTF-8"):
        score([chat.parent], model=tiny_model, out=tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


def test_a_changed_model_is_refused_before_anything_is_read(chat: Path, tiny_model: Path, tmp_path: Path) -> None:
    model = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    weights = bytearray((model / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (model / "model.safetensors").write_bytes(weights)
    with pytest.raises(ModelFolderError, match=r"model\.safetensors"):
        score([chat], model=model, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_threshold_file_moves_alerts_and_not_scores(chat: Path, tiny_model: Path, tmp_path: Path) -> None:
    strict = tmp_path / "strict.json"
    strict.write_text(json.dumps({"risk": 1.0, "stages": {}, "chosen": "for the test"}))
    usual = score([chat], model=tiny_model, out=tmp_path / "usual")
    moved = score([chat], model=tiny_model, out=tmp_path / "moved", thresholds=strict)
    assert moved.thresholds.risk == 1.0
    # What is flagged is explained, and only that: the words that carried a sign follow the threshold, no score does.
    tables = [pq.read_table(run.path / "scores.parquet").drop_columns(["words", "cues", "facts", "why"]) for run in (usual, moved)]
    assert tables[0].equals(tables[1])


def test_a_threshold_file_that_is_none_is_a_clear_error(chat: Path, tiny_model: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"risk": 7}')
    with pytest.raises(SafelightError, match="risk"):
        score([chat], model=tiny_model, out=tmp_path / "out", thresholds=wrong)
    with pytest.raises(SafelightError, match=r"none\.json"):
        score([chat], model=tiny_model, out=tmp_path / "out", thresholds=tmp_path / "none.json")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"no finished run: it lacks run\.json"):
        open_run(tmp_path)


def test_speakers_get_letters_in_the_order_they_speak() -> None:
    assert [slot_name(number) for number in (0, 1, 25, 26, 27, 51, 52, 701, 702)] == [
        "A",
        "B",
        "Z",
        "AA",
        "AB",
        "AZ",
        "BA",
        "ZZ",
        "AAA",
    ]
