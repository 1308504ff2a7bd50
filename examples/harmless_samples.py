"""Say what the model makes of the sample chats that are harmless and look alike: ``python examples/harmless_samples.py out``."""

from __future__ import annotations

import sys
from pathlib import Path

from pipeline.results import open_run

HARMLESS = {"fam-es": "a Spanish family hides a surprise present"}
"""Conversations of data/samples."""


def main(folder: Path) -> None:
    """Print a line for each of them that the run has."""
    run = open_run(folder)
    for conversation in run.conversations():
        if conversation.conversation_id not in HARMLESS:
            continue
        what = f"{HARMLESS[conversation.conversation_id]} ({conversation.conversation_id}, risk {conversation.risk:.2f})"
        if conversation.is_alert(run.thresholds):
            print(f"One of these is a false alarm: {what}. So people must read.")  # noqa: T201
        else:
            print(f"Harmless, but near: {what}. A lower threshold makes it a false alarm. So people must read.")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
