"""Chat that nobody labelled and that is taken as ordinary: every stage absent, nobody grooms.

Which corpora may be taken so is the user's word, not something a file can say: it costs a figure if it is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pipeline.config import Taxonomy
from pipeline.corpora.labelled import LabelledConversation
from pipeline.corpora.readers.chitchat import is_chitchat, read_chitchat
from pipeline.ingest import ReadLog, ReadOptions, read_conversations


def read_ordinary(path: Path, taxonomy: Taxonomy) -> Iterator[LabelledConversation]:
    """Yield the conversations of a chat export, a table or the chitchat dataset, labelled as ordinary."""
    conversations = read_chitchat(path) if is_chitchat(path) else read_conversations([path], ReadOptions(merge="never"), ReadLog())
    for conversation in conversations:
        loaded = replace(conversation.load(), conversation_id=f"ordinary/{conversation.conversation_id}")
        yield LabelledConversation(
            conversation=loaded,
            stages=tuple(frozenset() for _ in loaded.messages),
            tells=frozenset(taxonomy.keys),
            groomers=frozenset(),
            group=loaded.conversation_id,
            attributes={"situation": "ordinary-chat", "hard": "false"},
        )
