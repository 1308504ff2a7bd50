"""Cases: the list, the purpose for which one is opened, the page of a case and of an account in it, and what is said of them."""

from __future__ import annotations

import hashlib

from fastapi import APIRouter
from starlette.responses import Response

from pipeline.errors import ReviewError
from pipeline.link.tables import TITLES
from pipeline.review.accounts import all_readers
from pipeline.review.audit import append
from pipeline.review.cases.cases import all_cases, is_open, open_case, require_case, subject_of
from pipeline.review.cases.graph import WIDTH, draw
from pipeline.review.cases.identities import IDENTITY_KINDS, IdentityKind, judge, judgements, undo_judgement
from pipeline.review.cases.notes import add_note, finish_task
from pipeline.review.cases.person import PersonView, person_view
from pipeline.review.cases.ranking import in_order, rank_cases
from pipeline.review.cases.strip import Sign, strip
from pipeline.review.cases.view import CaseView, case_view
from pipeline.review.web.app_state import Acting, AppState, Asking, CurrentAppState, Looking, require, to, working

router = APIRouter(prefix="/cases")

_SHOWN = 200
_READ = 50


@router.get("")
def case_list(app_state: CurrentAppState, asking: Looking) -> Response:
    """List the cases, those to be read first first."""
    with app_state.store.reading() as connection:
        cases, ranked = all_cases(connection), rank_cases(connection)
    return app_state.page("cases.html", asking, cases=in_order(cases, ranked), ranked=ranked)


@router.get("/{case}")
def case_page(app_state: CurrentAppState, asking: Looking, case: str) -> Response:
    """Show a case, once it is said what it is opened for."""
    view = _look(app_state, asking, case, "view case")
    if view is None:
        return app_state.page("case_purpose.html", asking, case=case)
    with app_state.store.reading() as connection:
        people = [reader.name for reader in all_readers(connection) if reader.active]
    run_of = {conversation.number: conversation.run_id for conversation in view.conversations}
    about = {
        "shown": _SHOWN,
        "open_runs": app_state.runs,
        "run_of": run_of,
        "packs": app_state.pack_key is not None,
        "titles": TITLES,
    }
    return app_state.page(
        "case_overview.html",
        asking,
        v=view,
        drawing=draw(view),
        width=WIDTH,
        people=people,
        stages=_stage_names(app_state),
        **about,
    )


@router.post("/{case}/open")
def give_purpose(app_state: CurrentAppState, asking: Acting, case: str) -> Response:
    """Note what a case is opened for."""
    with app_state.store.writing() as connection:
        open_case(connection, case, purpose=asking.text("purpose"), actor=asking.reader.name)
    app_state.noted()
    return to(f"/cases/{case}")


@router.get("/{case}/account/{number:int}")
def account_page(app_state: CurrentAppState, asking: Looking, case: str, number: int) -> Response:
    """Show an account of a case: its conversations, its stages over time, who else, links, what people said of it."""
    view = _look(app_state, asking, case, "view account", account=number)
    if view is None:
        return app_state.page("case_purpose.html", asking, case=case)
    account = view.account(number)
    if account is None:
        raise ReviewError("the case has no such account", do="Go back to the case")
    with app_state.store.reading() as connection:
        person = person_view(connection, view, account)
    stages, run_of = _stage_names(app_state), {conversation.number: conversation.run_id for conversation in view.conversations}
    signs, left = _signs(app_state, person)
    drawn = {
        "strip": strip(signs, stages),
        "drawing": draw(view, around=person.numbers),
        "width": WIDTH,
    }
    mine = [made for made in view.judgements if number in (made.source, made.target)]
    about = {"open_runs": app_state.runs, "run_of": run_of, "stages": stages, "links": _links(view, number), "unread": left}
    return app_state.page("account.html", asking, v=view, a=account, p=person, signs=signs, mine=mine, **about, **drawn)


@router.post("/{case}/identity")
def say_identity(app_state: CurrentAppState, asking: Acting, case: str) -> Response:
    """Say of two accounts that they are one person, or two."""
    _require_opened(app_state, asking, case)
    said = asking.text("kind")
    kind: IdentityKind | None = next((kind for kind in IDENTITY_KINDS if kind == said), None)
    if kind is None:
        raise ReviewError("this is nothing that can be said of two accounts", do="Load the page again")
    pair = (_number(asking.text("source")), _number(asking.text("target")))
    with app_state.store.writing() as connection:
        judge(connection, case, kind, pair, reader=asking.reader)
    return _done(app_state, asking, f"/cases/{case}/account/{pair[0]}")


@router.post("/{case}/identity/{judgement:int}/undo")
def take_back(app_state: CurrentAppState, asking: Acting, case: str, judgement: int) -> Response:
    """Take back what was said of two accounts."""
    _require_opened(app_state, asking, case)
    with app_state.store.writing() as connection:
        made = next((candidate for candidate in judgements(connection, case) if candidate.id == judgement), None)
        undo_judgement(connection, case, judgement, reader=asking.reader)
    return _done(app_state, asking, f"/cases/{case}/account/{made.source}" if made else f"/cases/{case}")


@router.post("/{case}/notes")
def keep_note(app_state: CurrentAppState, asking: Acting, case: str) -> Response:
    """Write a note or a task."""
    _require_opened(app_state, asking, case)
    kind = "task" if asking.text("kind") == "task" else "note"
    assignee = asking.text("assignee") or None if kind == "task" else None
    with app_state.store.writing() as connection:
        add_note(connection, case, kind, asking.text("note"), reader=asking.reader, assignee=assignee)
    return _done(app_state, asking, f"/cases/{case}")


@router.post("/{case}/tasks/{task:int}")
def change_task(app_state: CurrentAppState, asking: Acting, case: str, task: int) -> Response:
    """Mark a task as done, or as open again."""
    _require_opened(app_state, asking, case)
    with app_state.store.writing() as connection:
        finish_task(connection, case, task, reader=asking.reader, done=asking.text("done") == "yes")
    return _done(app_state, asking, f"/cases/{case}")


@router.post("/{case}/pack")
def case_pack(app_state: CurrentAppState, asking: Acting, case: str) -> Response:
    """Make the signed pack of the whole case; the unredacted one is a lead's right."""
    from pipeline.review.cases.pack import make_case_pack
    from pipeline.review.referral.signing import read_private_key

    _require_opened(app_state, asking, case)
    redacted = not asking.text("unredacted")
    if not redacted:
        require(asking, "lead")
    if app_state.pack_key is None:
        raise ReviewError("packs are signed, and there is no key", do="Start the review with --pack-key")
    key = read_private_key(app_state.pack_key)
    with app_state.store.reading() as connection:
        content = make_case_pack(connection, case, key=key, redacted=redacted)
    with app_state.store.writing() as connection:
        digest = hashlib.sha256(content).hexdigest()
        append(connection, asking.reader.name, "export case", subject_of(case), redacted=redacted, sha256=digest)
    app_state.noted()
    name = f"case-{case}{'' if redacted else '-unredacted'}.zip"
    return Response(content, media_type="application/zip", headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _look(app_state: AppState, asking: Asking, case: str, action: str, **about: int) -> CaseView | None:
    """Return a case and note the look at it; nothing where no purpose was said in this session."""
    with app_state.store.writing() as connection:
        require_case(connection, case)
        if not is_open(connection, case, actor=asking.reader.name, since=asking.session.started):
            return None
        append(connection, asking.reader.name, action, subject_of(case), sets=None, **about)
        view = case_view(connection, case)
    working(app_state, asking)
    app_state.noted()
    return view


def _require_opened(app_state: AppState, asking: Asking, case: str) -> None:
    with app_state.store.reading() as connection:
        if not is_open(connection, case, actor=asking.reader.name, since=asking.session.started):
            raise ReviewError("a case is opened for a purpose", do="Open the case, and say what for")


def _done(app_state: AppState, asking: Asking, path: str) -> Response:
    working(app_state, asking)
    app_state.noted()
    return to(path)


def _number(text: str) -> int:
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _links(view: CaseView, number: int) -> list[tuple[int, list[object]]]:
    """Return the links of an account, by the account at the other end, the strongest first."""
    by_account: dict[int, list[object]] = {}
    for link in view.links:
        if number in (link.source, link.target):
            by_account.setdefault(link.other(number), []).append(link)
    return list(by_account.items())


def _signs(app_state: AppState, person: PersonView) -> tuple[list[Sign], int]:
    """Return the messages with signs in order of time, and how many conversations were not read for it."""
    signs, left = [], 0
    riskiest = sorted(person.conversations, key=lambda theirs: (-theirs[0].risk, theirs[0].number))
    for place, (conversation, numbers) in enumerate(riskiest):
        if place >= _READ or conversation.run_id not in app_state.runs:
            left += 1
            continue
        slots = {slot for slot, number in conversation.accounts.items() if number in numbers}
        row, run, first_row, _ = app_state.conversation(conversation.number)
        for message in run.messages_at(first_row, row.messages):
            stages = tuple(message.stages_over(run.thresholds)) if message.speaker_slot in slots else ()
            if stages:
                signs.append(Sign(message.timestamp or "", conversation.number, message.position, stages))
    return sorted(signs, key=lambda sign: (not sign.when, sign.when, sign.conversation, sign.position)), left


def _stage_names(app_state: AppState) -> dict[str, tuple[int, str]]:
    """Return the stages of the open runs: key -> place among its taxonomy, and name."""
    return {stage.key: (index, stage.name) for run in app_state.runs.values() for index, stage in enumerate(run.taxonomy.stages)}
