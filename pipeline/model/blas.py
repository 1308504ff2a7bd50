"""Matrix products on one core, so that the others stay the network's."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


def on_one_core() -> AbstractContextManager[object]:
    """Return a context in which NumPy's matrix products use one core."""
    return _controller().limit(limits=1, user_api="blas")


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()
