"""The tables of all runs joined by DuckDB, in bounded memory: what does not fit goes to a folder on disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.errors import ConfigError
from pipeline.link.parts import PARTS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY = "2GB"

_MACROS = """
CREATE MACRO stages_of(mask) AS list_transform(
    list_filter(range(1, len(STAGES) + 1), lambda bit: (mask >> (bit - 1)) & 1 = 1), lambda bit: STAGES[bit]
);
CREATE MACRO span(first, last) AS
    CASE WHEN first IS NULL THEN NULL ELSE [struct_pack("start" := first, "end" := last)] END;
CREATE MACRO reference(message, told, spans) AS struct_pack(
    conversation := message.conversation, account := message.account, position := message.position,
    time := make_timestamp(message.time), stages := stages_of(message.mask), note := told,
    spans := spans::STRUCT("start" INTEGER, "end" INTEGER)[],
    export := message.export_id, line := message.line, row := message.row, source_file := message.file
);
"""
"""``reference`` makes a message reference (`pipeline.link.schemas`) of a row of a table of messages."""

_COPIES = """
DELETE FROM scripts WHERE conversation IN (
    SELECT conversation FROM conversations WHERE fingerprint IS NOT NULL
    QUALIFY export <> first_value(export) OVER (PARTITION BY fingerprint ORDER BY conversation)
)
"""
"""A chat of two exports is one chat: its messages are no copies of one another."""

_ACCOUNTS = """
CREATE TABLE accounts AS
SELECT account, any_value(speaker) AS speaker, any_value(contact) AS contact, any_value(platform) AS platform,
    any_value(export) AS export, any_value(identifier_kind) AS identifier_kind, any_value(name) AS name,
    count(*) AS conversations, sum(messages)::BIGINT AS messages, sum(signs)::BIGINT AS signs, count(*) FILTER (alert) AS alerts,
    max(risk) AS risk, bit_or(mask) AS mask, min(first) AS first, max(last) AS last
FROM takes_part GROUP BY account
"""


@contextmanager
def open_database(folder: Path, *, memory: str = MEMORY) -> Iterator[DuckDBPyConnection]:
    """Open an empty database that asks no network and takes at most so much memory; the rest goes to ``folder``.

    Raises
    ------
    ConfigError
        When DuckDB is not installed, or the memory is no size.
    """
    try:
        import duckdb
    except ModuleNotFoundError as error:
        raise ConfigError("`safelight link` needs DuckDB", do="Install it with: pip install 'safelight[link]'") from error
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory,
        "temp_directory": str(folder / "spilled"),
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    try:
        connection = duckdb.connect(":memory:", config=settings)
    except duckdb.Error as error:
        raise ConfigError(f"--memory {memory} is no size", do="Write for example --memory 4GB") from error
    try:
        yield connection
    finally:
        connection.close()


def load_parts(connection: DuckDBPyConnection, folder: Path, stages: Sequence[str]) -> None:
    """Make tables of what `pipeline.link.collect` left, each conversation once.

    A conversation that stands in two runs is taken from the run with the lowest id, so that the order of runs does not matter.
    """
    for name in PARTS:
        files = f"read_parquet('{_quoted(folder / name)}/*.parquet')"
        if name == "conversations":
            connection.execute(
                f"CREATE TABLE conversations AS SELECT * FROM {files} "  # noqa: S608 - our own names
                "QUALIFY row_number() OVER (PARTITION BY conversation ORDER BY run, run_row) = 1"
            )
        else:
            connection.execute(
                f"CREATE TABLE {name} AS SELECT part.* EXCLUDE (run), whole.export AS export_id FROM {files} AS part "  # noqa: S608
                "JOIN conversations AS whole ON part.conversation = whole.conversation AND part.run = whole.run"
            )
    connection.execute(_COPIES)
    keys = ", ".join(f"'{stage}'" for stage in stages)
    connection.execute(_MACROS.replace("STAGES", f"[{keys}]"))  # keys are plain letters
    connection.execute(_ACCOUNTS)


def rows_of(connection: DuckDBPyConnection, query: str, values: Sequence[Any] | dict[str, Any] = ()) -> list[dict[str, Any]]:
    """Return the rows of a query, by column."""
    result = connection.execute(query, values)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def table_of(connection: DuckDBPyConnection, query: str, schema: pa.Schema) -> pa.Table:
    """Return a query as a table of this schema."""
    return arrow_of(connection, query).select(schema.names).cast(schema)


def arrow_of(connection: DuckDBPyConnection, query: str) -> pa.Table:
    """Return a query as a table, in memory."""
    return connection.sql(query).to_arrow_table()


def _quoted(path: Path) -> str:
    return _sql(str(path))


def _sql(text: str) -> str:
    return text.replace("'", "''")
