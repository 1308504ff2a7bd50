"""What the page of an account shows: its conversations with those of the accounts that were said to be the same person."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from pipeline.review.case_schema import case_runs, conversation_accounts, conversation_sources
from pipeline.review.cases.view import CaseAccount, CaseConversation, CaseView


@dataclass(frozen=True, slots=True)
class PersonView:
    """An account, and those that people said to be one person with it.

    ``conversations`` go by time, each with the numbers of the person's accounts in it. ``others`` are the other accounts that
    write there, with the conversations. ``elsewhere`` are other cases that hold one of the person's accounts.
    """

    accounts: Sequence[CaseAccount]
    conversations: Sequence[tuple[CaseConversation, Sequence[int]]]
    others: Mapping[int, Sequence[int]]
    elsewhere: Sequence[str]

    @property
    def numbers(self) -> list[int]:
        """The numbers of the accounts."""
        return [account.number for account in self.accounts]

    @property
    def flagged(self) -> int:
        """In how many flagged conversations the person writes."""
        return sum(conversation.flagged for conversation, _ in self.conversations)

    @property
    def first_at(self) -> str:
        """When the person is first seen; empty where no times are known."""
        return min((account.first_at for account in self.accounts if account.first_at), default="")

    @property
    def last_at(self) -> str:
        """When the person is last seen."""
        return max((account.last_at for account in self.accounts if account.last_at), default="")


def person_view(connection: Connection, view: CaseView, account: CaseAccount) -> PersonView:
    """Return what is shown of an account of a case and of the person whose it was said to be."""
    numbers = [account.number, *(number for number in account.person if number != account.number)]
    accounts = [item for number in numbers if (item := view.account(number)) is not None]
    mine = {item.number for item in accounts}
    by_number = {conversation.number: conversation for item in accounts for conversation in item.conversations}
    ordered = sorted(by_number.values(), key=lambda item: (not item.first_at, item.first_at, item.number))
    others: dict[int, list[int]] = {}
    for conversation in ordered:
        for number in sorted(set(conversation.accounts.values()) - mine):
            others.setdefault(number, []).append(conversation.number)
    theirs = [(conversation, sorted(mine & set(conversation.accounts.values()))) for conversation in ordered]
    return PersonView(accounts, theirs, dict(sorted(others.items())), cases_of_accounts(connection, mine, but=view.name))


def cases_of_accounts(connection: Connection, numbers: Collection[int], *, but: str) -> list[str]:
    """Return the other cases that hold one of these accounts, by name."""
    query = (
        select(case_runs.c.case_name)
        .distinct()
        .join(conversation_sources, conversation_sources.c.run_id == case_runs.c.run_id)
        .join(conversation_accounts, conversation_accounts.c.conversation == conversation_sources.c.conversation)
        .where(conversation_accounts.c.account.in_(sorted(numbers)), case_runs.c.case_name != but)
        .order_by(case_runs.c.case_name)
    )
    return list(connection.execute(query).scalars())
