"""Results that were changed by hand are refused before anything is read from them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("sqlalchemy", reason="the review needs its extra")

from helpers.reviewed import PLAIN, TURNED, add_people, decided_folder, make_run, opened

from pipeline.config import Taxonomy
from pipeline.errors import ResultsError
from pipeline.results import CONVERSATIONS, DELETED, RUN, SCORES, THRESHOLDS, open_run, open_unchanged
from pipeline.review.erasure import drop_conversations
from pipeline.review.index import require_kept
from pipeline.review.store import open_store
from pipeline.score import score


def say_otherwise(file: Path, column: str, value: object) -> None:
    """Replace a column of a Parquet file, as somebody would who wants another text signed."""
    table = pq.read_table(file)
    number = table.schema.get_field_index(column)
    changed = pa.array([value] * table.num_rows, table.schema.field(number).type)
    pq.write_table(table.set_column(number, table.schema.field(number), changed), file)


def test_the_record_holds_the_hash_of_every_other_file(tiny_model: Path, tmp_path: Path) -> None:
    chat = tmp_path / "chat.txt"
    chat.write_text("13/02/2024, 17:04 - Kim: good game\n13/02/2024, 17:05 - Pat: how old are you\n", "utf-8")
    run = score([chat], model=tiny_model, out=tmp_path / "out")
    others = {file.name for file in run.path.iterdir()} - {RUN}
    assert run.record["files"] == {name: hashlib.sha256((run.path / name).read_bytes()).hexdigest() for name in others}
    say_otherwise(run.path / SCORES, "risk", 0.0)
    with pytest.raises(ResultsError, match=r"scores\.parquet: the file was changed"):
        score([chat], model=tiny_model, out=tmp_path / "next", since=run.path)


@pytest.mark.parametrize(("name", "column"), [(SCORES, "text"), (CONVERSATIONS, "platform")])
def test_a_replaced_column_is_not_opened_shown_or_signed(name: str, column: str, taxonomy: Taxonomy, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", taxonomy, {"dm-1": TURNED, "dm-2": PLAIN})
    open_unchanged(run)
    store = open_store(tmp_path / "review.db")
    say_otherwise(run / name, column, "something else")
    with pytest.raises(ResultsError, match="was changed"):
        open_unchanged(run)
    with pytest.raises(ResultsError, match="was changed"):
        opened(store, run)
    store.close()


@pytest.mark.parametrize(("name", "column"), [(SCORES, "text"), (CONVERSATIONS, "platform")])
def test_the_store_knows_a_run_whose_own_record_was_changed_with_it(
    name: str, column: str, taxonomy: Taxonomy, tmp_path: Path
) -> None:
    folder = decided_folder(tmp_path, taxonomy)
    run = folder / "run"
    say_otherwise(run / name, column, "something else")
    hashes = {file: hashlib.sha256((run / file).read_bytes()).hexdigest() for file in (SCORES, CONVERSATIONS)}
    (run / DELETED).write_text(json.dumps({"files": hashes}))
    open_unchanged(run)  # alone it cannot be told
    store = open_store(folder / "review.db")
    with store.reading() as connection, pytest.raises(ResultsError, match="not the one that this store has decisions on"):
        require_kept(connection, open_run(run))
    with pytest.raises(ResultsError, match="not the one that this store has decisions on"):
        opened(store, run)
    store.close()


def test_a_pack_is_not_signed_with_thresholds_that_the_log_does_not_know(taxonomy: Taxonomy, tmp_path: Path) -> None:
    folder = decided_folder(tmp_path, taxonomy)
    store = open_store(folder / "review.db")
    with store.reading() as connection:
        require_kept(connection, open_run(folder / "run"))
    limits = json.loads((folder / "run" / THRESHOLDS).read_bytes())
    (folder / "run" / THRESHOLDS).write_text(json.dumps(limits | {"risk": 0.01}))
    with store.reading() as connection, pytest.raises(ResultsError, match=THRESHOLDS):
        require_kept(connection, open_run(folder / "run"))
    opened(store, folder / "run")  # which writes it into the log
    with store.reading() as connection:
        require_kept(connection, open_run(folder / "run"))
    store.close()


def test_what_safelight_itself_deletes_is_no_change(taxonomy: Taxonomy, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", taxonomy, {"dm-1": TURNED, "dm-2": PLAIN})
    before = open_run(run).id
    drop_conversations(open_run(run), ["dm-1"])
    assert open_unchanged(run).id == before
    store = open_store(tmp_path / "review.db")
    opened(store, run)
    add_people(store)
    store.close()


@pytest.mark.parametrize("content", ["", "[]", '{"files": 7}', '{"files": [1]}', "{", "[" * 100_000])
def test_a_damaged_note_of_what_was_deleted_is_an_error_with_its_place(content: str, taxonomy: Taxonomy, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", taxonomy, {"dm-1": TURNED, "dm-2": PLAIN})
    (run / DELETED).write_text(content)
    with pytest.raises(ResultsError, match=r"deleted\.json: the record of the files is damaged"):
        open_unchanged(run)
