"""Who may be one person: what people said of pairs of accounts. Each judgement is audited and can be taken back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Connection, func, select, update

from pipeline.errors import DecidedMeanwhile, ReviewError
from pipeline.review.audit import append
from pipeline.review.case_schema import case_links, case_runs, conversation_accounts, conversation_sources, identities
from pipeline.review.cases.cases import require_case, subject_of
from pipeline.review.recorded import recorded
from pipeline.review.records import Moderator

IdentityKind = Literal["confirm", "merge", "split"]
"""``confirm``: a link is right; ``merge``: one person without a link; ``split``: two persons, whatever the links say."""

IDENTITY_KINDS: tuple[IdentityKind, ...] = ("confirm", "merge", "split")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a person said of two accounts, of which the first has the lower number."""

    id: int
    kind: IdentityKind
    source: int
    target: int
    reader: str
    at: datetime
    undone: datetime | None


def judge(connection: Connection, case: str, kind: IdentityKind, pair: tuple[int, int], *, reader: Moderator) -> int:
    """Say of two accounts of a case that they are one person, or two; return the judgement's id. An earlier one is taken back.

    Raises
    ------
    ReviewError
        When the accounts are not two of the case, a link to confirm is not there, or another judgement says the contrary.
    """
    require_case(connection, case)
    source, target = min(pair), max(pair)
    if source == target or not {source, target} <= accounts_of_case(connection, case, pair):
        raise ReviewError("these are not two accounts of the case", do="Give two numbers that the page of the case shows")
    links = (case_links.c.case_name == case) & (case_links.c.source == source) & (case_links.c.target == target)
    linked = connection.execute(select(case_links.c.reason).where(links)).first() is not None
    if kind == "confirm" and not linked:
        raise ReviewError("there is no link between these accounts", do="Merge them, if they are one person all the same")
    made = judgements(connection, case)
    before = next((judgement for judgement in made if (judgement.source, judgement.target) == (source, target)), None)
    if before and before.kind == kind:
        return before.id
    others = [judgement for judgement in made if judgement is not before]
    together = persons(others if kind == "split" else [*others, _as_joined(kind, source, target)])
    if kind == "split" and target in together.get(source, ()):
        raise ReviewError("they are joined by way of another account", do="Split one of them from that account first")
    for judgement in others:
        if kind != "split" and judgement.kind == "split" and judgement.target in together.get(judgement.source, ()):
            raise ReviewError(
                f"accounts {judgement.source} and {judgement.target} were said to be two persons, and would become one",
                do="Take that back first, or leave these two apart",
            )
    now = datetime.now(UTC)
    sets = {}
    if before:
        connection.execute(update(identities).where(identities.c.id == before.id).values(undone=now))
        sets[f"identity/{before.id}"] = recorded(undone=now)
    values = {"case_name": case, "kind": kind, "source": source, "target": target, "reader": reader.name, "at": now, "undone": None}
    made_id = connection.execute(identities.insert().values(**values).returning(identities.c.id)).scalar_one()
    sets[f"identity/{made_id}"] = recorded(**values)
    append(connection, reader.name, f"{kind} identity", subject_of(case), sets=sets, accounts=[source, target])
    return made_id


def _as_joined(kind: IdentityKind, source: int, target: int) -> Judgement:
    return Judgement(0, kind, source, target, "", datetime.now(UTC), None)


def undo_judgement(connection: Connection, case: str, judgement: int, *, reader: Moderator) -> None:
    """Take a judgement back: one's own, or a lead another's.

    Raises
    ------
    ReviewError
        When there is none, it was taken back already, or it is another person's.
    """
    made = next((candidate for candidate in judgements(connection, case) if candidate.id == judgement), None)
    if made is None:
        raise DecidedMeanwhile("this was taken back or replaced already", do="Look at what holds now")
    if made.reader != reader.name and not reader.may("lead"):
        raise ReviewError("this is another reader's judgement", do="Ask a lead")
    now = datetime.now(UTC)
    connection.execute(update(identities).where(identities.c.id == judgement).values(undone=now))
    sets = {f"identity/{judgement}": recorded(undone=now)}
    append(connection, reader.name, "undo identity", subject_of(case), sets=sets, accounts=[made.source, made.target])


def judgements(connection: Connection, case: str, *, undone: bool = False) -> list[Judgement]:
    """Return the judgements of a case that hold, by id; ``undone``: those that were taken back too."""
    columns = identities.c
    chosen = (columns.id, columns.kind, columns.source, columns.target, columns.reader, columns.at, columns.undone)
    query = select(*chosen).where(columns.case_name == case).order_by(columns.id)
    if not undone:
        query = query.where(columns.undone.is_(None))
    return [Judgement(*row) for row in connection.execute(query)]


def persons(made: Sequence[Judgement]) -> dict[int, frozenset[int]]:
    """Return for each account that people joined with another all the accounts of that person."""
    groups: dict[int, set[int]] = {}
    for judgement in made:
        if judgement.kind == "split" or judgement.undone is not None:
            continue
        joined = groups.get(judgement.source, {judgement.source}) | groups.get(judgement.target, {judgement.target})
        groups.update(dict.fromkeys(joined, joined))
    return {account: frozenset(group) for account, group in groups.items()}


def accounts_of_case(connection: Connection, case: str, wanted: Iterable[int] | None = None) -> set[int]:
    """Return the accounts that write in the conversations of a case, all or those of the wanted."""
    query = (
        select(func.distinct(conversation_accounts.c.account))
        .join(conversation_sources, conversation_sources.c.conversation == conversation_accounts.c.conversation)
        .join(case_runs, case_runs.c.run_id == conversation_sources.c.run_id)
        .where(case_runs.c.case_name == case)
    )
    if wanted is not None:
        query = query.where(conversation_accounts.c.account.in_(list(wanted)))
    return set(connection.execute(query).scalars())
