"""`safelight case …`: runs that belong together, in the review's store."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.console import say
from pipeline.cli.review import STORE, StoreOption, open_existing
from pipeline.errors import ReviewError

if TYPE_CHECKING:
    from pipeline.review.cases.view import CaseView
    from pipeline.review.store import Store

_MOST = 20

app = typer.Typer(help="Keep runs that belong together as one case.", no_args_is_help=True, rich_markup_mode=None)

CaseArgument = Annotated[
    str, typer.Argument(help="The name of the case: a file number, never a person's name.", show_default=False)
]
PurposeOption = Annotated[
    str | None,
    typer.Option(help="What you open the case for; it stays in the audit log. Not needed within 12 hours of `case open`."),
]


@app.command()
def add(
    case: CaseArgument,
    runs: Annotated[list[Path] | None, typer.Argument(help="Folders of finished runs.", show_default=False)] = None,
    links: Annotated[
        Path | None, typer.Option(help="The --out of `safelight link` over all runs of the case; it replaces the one before.")
    ] = None,
    store: StoreOption = STORE,
) -> None:
    """Add runs to a case, made when it is new. What is there already is not added again."""
    if not runs and links is None:
        raise ReviewError("nothing was given to add", do="Give folders of runs, or --links")
    opened = open_existing(store, new=True)
    from pipeline.results import open_unchanged
    from pipeline.review.audit_head import note_head
    from pipeline.review.cases.cases import add_runs
    from pipeline.review.cases.evidence import take_evidence
    from pipeline.review.index import open_in_store
    from pipeline.review.serve import actor_name

    try:
        added = [open_unchanged(path) for path in runs or ()]
        for run in added:
            open_in_store(opened, run, actor=actor_name())
        with opened.writing() as connection:
            new = add_runs(connection, case, added, actor=actor_name()) if added else []
            counts = take_evidence(connection, case, links, actor=actor_name()) if links else {}
        note_head(opened)
    finally:
        opened.close()
    if added:
        say(f"{case}: {_amount(len(new), 'run')} added, {len({run.id for run in added}) - len(new)} were there already")
    if links:
        links_found, patterns = _amount(counts["links"], "link"), _amount(counts["patterns"], "pattern")
        say(f"{case}: {links_found} between accounts that may be one person, {patterns}")


def _amount(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


@app.command("list")
def list_cases(store: StoreOption = STORE) -> None:
    """List the cases, those to be read first first, with the reasons."""
    opened = open_existing(store)
    from pipeline.review.cases.cases import all_cases
    from pipeline.review.cases.ranking import in_order, rank_cases

    try:
        with opened.reading() as connection:
            rows, ranked = all_cases(connection), rank_cases(connection)
    finally:
        opened.close()
    for case in in_order(rows, ranked):
        amounts = (_amount(case.runs, "run"), _amount(case.conversations, "conversation"), _amount(case.accounts, "account"))
        say(f"{case.name}: {', '.join(amounts)}")
        if reasons := ranked[case.name].reasons:
            say(f"  priority {ranked[case.name].priority:.2f}: {' '.join(reason.text for reason in reasons)}")
    say("A priority is an order of reading, never a verdict." if rows else "There is no case. Make one with `safelight case add`.")


@app.command("open")
def open_(
    case: CaseArgument,
    purpose: Annotated[str, typer.Option(help="What you open it for; kept in the audit log for ever. Name nobody from a chat.")],
    store: StoreOption = STORE,
) -> None:
    """Say what you open a case for; it can be shown for 12 hours then."""
    opened = open_existing(store)
    try:
        _require_open(opened, case, purpose)
    finally:
        opened.close()
    say(f"{case}: open for 12 hours")


def _require_open(opened: Store, case: str, purpose: str | None) -> None:
    """Note the purpose where one is given; refuse where none was said lately."""
    from pipeline.review.audit_head import note_head
    from pipeline.review.cases.cases import OPEN_FOR, is_open, open_case, require_case
    from pipeline.review.serve import actor_name

    with opened.writing() as connection:
        require_case(connection, case)
        if purpose is not None:
            open_case(connection, case, purpose=purpose, actor=actor_name())
        elif not is_open(connection, case, actor=actor_name(), since=datetime.now(UTC) - OPEN_FOR):
            raise ReviewError("a case is opened for a purpose", do="Give --purpose, or run `safelight case open` first")
    note_head(opened)


def _view(store: str, case: str, purpose: str | None, action: str) -> CaseView:
    """Return a case, and note the look at it."""
    opened = open_existing(store)
    from pipeline.review.audit import append
    from pipeline.review.audit_head import note_head
    from pipeline.review.cases.cases import subject_of
    from pipeline.review.cases.view import case_view
    from pipeline.review.serve import actor_name

    try:
        _require_open(opened, case, purpose)
        with opened.writing() as connection:
            append(connection, actor_name(), action, subject_of(case))
            view = case_view(connection, case)
        note_head(opened)
    finally:
        opened.close()
    return view


@app.command()
def show(case: CaseArgument, purpose: PurposeOption = None, store: StoreOption = STORE) -> None:
    """Show a case: what to read first, the accounts, links and patterns, and what other cases hold too."""
    view = _view(store, case, purpose, "view case")
    flagged = sum(conversation.flagged for conversation in view.conversations)
    runs, conversations = _amount(len(view.runs), "run"), _amount(len(view.conversations), "conversation")
    say(f"{case}: {runs}, {conversations} ({flagged} flagged), {_amount(len(view.accounts), 'account')}")
    if view.ranked.reasons:
        say(f"priority {view.ranked.priority:.2f}: {' '.join(reason.text for reason in view.ranked.reasons)}")
    if view.not_linked:
        say(f"warning {_amount(view.not_linked, 'run')} came after the links were made: run `safelight link` over all runs again")
    for shared in view.shared:
        say(f"also in {shared.case}: {shared.conversations} conversations, {shared.accounts} accounts")
    _say_accounts(view)
    _say_links(view)
    tasks = [note for note in view.notes if note.kind == "task" and note.done is None]
    say(f"{_amount(sum(note.kind == 'note' for note in view.notes), 'note')}, {_amount(len(tasks), 'open task')}")
    say("A link or a pattern is a reason to read, never a finding.")


def _say_accounts(view: CaseView) -> None:
    reasoned = [account for account in view.accounts if account.reasons]
    say("\nAccounts, to be read first" if reasoned else "\nNo account is to be read before others.")
    for account in reasoned[:_MOST]:
        about = f"{_amount(len(account.conversations), 'conversation')}, {account.flagged} flagged"
        joined = [str(number) for number in account.person if number != account.number]
        same = f", one person with {', '.join(joined)}" if joined else ""
        likely = ", ".join(map(str, view.may_be(account.number)))
        same += f", may be one person with {likely}" if likely else ""
        say(f"{account.priority:.2f}  account {account.number} ({account.platform}): {about}{same}. {' '.join(account.reasons)}")
    if left := len(view.accounts) - len(reasoned[:_MOST]):
        say(f"and {_amount(left, 'account')} more: see them in `safelight review`")


def _say_links(view: CaseView) -> None:
    from pipeline.link.tables import TITLES

    if view.patterns:
        say("\nPatterns, to be read together")
    for pattern in view.patterns[:_MOST]:
        by_role: dict[str, list[str]] = {}
        for number, role in pattern.accounts:
            by_role.setdefault(role, []).append(str(number))
        roles = "; ".join(f"{role} {', '.join(numbers)}" for role, numbers in by_role.items())
        say(f"{pattern.strength:.2f}  {TITLES[pattern.kind]}: {' '.join(pattern.reasons)} Accounts: {roles}.")
    if len(view.patterns) > _MOST:
        say(f"and {len(view.patterns) - _MOST} more")
    if view.links:
        say("\nAccounts that may be one person")
    for link in view.links[:_MOST]:
        said = {"confirm": "one person", "merge": "one person", "split": "two persons"}
        held = f"; {link.judgement.reader} said: {said[link.judgement.kind]}" if link.judgement else ""
        say(f"{link.strength:.2f}  accounts {link.source} and {link.target}: {link.words}{held}")
    if len(view.links) > _MOST:
        say(f"and {len(view.links) - _MOST} more")
    say("")


@app.command()
def timeline(case: CaseArgument, purpose: PurposeOption = None, store: StoreOption = STORE) -> None:
    """Show all conversations of a case in one time line."""
    view = _view(store, case, purpose, "view case")
    for conversation in view.timeline:
        when = f"{conversation.first_at} to {conversation.last_at}" if conversation.first_at else "no times"
        accounts = ", ".join(map(str, dict.fromkeys(conversation.accounts.values())))
        about = [f"no. {conversation.number}", conversation.platform, f"accounts {accounts or 'not known'}"]
        about += [
            f"risk {conversation.risk:.2f}{', flagged' if conversation.flagged else ''}",
            "waits for a second reader" if conversation.awaiting else conversation.state,
        ]
        say(f"{when}  {'; '.join([*about, ', '.join(conversation.stages)]).rstrip('; ')}")


@app.command()
def export(
    case: CaseArgument,
    key: Annotated[Path, typer.Option(help="The key that signs; `safelight pack key` makes one.")],
    out: Annotated[Path, typer.Option(help="The zip to write.")],
    purpose: PurposeOption = None,
    unredacted: Annotated[bool, typer.Option("--unredacted", help="Leave names and words as they are. A lead's decision.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file that is there already.")] = False,
    store: StoreOption = STORE,
) -> None:
    """Write one signed pack of a whole case; the export is noted in the audit log before the file appears."""
    opened = open_existing(store)
    import hashlib

    from pipeline.cli.pack import require_packs
    from pipeline.output import new_file
    from pipeline.review.audit import append
    from pipeline.review.audit_head import note_head
    from pipeline.review.cases.cases import subject_of
    from pipeline.review.serve import actor_name

    require_packs()
    from pipeline.review.cases.pack import make_case_pack
    from pipeline.review.referral.signing import read_private_key

    try:
        signing = read_private_key(key)
        _require_open(opened, case, purpose)
        with opened.reading() as connection:
            pack = make_case_pack(connection, case, key=signing, redacted=not unredacted)
        with new_file(out, overwrite=overwrite) as file:
            file.write_bytes(pack)
            with opened.writing() as connection:
                digest = hashlib.sha256(pack).hexdigest()
                append(connection, actor_name(), "export case", subject_of(case), redacted=not unredacted, sha256=digest)
            note_head(opened)
    finally:
        opened.close()
    say(f"{out}: {'NOT redacted' if unredacted else 'redacted; read it before you send it'}")
