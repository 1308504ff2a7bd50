"""Things that labels are put on."""

from dataclasses import dataclass
from typing import Generic, TypeVar

_T = TypeVar("_T")


@dataclass(frozen=True, order=True)
class EntityT(Generic[_T]):
    type: str
    id: _T
