"""Where the conversations of a run came from: export, times, and the account of each speaker in one export."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, select

from pipeline.link.identifiers import Exports
from pipeline.results import Run
from pipeline.review.case_schema import accounts, conversation_accounts, conversation_sources
from pipeline.review.schema import conversation_speakers, conversations
from pipeline.scoring.core import slot_name

_AT_ONCE = 5000


def index_sources(connection: Connection, run: Run, run_id: str) -> None:
    """Write where the conversations of a run came from, and the accounts in them; doing it again writes it anew.

    A conversation is told by its file's SHA-256 and its id there, an account by export, platform and speaker: both are one in two
    runs of one export. An export of many files is one, as in `safelight link`: who writes in two of its chats is one account. Of a
    run that kept no speakers, each speaker of each conversation is an account of its own.
    """
    columns = conversations.c
    connection.execute(delete(conversation_sources).where(conversation_sources.c.run_id == run_id))
    ours = select(columns.number).where(columns.run_id == run_id)
    connection.execute(delete(conversation_accounts).where(conversation_accounts.c.conversation.in_(ours)))
    hashes = {entry["file"]: entry["sha256"] for entry in run.record["inputs"]}
    exports = Exports.of(run.record["inputs"])
    query = select(columns.summary_row, columns.number, columns.platform).where(columns.run_id == run_id)
    known = {row.summary_row: row for row in connection.execute(query)}
    kept = run.record["settings"]["text"] != "omit"
    total = 0
    for scored in run.conversations_as_read(_AT_ONCE):
        sources, of_speakers = [], []
        for row, conversation in enumerate(scored, total):
            if row not in known:
                continue
            number = known[row].number
            file = conversation.source_file or ""
            content = _digest(hashes.get(file) or _digest(run_id, file), conversation.conversation_id)
            export = exports.id_of(file) if file in hashes else _digest(run_id, file)
            times = (conversation.first_timestamp, conversation.last_timestamp)
            first, last = map(comparable, times)
            about = {"export": export, "content": content, "first_at": first, "last_at": last}
            sources.append({"conversation": number, "run_id": run_id, **about})
            if not kept:
                slots = [slot_name(place) for place in range(conversation.speakers)]
                of_speakers += [(number, slot, _digest(content, slot)) for slot in slots]
        if sources:
            connection.execute(conversation_sources.insert(), sources)
        _insert_accounts(connection, of_speakers)
        total += len(scored)
    if kept:
        _accounts_of_speakers(connection, run_id)


def _accounts_of_speakers(connection: Connection, run_id: str) -> None:
    speakers, columns = conversation_speakers.c, conversations.c
    query = (
        select(speakers.conversation, speakers.slot, speakers.speaker, columns.platform, conversation_sources.c.export)
        .join(conversations, columns.number == speakers.conversation)
        .join(conversation_sources, conversation_sources.c.conversation == speakers.conversation)
        .where(columns.run_id == run_id)
        .order_by(speakers.conversation, speakers.slot)
    )
    rows = [(row.conversation, row.slot, _digest(row.export, row.platform, row.speaker)) for row in connection.execute(query).all()]
    for start in range(0, len(rows), _AT_ONCE):
        _insert_accounts(connection, rows[start : start + _AT_ONCE])


def _insert_accounts(connection: Connection, accounts_of_rows: list[tuple[int, str, str]]) -> None:
    """Write who speaks in which conversation: number, slot, and the digest that tells the account."""
    if not accounts_of_rows:
        return
    wanted = list(dict.fromkeys(identity for *_, identity in accounts_of_rows))
    numbers: dict[str, int] = {}
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        query = select(accounts.c.identity, accounts.c.number).where(accounts.c.identity.in_(part))
        numbers |= {row.identity: row.number for row in connection.execute(query)}
    if new := [{"identity": identity} for identity in wanted if identity not in numbers]:
        made = connection.execute(accounts.insert().returning(accounts.c.identity, accounts.c.number), new)
        numbers |= {row.identity: row.number for row in made}
    rows = [{"conversation": number, "slot": slot, "account": numbers[identity]} for number, slot, identity in accounts_of_rows]
    connection.execute(conversation_accounts.insert(), rows)


def comparable(timestamp: str | None) -> str:
    """Return a time that sorts: in UTC where the export has a zone, as written where it has none, empty where there is none."""
    if not timestamp:
        return ""
    try:
        moment = datetime.fromisoformat(timestamp)
    except ValueError:
        return timestamp[:40]
    return (moment.astimezone(UTC) if moment.tzinfo else moment).isoformat(sep=" ", timespec="seconds").replace("+00:00", "Z")


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
