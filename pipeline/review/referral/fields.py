"""What a report to NCMEC or CEOP asks for, filled where the system knows it and empty where it cannot.

The names of the first list are those of NCMEC's CyberTipline reporting API (``report`` and its children, as publicly
documented); CEOP has a form for people and no public API, so its second list names the form's questions. Nothing here chooses
for the reporter: what kind of incident it is, who is reported and who the child is stays empty or asks to be confirmed, since a
score knows nothing of people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.review.referral.content import Content

CYBERTIPLINE, CEOP = "ncmec_cybertipline", "ceop"

_UNKNOWN = "The system cannot know this; a person fills it in."


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a report: its path, what stands in it, where that is from, and whether a person must confirm it."""

    report: str
    path: str
    value: Any
    source: str
    confirm: bool = True


def report_fields(content: Content) -> dict[str, Any]:
    """Return the reports as nested fields, and a table that says of each field where it is from."""
    fields = [*_cybertipline(content), *_ceop(content)]
    return {
        "format": "safelight-report-fields/1",
        "notice": (
            "A help for filling in a report, not a report. Whether something must be reported, and as what, a person decides. "
            "Fields that are null are for that person. In a redacted pack names and numbers are placeholders: a report needs the "
            "unredacted pack, or the export itself."
        ),
        "redacted": content.redacted,
        CYBERTIPLINE: {"report": _nested(field for field in fields if field.report == CYBERTIPLINE)},
        CEOP: _nested(field for field in fields if field.report == CEOP),
        "mapping": [
            {"report": f.report, "field": f.path, "filled": f.value not in (None, [], ""), "from": f.source, "confirm": f.confirm}
            for f in fields
        ],
    }


def _cybertipline(content: Content) -> Sequence[Field]:
    alert = next((m for m in content.messages if m.position == content.alert), None)
    first = next((m.timestamp for m in content.messages if m.timestamp), None)

    def field(path: str, value: Any, source: str, confirm: bool = True) -> Field:
        return Field(CYBERTIPLINE, path, value, source, confirm)

    def empty(*paths: str) -> list[Field]:
        return [field(path, None, _UNKNOWN) for path in paths]

    return [
        *empty("incidentSummary.incidentType", "incidentSummary.escalateToHighPriority", "incidentSummary.reportAnnotations"),
        field("incidentSummary.platform", content.platform, "platform of the export"),
        field(
            "incidentSummary.incidentDateTime",
            alert.timestamp if alert else first,
            "time of the message at which the risk reached its threshold; else the first",
        ),
        field(
            "incidentSummary.incidentDateTimeDescription",
            f"{'Message ' + str(alert.position) if alert else 'The first message'} of {len(content.messages)}"
            + (f"; the export spans {content.first} to {content.last}" if content.first else ""),
            "messages.csv",
            False,
        ),
        field("internetDetails.chatImIncident.chatClient", content.platform, "platform of the export"),
        field("internetDetails.chatImIncident.chatRoomName", content.title, "title in the export"),
        field("internetDetails.chatImIncident.content", "See messages.csv in the pack.", "fixed words", False),
        field(
            "internetDetails.chatImIncident.additionalInfo", f"Safelight pack {content.reference}", "reference of the pack", False
        ),
        *empty(
            "lawEnforcement.agencyName",
            "lawEnforcement.caseNumber",
            "lawEnforcement.officerContact",
            "reporter.reportingPerson.firstName",
        ),
        *empty(
            "reporter.reportingPerson.lastName",
            "reporter.reportingPerson.email",
            "reporter.contactPerson",
            "reporter.companyTemplate",
            "reporter.legalURL",
        ),
        *_account("personOrUserReported", content, content.risk_slot, field),
        *empty(
            "personOrUserReported.personOrUserReportedPerson.firstName",
            "personOrUserReported.personOrUserReportedPerson.lastName",
            "personOrUserReported.personOrUserReportedPerson.age",
            "personOrUserReported.personOrUserReportedPerson.phone",
            "personOrUserReported.personOrUserReportedPerson.email",
            "personOrUserReported.personOrUserReportedPerson.address",
            "personOrUserReported.profileUrl",
            "personOrUserReported.ipCaptureEvent",
            "personOrUserReported.deviceId",
            "personOrUserReported.estimatedLocation",
            "personOrUserReported.priorCTReports",
            "intendedRecipient",
        ),
        *_account("victim", content, content.other_slot, field),
        *empty(
            "victim.victimPerson.firstName",
            "victim.victimPerson.lastName",
            "victim.victimPerson.age",
            "victim.victimPerson.address",
        ),
        field("additionalInfo", _summary(content), "decision, stages and model of the pack"),
    ]


def _account(path: str, content: Content, slot: str | None, field: Any) -> Sequence[Field]:
    source = (
        f"speaker {slot}: the highest running risk is of this speaker's messages"
        if path == "personOrUserReported"
        else f"speaker {slot}: the only other speaker"
        if slot
        else _UNKNOWN
    )
    name = next((speaker.name for speaker in content.speakers if speaker.slot == slot), None) if slot else None
    return [
        field(f"{path}.espService", content.platform, "platform of the export"),
        field(f"{path}.espIdentifier", None, _UNKNOWN),
        field(f"{path}.screenName", name, source),
        field(f"{path}.additionalInfo", f"Speaker {slot} in this pack" if slot else None, source),
    ]


def _summary(content: Content) -> str:
    summary = ", ".join(f"{name} ({count})" for name, count in content.found) or "none"
    return (
        f"Pack {content.reference}. A person decided: {content.decisions[-1].kind} ({content.decisions[-1].reason}). "
        f"Messages with signs by stage: {summary}. Highest running risk {content.risk:.2f}; it is an order for "
        f"reading, not a chance. "
        f"Model {content.model_name} ({content.model_id}), Safelight {content.version}. What the software cannot know is in "
        "the report."
    )


def _ceop(content: Content) -> Sequence[Field]:
    def field(path: str, value: Any, source: str) -> Field:
        return Field(CEOP, path, value, source)

    name = next((s.name for s in content.speakers if s.slot == content.risk_slot), None)
    return [
        *(
            field(path, None, _UNKNOWN)
            for path in ("who_is_reporting", "reporter_contact", "child_name", "child_age", "child_contact", "is_child_safe_now")
        ),
        field("what_happened", _summary(content), "decision, stages and model of the pack"),
        field("when_it_happened", f"{content.first} to {content.last}" if content.first else None, "times in the export"),
        field("where_online", content.platform, "platform of the export"),
        field(
            "other_person_online_name", name, f"speaker {content.risk_slot}: the highest running risk is of this speaker's messages"
        ),
        *(
            field(path, None, _UNKNOWN)
            for path in ("other_person_real_name", "other_person_age", "other_person_contact", "have_they_met")
        ),
        field("evidence_kept", f"Export with SHA-256 {', '.join(export.sha256 for export in content.exports)}", "run.json"),
    ]


def _nested(fields: Any) -> Mapping[str, Any]:
    tree: dict[str, Any] = {}
    for field in fields:
        *parents, last = field.path.split(".")
        branch = tree
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[last] = field.value
    return tree
