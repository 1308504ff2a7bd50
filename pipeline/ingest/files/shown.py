"""Names that are shown in place of paths: a copy of a remote export is named by its address."""

from __future__ import annotations

from pathlib import Path

_SHOWN: dict[Path, str] = {}


def show_as(copy: Path, address: str) -> None:
    """Name ``copy``, and all below it, by an address from now on."""
    _SHOWN[copy] = address


def show_no_longer(folder: Path) -> None:
    """Forget the names of what lies below ``folder``."""
    for copy in [copy for copy in _SHOWN if copy.is_relative_to(folder)]:
        del _SHOWN[copy]


def shown(path: Path) -> str:
    """Return the name of a path: itself, or its address where it is a copy."""
    for copy, address in _SHOWN.items():
        if path == copy:
            return address
        if path.is_relative_to(copy):
            return f"{address}/{path.relative_to(copy).as_posix()}"
    return str(path)
