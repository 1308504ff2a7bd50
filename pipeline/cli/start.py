"""Start a command that scores without what it does not need: it is over soon where an export is small."""

from __future__ import annotations

import gc
import sys
from importlib.abc import MetaPathFinder


class _NoPandas(MetaPathFinder):
    """Says that pandas is not installed."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        """Raise what an import of a missing module raises."""
        del path, target
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname, name=fullname)


_COLLECT_EVERY = 50_000
"""New objects after which Python looks for dead ones. Of its own it does so every 700, and imports make many that all live on."""


def start_lightly() -> None:
    """Set this process up for a command that scores; before its modules are imported."""
    gc.set_threshold(_COLLECT_EVERY, *gc.get_threshold()[1:])
    keep_pandas_out()


def keep_pandas_out() -> None:
    """Let Arrow go without pandas in this process until somebody asks it for a data frame.

    Where pandas is installed, Arrow imports it at the first list that is made a column, to ask whether the list is a series of it:
    a third of a second, for what scoring never has. Arrow asks once, so pandas is out of its sight for that moment.
    """
    if "pandas" in sys.modules:
        return
    import pyarrow as pa

    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(finder)
