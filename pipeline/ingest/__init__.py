"""Export readers: a path in, conversations out.

One module a format, each with ``read(unit, options, log) -> Iterator[Conversation]``. The rules that all of them keep:

- Nothing is dropped. What is no ordinary message keeps its row, with a ``kind`` that says what it is.
- System rows are told by structure, never by a word in somebody's text. ``text`` is verbatim.
- Damage is an error with file and line; never a partial result that looks whole.
- Constant memory in the size of the export.
"""

from pipeline.ingest.options import ReadLog, ReadOptions, ReadWarning
from pipeline.ingest.read import read_conversations

__all__ = ["ReadLog", "ReadOptions", "ReadWarning", "read_conversations"]
