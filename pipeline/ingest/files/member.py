"""What an archive says of a member, whatever sort of archive it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Member:
    """A member. ``special`` is neither a file nor a folder nor a link: a device, for one."""

    name: str
    folder: bool = False
    link: bool = False
    special: bool = False
