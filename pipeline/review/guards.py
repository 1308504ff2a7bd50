"""What makes the database itself refuse to change a line of the audit log: triggers, and the check that they are still there."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, text

_REFUSE = "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"

SQLITE = {
    "audit_keeps_from_update": f"CREATE TRIGGER audit_keeps_from_update BEFORE UPDATE ON audit {_REFUSE}",
    "audit_keeps_from_delete": f"CREATE TRIGGER audit_keeps_from_delete BEFORE DELETE ON audit {_REFUSE}",
    # INSERT OR REPLACE deletes a line without firing the trigger above.
    "audit_keeps_from_replace": "CREATE TRIGGER audit_keeps_from_replace BEFORE INSERT ON audit "  # noqa: S608 - our own words
    f"WHEN NEW.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM audit) {_REFUSE}",
}

_BODY = "BEGIN RAISE EXCEPTION 'the audit log is append-only'; END"

POSTGRESQL = (
    f"CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ {_BODY} $$",
    "DROP TRIGGER IF EXISTS audit_keeps ON audit",
    "CREATE TRIGGER audit_keeps BEFORE UPDATE OR DELETE OR TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
)

_TRIGGER_OF_POSTGRESQL = """
SELECT 1 FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
WHERE t.tgrelid = 'audit'::regclass AND t.tgname = 'audit_keeps' AND t.tgenabled IN ('O', 'A') AND t.tgtype = :kind
AND t.tgqual IS NULL AND t.tgnargs = 0 AND btrim(p.prosrc) = :body
"""

_KIND_OF_POSTGRESQL = 2 | 8 | 16 | 32
"""BEFORE, for each statement, DELETE, UPDATE, TRUNCATE: the bits of ``pg_trigger.tgtype``."""


def set_guards(connection: Connection) -> None:
    """Make the triggers, or make them anew."""
    if connection.dialect.name == "postgresql":
        for statement in POSTGRESQL:
            connection.exec_driver_sql(statement)
        return
    for name, statement in SQLITE.items():
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
        connection.exec_driver_sql(statement)


def missing_guards(connection: Connection) -> Iterator[str]:
    """Yield which triggers are not there as we made them."""
    if connection.dialect.name == "postgresql":
        about = {"kind": _KIND_OF_POSTGRESQL, "body": _BODY}
        if connection.execute(text(_TRIGGER_OF_POSTGRESQL), about).first() is None:
            yield "the trigger audit_keeps, by which the database keeps the audit log, was removed or changed"
        return
    rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"))
    there = {row.name: row.sql for row in rows}
    for name, statement in SQLITE.items():
        if there.pop(name, None) != statement:
            yield f"the trigger {name}, by which the database keeps the audit log, was removed or changed"
    if there:
        yield "the audit log has a trigger that Safelight did not make"
