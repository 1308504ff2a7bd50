"""The referral pack: what is handed to those who can act, as one signed zip.

::

    safelight pack make out user700001 --store review.db --key review-key.pem --out pack.zip
    safelight pack verify pack.zip --key review-key.pem.pub

In it: ``report.html`` and ``report.pdf`` for people, ``messages.csv`` and ``messages.json`` with the place of each message in
the export, ``report-fields.json`` for a CyberTipline or CEOP report, ``coop-items.json`` and ``thread.csv`` for other systems,
``decisions.json``, ``audit.json``, ``run.json`` (model, version, hashes), ``README.txt``, and ``manifest.json`` with every file's
SHA-256, signed with ed25519. Equal input gives equal bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline import __version__
from pipeline.errors import ReviewError
from pipeline.results import Run
from pipeline.review.records import AuditEntry, ConversationKey, Decision
from pipeline.review.referral.build import content_of
from pipeline.review.referral.content import Content
from pipeline.review.referral.fields import report_fields
from pipeline.review.referral.handover import coop_items, thread_table
from pipeline.review.referral.page import render_html, render_pdf
from pipeline.review.referral.signing import reference_of, seal
from pipeline.review.referral.tables import as_json, messages_csv, messages_json
from pipeline.schema import Conversation


def make_pack(
    run: Run,
    conversation_id: str,
    *,
    decisions: Sequence[Decision],
    audit: Sequence[AuditEntry],
    key: Ed25519PrivateKey,
    redacted: bool = True,
    original: Conversation | None = None,
    at: datetime | None = None,
    models: Sequence[tuple[str, Any]] | None = None,
) -> bytes:
    """Return the pack of a decided conversation, as the bytes of a zip.

    Of ``decisions`` and ``audit`` only what concerns the conversation goes in. ``redacted=False`` is for the caller to allow.
    ``original`` is the conversation as `pipeline.review.originals` reads it, for a run that kept no text; without it the pack
    has none. ``at`` is the moment of signing, now when not given; ``models`` are the name finders, all that are installed when
    not given.

    Raises
    ------
    ReviewError
        When the run has no such conversation, or no decision on it holds.
    """
    moment = signing_moment(at)
    parts, reference = pack_parts(
        run,
        conversation_id,
        decisions=decisions,
        audit=audit,
        key=key,
        redacted=redacted,
        original=original,
        moment=moment,
        models=models,
    )
    return seal(parts, pack_about(reference, redacted=redacted), key=key, at=moment)


def signing_moment(at: datetime | None) -> datetime:
    """Return the moment of signing, to the second: now when none is given."""
    return (at or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)


def pack_about(reference: str, *, redacted: bool) -> dict[str, Any]:
    """Return what the manifest says of a pack."""
    return {"reference": reference, "redacted": redacted, "safelight": __version__}


def pack_parts(
    run: Run,
    conversation_id: str,
    *,
    decisions: Sequence[Decision],
    audit: Sequence[AuditEntry],
    key: Ed25519PrivateKey,
    redacted: bool,
    original: Conversation | None,
    moment: datetime,
    models: Sequence[tuple[str, Any]] | None = None,
) -> tuple[dict[str, bytes], str]:
    """Return the files of a pack before they are signed, by name, and the reference of the conversation; see `make_pack`.

    Raises
    ------
    ReviewError
        When the run has no such conversation, or no decision on it holds.
    """
    about = ConversationKey(run.id, conversation_id)
    about_it = [decision for decision in decisions if decision.key == about]
    if not any(decision.holds for decision in about_it):
        raise ReviewError(
            "no decision on the conversation holds",
            do="Decide it first; escalate and refer need a second reader before a pack is made",
        )
    content = content_of(
        run,
        conversation_id,
        decisions=sorted(about_it, key=lambda decision: (decision.holds, decision.at, decision.id)),
        audit=[entry for entry in audit if entry.subject == about.subject],
        reference=reference_of(key, about.run_id, conversation_id),
        original=original,
        redacted=redacted,
        models=models,
    )
    parts = {
        "README.txt": _read_me(content),
        "audit.json": as_json(_audit(content)),
        "coop-items.json": coop_items(content),
        "decisions.json": as_json([asdict(decision) for decision in content.decisions]),
        "messages.csv": messages_csv(content),
        "messages.json": messages_json(content),
        "report-fields.json": as_json(report_fields(content)),
        "report.html": render_html(content, moment),
        "report.pdf": render_pdf(content, moment),
        "run.json": as_json(_run(content)),
        "thread.csv": thread_table(content),
    }
    return parts, content.reference


def _audit(content: Content) -> dict[str, Any]:
    return {
        "notice": (
            "The lines of the audit log that are about this conversation. `hash` and `previous` are those of the whole log, "
            "held by whoever made the pack, who can show with `safelight audit verify` that it is unbroken."
            + (" Names of readers are numbers here, so the hashes cannot be computed from these lines." if content.redacted else "")
        ),
        "entries": [asdict(entry) for entry in content.audit],
    }


def _run(content: Content) -> dict[str, Any]:
    return {
        "safelight": content.version,
        "scored": content.scored,
        "threshold": content.threshold,
        "model": {
            "name": content.model_name,
            "kind": content.model_kind,
            "id": content.model_id,
            "files": dict(content.model_files),
        },
        "exports": [asdict(export) for export in content.exports],
        "limits": list(content.limits),
    }


def _read_me(content: Content) -> bytes:
    text = files("pipeline.review.referral").joinpath("README.txt").read_text("utf-8")
    kind = (
        "REDACTED"
        if content.redacted
        else "NOT REDACTED: it holds names and words of people. Keep it locked, and send it only encrypted."
    )
    limits = "\n".join(f"- {limit}" for limit in content.limits)
    return text.format(
        reference=content.reference, kind=kind, how=content.how_redacted or "Nothing was covered.", limits=limits
    ).encode()
