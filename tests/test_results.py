"""Rows of results: what is found in them, where an alert begins, what is severe, and how one conversation is looked up."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from pipeline.alerts import first_alert, stages_over
from pipeline.config import Stage, Taxonomy
from pipeline.errors import ResultsError
from pipeline.results import (
    CONVERSATIONS,
    RUN,
    SCORES,
    THRESHOLDS,
    Run,
    ScoredConversation,
    conversations_schema,
    open_run,
    scored_conversations,
    scores_schema,
    stage_column,
)
from pipeline.thresholds import Thresholds

KEYS = ("mild", "grave")
COUNTS = (3, 0, 40, 1, 7)


def taxonomy_of(*severities: int) -> Taxonomy:
    stages = (Stage(key=f"s{n}", name=f"S{n}", definition="d", severity=severity) for n, severity in enumerate(severities))
    return Taxonomy(name="t", version="1", stages=tuple(stages))


def summary(risk: float, stages: Mapping[str, float] | None) -> ScoredConversation:
    keys = tuple(stages or KEYS)
    schema = conversations_schema(keys)
    known = {"conversation_id": "c", "platform": "p", "messages": 1, "speakers": 1, "risk": risk, "skipped": stages is None}
    known |= {stage_column(key): value for key, value in (stages or {}).items()}
    (row,) = scored_conversations(pa.Table.from_pylist([known], schema), keys)
    return row


def test_an_alert_is_the_first_crossing() -> None:
    assert first_alert([0.1, 0.5, 0.9, 0.2], 0.5) == 2
    assert first_alert([0.49], 0.5) is None
    assert first_alert([], 0.5) is None


@pytest.mark.parametrize("risks", [[0.9], np.asarray([0.9]), pa.array([0.9], pa.float64())], ids=["list", "numpy", "arrow"])
def test_a_risk_at_the_threshold_is_an_alert_wherever_it_is_held(risks: list[float]) -> None:
    assert first_alert(risks, 0.9) == 1


def test_a_risk_of_single_precision_is_compared_as_parquet_gives_it_back() -> None:
    held: NDArray[np.float32] = np.asarray([0.9], np.float32)  # a little less than 0.9
    assert first_alert(held, 0.9) == first_alert(held.tolist(), 0.9) is None


def test_a_stage_is_found_at_its_threshold_and_where_none_is_given_when_it_is_sure() -> None:
    probabilities = {"a": 0.5, "b": 0.49, "c": 1.0, "d": 0.99}
    assert stages_over(probabilities, {"a": 0.5, "b": 0.5}) == {"a": 0.5, "c": 1.0}
    assert stages_over(None, {"a": 0.0}) == {}


@pytest.mark.parametrize(
    ("severities", "severe"),
    [
        ((1, 2, 3, 4, 5, 6, 7, 8), {"s4", "s5", "s6", "s7"}),
        ((1, 2, 3, 4, 5), {"s3", "s4"}),  # the middle of an odd number is not in the upper half
        ((1, 2, 3), {"s2"}),
        ((1, 2), {"s1"}),
        ((4,), {"s0"}),  # the most severe that there is
        ((1, 1, 1, 2), {"s3"}),  # stages of one severity are never parted
        ((1, 2, 2, 2), {"s1", "s2", "s3"}),
        ((1, 20, 300, 4000), {"s2", "s3"}),  # an order, no scale
    ],
)
def test_severe_is_the_upper_half_of_the_levels_of_severity(severities: tuple[int, ...], severe: set[str]) -> None:
    assert taxonomy_of(*severities).severe == severe


def test_a_conversation_is_severe_where_it_is_an_alert_and_a_severe_stage_reaches_its_threshold() -> None:
    taxonomy = taxonomy_of(1, 2, 3, 4, 5)
    thresholds = Thresholds(risk=0.5, stages=dict.fromkeys(taxonomy.keys, 0.5))

    def severe(risk: float, stage: str, probability: float) -> bool:
        stages = dict.fromkeys(taxonomy.keys, 0.0) | {stage: probability}
        return summary(risk, stages).is_severe(thresholds, taxonomy)

    assert severe(0.5, "s3", 0.5)
    assert not severe(0.5, "s2", 0.5)
    assert not severe(0.5, "s3", 0.25)
    assert not severe(0.25, "s3", 0.5)
    assert not summary(0.75, None).is_severe(thresholds, taxonomy)


def small_run(path: Path, counts: tuple[int, ...] = COUNTS, *, group: int = 8) -> Run:
    """Write a run of conversations c0, c1 … with these numbers of messages, in row groups that cut through them."""
    path.mkdir()
    names = [f"c{number}" for number, count in enumerate(counts) for _ in range(count)]
    positions = [position for count in counts for position in range(1, count + 1)]
    rows = [
        {"conversation_id": name, "message_id": f"m{position}", "position": position, "kind": "message", "risk": 0.0}
        | {"source_file": "f", stage_column("mild"): 0.25, stage_column("grave"): 0.5}
        for name, position in zip(names, positions, strict=True)
    ]
    summaries = [
        {"conversation_id": f"c{number}", "platform": "p", "messages": count, "speakers": 1, "risk": 0.0}
        for number, count in enumerate(counts)
    ]
    pq.write_table(pa.Table.from_pylist(rows, scores_schema(KEYS)), path / SCORES, row_group_size=group)
    pq.write_table(pa.Table.from_pylist(summaries, conversations_schema(KEYS)), path / CONVERSATIONS, row_group_size=2)
    (path / THRESHOLDS).write_text('{"risk": 0.5, "stages": {}}')
    stages = [{"key": key, "name": key, "definition": "d", "severity": n} for n, key in enumerate(KEYS, 1)]
    taxonomy = Taxonomy.model_validate({"name": "t", "version": "1", "stages": stages})
    (path / RUN).write_text(f'{{"taxonomy": {taxonomy.model_dump_json()}}}')
    return open_run(path)


@pytest.mark.parametrize("group", [1, 8, 100])
def test_each_conversation_is_read_with_its_own_messages_in_the_order_of_the_file(tmp_path: Path, group: int) -> None:
    run = small_run(tmp_path / "run", group=group)
    read = list(run.read(["c4", "elsewhere", "c0", "c1", "c2", "c3", "\udc80"]))
    assert [conversation.conversation_id for conversation, _ in read] == ["c0", "c1", "c2", "c3", "c4"]
    for (conversation, messages), count in zip(read, COUNTS, strict=True):
        assert conversation.messages == len(messages) == count
        assert [message.position for message in messages] == list(range(1, count + 1))
        assert {message.conversation_id for message in messages} <= {conversation.conversation_id}
    (_, messages), *_ = read
    assert messages[0].stages == {"mild": 0.25, "grave": 0.5}


def test_reading_one_conversation_reads_only_the_row_groups_that_hold_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = small_run(tmp_path / "run", (4,) * 100, group=8)
    read: list[int] = []
    whole = pq.ParquetFile.read_row_group

    def counted(file: pq.ParquetFile, group: int, columns: list[str] | None = None) -> pa.Table:
        read.append(file.metadata.row_group(group).num_rows)
        return whole(file, group, columns=columns)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", counted)
    ((_, messages),) = run.read(["c61"])
    assert [message.conversation_id for message in messages] == ["c61"] * 4
    assert sorted(read) == [2, 8]  # a group of conversations and one of scores


def test_rows_past_the_end_are_none(tmp_path: Path) -> None:
    run = small_run(tmp_path / "run")
    total = sum(COUNTS)
    assert [message.position for message in run.messages_at(total - 2, 10)] == [6, 7]
    assert run.messages_at(total, 3) == []
    assert run.conversations_at(len(COUNTS), 1) == []
    assert run.messages_at(0, 0) == []


def test_scores_of_another_run_are_refused(tmp_path: Path) -> None:
    run = small_run(tmp_path / "run")
    small_run(tmp_path / "other", COUNTS[::-1])
    (tmp_path / "other" / SCORES).replace(run.path / SCORES)
    with pytest.raises(ResultsError, match="do not belong together"):
        list(run.read(["c4"]))


@pytest.mark.parametrize("most", [0, 2, 4, 9])
def test_the_riskiest_are_the_first_of_all_by_risk_and_by_id(tmp_path: Path, most: int) -> None:
    run = small_run(tmp_path / "run")
    table = pq.read_table(run.path / CONVERSATIONS)
    risks = pa.array([0.25, 0.75, 0.25, 0.75, 0.5], pa.float32())
    table = table.set_column(table.schema.get_field_index("risk"), table.schema.field("risk"), risks)
    pq.write_table(table, run.path / CONVERSATIONS, row_group_size=2)
    assert run.riskiest(most) == run.conversations()[:most]
    assert [conversation.conversation_id for conversation in run.conversations()] == ["c1", "c3", "c4", "c0", "c2"]
