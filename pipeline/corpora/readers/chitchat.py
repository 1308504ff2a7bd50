"""The chitchat dataset (Will Myers 2018, MIT): real two-person chats of students, in the PyPI package ``chitchat-dataset``.

::

    {"<id>": {"messages": [[{"text": …, "timestamp": "2018-05-02T19:38:15Z", "sender": …}, …], …], "ratings": …, …}, …}

The inner lists are turns. Only ``dataset.json`` of the wheel is read; the package is neither imported nor needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from pipeline.ingest import ReadLog
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.parsing.json_stream import read_members
from pipeline.ingest.parsing.shape import shaped, string
from pipeline.ingest.times.parse import from_iso
from pipeline.schema import Conversation, Message, Source


def is_chitchat(path: Path) -> bool:
    """Return whether a file is of this dataset, by its first bytes."""
    return path.is_file() and b'"messages": [[' in ExportFile(path).head(1024)


def read_chitchat(path: Path) -> Iterator[Conversation]:
    """Yield the chats of ``dataset.json`` that have a message.

    Raises
    ------
    ExportError
        When the file is damaged, or of another form.
    """
    for identity, chat in read_members(ExportFile(path), ReadLog()):
        source = Source(str(path))
        with shaped(source, "the chitchat dataset"):
            messages = tuple(
                Message(
                    message_id=str(number),
                    speaker=string(row["sender"]),
                    text=string(row["text"]),
                    timestamp=from_iso(string(row["timestamp"])),
                    source=source,
                )
                for number, row in enumerate(chain.from_iterable(chat["messages"]), 1)
            )
        if messages:
            yield Conversation(conversation_id=identity, platform="chitchat", messages=messages)
