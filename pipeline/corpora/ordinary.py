"""Chat that nobody labelled and that is taken as ordinary: every stage absent, nobody grooms.

Which corpora may be taken so is the user's word, not something a file can say: it costs a figure if it is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.config import Taxonomy
from pipeline.corpora.labelled import LabelledConversation
from pipeline.ingest import ReadLog, ReadOptions, read_conversations


def read_ordinary(paths: Iterable[Path], taxonomy: Taxonomy) -> Iterator[LabelledConversation]:
    """Yield the conversations of any chat exports or tables, labelled as ordinary."""
    for conversation in read_conversations(paths, ReadOptions(), ReadLog()):
        loaded = conversation.load()
        yield LabelledConversation(
            conversation=loaded,
            stages=tuple(frozenset() for _ in loaded.messages),
            tells=frozenset(taxonomy.keys),
            groomers=frozenset(),
            group=f"ordinary/{loaded.conversation_id}",
            attributes={"situation": "ordinary-chat", "hard": "false"},
        )
