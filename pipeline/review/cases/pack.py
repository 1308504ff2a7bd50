"""The pack of a whole case: one signed zip. What nobody decided is in it as a line of the table, without words.

In it: ``case.json`` (conversations, accounts by number, links with reasons, what people said of accounts, patterns),
``timeline.csv``, ``README.txt``, and for each conversation with a decision that holds the files of its referral pack in
``conversations/REFERENCE/``. The notes of the case are in an unredacted pack alone.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from pipeline.errors import ReviewError, SafelightError
from pipeline.results import Run, open_run
from pipeline.review.audit import entries
from pipeline.review.cases.cases import subject_of
from pipeline.review.cases.view import CaseConversation, CaseView, case_view
from pipeline.review.decisions import read_decisions
from pipeline.review.index import require_kept
from pipeline.review.originals import read_originals
from pipeline.review.pack import pack_about, pack_parts, signing_moment
from pipeline.review.records import ConversationKey, Decision
from pipeline.review.referral.signing import reference_of, seal
from pipeline.review.referral.tables import as_json
from pipeline.schema import Conversation

_README = """Pack of case {reference}, {kind}

case.json      conversations, accounts, links and patterns of the case; accounts are numbers
timeline.csv   every conversation of the case in order of time
conversations/ the referral pack of each conversation with a decision that holds: {decided} of {total}

A link says that two accounts may be one person: evidence, never a fact, unless "judgements" says that a person confirmed it.
A pattern is a reason to read, never a finding. A conversation that is not flagged is not cleared.
{without}manifest.json holds the SHA-256 of every file and is signed. Check it: safelight pack verify FILE --key KEY.pub
"""


def make_case_pack(
    connection: Connection,
    case: str,
    *,
    key: Ed25519PrivateKey,
    redacted: bool = True,
    at: datetime | None = None,
    models: Sequence[tuple[str, Any]] | None = None,
) -> bytes:
    """Return the pack of a case, as the bytes of a zip. ``redacted=False`` is for the caller to allow.

    Raises
    ------
    ReviewError
        When there is no such case, or no decision on any of its conversations holds.
    ResultsError
        When a run is not where it was, or a file of it was changed.
    """
    view = case_view(connection, case)
    moment = signing_moment(at)
    opened: dict[str, Run] = {}
    paths = dict(view.runs)
    parts: dict[str, bytes] = {}
    references: dict[int, str] = {}
    without: list[str] = []
    for conversation in view.timeline:
        made = _held(connection, conversation)
        references[conversation.number] = reference_of(key, conversation.run_id, conversation.conversation_id)
        if made is None:
            continue
        about = made[0].key
        run = opened.get(about.run_id) or _open(connection, paths[about.run_id])
        opened[about.run_id] = run
        audit = list(entries(connection, subject=about.subject))
        original = _original(run, about)
        if original is None and run.record["settings"]["text"] != "include":
            without.append(references[conversation.number])
        pack, reference = pack_parts(
            run,
            about.conversation_id,
            decisions=made,
            audit=audit,
            key=key,
            redacted=redacted,
            original=original,
            moment=moment,
            models=models,
        )
        references[conversation.number] = reference
        parts |= {f"conversations/{reference}/{name}": content for name, content in pack.items()}
    if not parts:
        raise ReviewError(
            "no decision on any conversation of the case holds", do="Decide the conversations that should go out first"
        )
    reference = reference_of(key, "case", case) if redacted else case
    decided = len({name.split("/")[1] for name in parts})
    words = f"Their runs kept no words and their exports are gone: {', '.join(without)}.\n" if without else ""
    kind = (
        "REDACTED" if redacted else "NOT REDACTED: it holds names and words of people. Keep it locked, and send it only encrypted."
    )
    read_me = _README.format(reference=reference, kind=kind, decided=decided, total=len(view.conversations), without=words)
    parts["README.txt"] = read_me.encode("utf-8")
    lines = [] if redacted else [asdict(entry) for entry in entries(connection, subject=subject_of(case))]
    parts["case.json"] = as_json(_content(view, references, redacted=redacted) | {"reference": reference, "audit": _plain(lines)})
    parts["timeline.csv"] = _timeline(view, references)
    return seal(parts, pack_about(reference, redacted=redacted), key=key, at=moment)


def _held(connection: Connection, conversation: CaseConversation) -> list[Decision] | None:
    """Return the decisions on a conversation, or on a copy of it in another run, where one of them holds."""
    for number in (conversation.number, *conversation.copies):
        made = list(read_decisions(connection, number=number))
        if any(decision.holds for decision in made):
            return made
    return None


def _open(connection: Connection, path: str) -> Run:
    run = open_run(Path(path))
    require_kept(connection, run)
    return run


def _original(run: Run, about: ConversationKey) -> Conversation | None:
    """Return the conversation of the export, for a run that kept no text; nothing where the export is gone or was changed."""
    if run.record["settings"]["text"] == "include":
        return None
    try:
        return read_originals(run, [about.conversation_id])[about.conversation_id]
    except SafelightError:
        return None


def _content(view: CaseView, references: Mapping[int, str], *, redacted: bool) -> dict[str, Any]:
    readers = {name: f"READER {place}" for place, name in enumerate(dict.fromkeys(made.reader for made in view.judgements), 1)}
    known = dict(references) | {
        copy: references[conversation.number] for conversation in view.conversations for copy in conversation.copies
    }
    return {
        "runs": [run_id for run_id, _ in view.runs],
        "conversations": [
            {
                "reference": references[conversation.number],
                "platform": conversation.platform,
                "messages": conversation.messages,
                "first": conversation.first_at or None,
                "last": conversation.last_at or None,
                "risk": round(conversation.risk, 4),
                "flagged": conversation.flagged,
                "decision": "awaits a second reader" if conversation.awaiting else conversation.state,
                "stages": dict(conversation.stages),
                "accounts": dict(conversation.accounts),
            }
            for conversation in view.timeline
        ],
        "accounts": [
            {
                "account": account.number,
                "platform": account.platform,
                "first": account.first_at or None,
                "last": account.last_at or None,
                "conversations": [references[conversation.number] for conversation in account.conversations],
                "person": list(account.person),
                "priority": account.priority,
                "reasons": list(account.reasons),
            }
            for account in view.accounts
        ],
        "links": [
            {
                "accounts": [link.source, link.target],
                "reason": link.reason,
                "strength": link.strength,
                "words": link.words,
                "evidence": [_place(place, known) for place in link.evidence],
            }
            for link in view.links
        ],
        "judgements": [
            {
                "kind": made.kind,
                "accounts": [made.source, made.target],
                "reader": readers[made.reader] if redacted else made.reader,
                "at": made.at.isoformat(timespec="seconds"),
            }
            for made in view.judgements
        ],
        "patterns": [
            {
                **asdict(pattern),
                "accounts": [{"account": account, "role": role} for account, role in pattern.accounts],
                "conversations": [known[number] for number in pattern.conversations if number in known],
            }
            for pattern in view.patterns
        ],
        "notes": None if redacted else _plain([asdict(note) for note in view.notes]),
        "notes_left_out": len(view.notes) if redacted else 0,
    }


def _place(place: Mapping[str, Any], known: Mapping[int, str]) -> dict[str, Any]:
    return {**place, "conversation": known.get(place["conversation"])}


def _plain(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name: value.isoformat(timespec="seconds") if isinstance(value, datetime) else value for name, value in row.items()}
        for row in rows
    ]


def _timeline(view: CaseView, references: Mapping[int, str]) -> bytes:
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\r\n")
    table.writerow(["first", "last", "conversation", "platform", "accounts", "messages", "risk", "flagged", "stages", "decision"])
    for conversation in view.timeline:
        accounts = " ".join(map(str, dict.fromkeys(conversation.accounts.values())))
        about = [
            conversation.first_at,
            conversation.last_at,
            references[conversation.number],
            conversation.platform,
            accounts,
            conversation.messages,
        ]
        state = "awaits a second reader" if conversation.awaiting else conversation.state
        table.writerow(
            [*about, f"{conversation.risk:.4f}", "yes" if conversation.flagged else "no", " ".join(conversation.stages), state]
        )
    return written.getvalue().encode("utf-8")
