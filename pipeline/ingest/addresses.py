"""Telephone numbers and other addresses, under one name each however they are written."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

_NOT_DIGIT = re.compile(r"[\s\u00a0()./+-]")
_ALIKE = 9
"""Two numbers with the same last nine digits are one, in its national and its international form."""

UNKNOWN = "unknown"
OWNER = "Me"
"""The speaker of what the owner of the phone sent, in exports that do not name the owner."""


class Thread(NamedTuple):
    """A thread's id, and who is in it beside the owner of the phone."""

    id: str
    members: tuple[str, ...]


@dataclass(slots=True)
class Addresses:
    """Remembers under which form each address was met first; holds one entry an address."""

    _first: dict[str, str] = field(default_factory=dict)
    _threads: dict[tuple[str, ...], Thread] = field(default_factory=dict)

    def known(self, address: str) -> str:
        """Return the form in which the address was met first."""
        return self._first.setdefault(_key(address), address.strip())

    def thread(self, address: str) -> Thread:
        """Return the thread of an address, or of several between which ``~`` stands, in any order."""
        members = tuple(dict.fromkeys(self.known(member) for member in address.split("~") if member.strip())) or (UNKNOWN,)
        return self._threads.setdefault(tuple(sorted(members)), Thread("~".join(members), members))


def _key(address: str) -> str:
    digits = _NOT_DIGIT.sub("", address)
    return digits[-_ALIKE:] if digits.isdigit() and len(digits) > _ALIKE else address.strip().casefold()
