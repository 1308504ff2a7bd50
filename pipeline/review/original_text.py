"""The words of a run that kept none, read from its exports when somebody asks for them, and held in memory for a while."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.errors import SafelightError
from pipeline.results import Run, ScoredConversation, ScoredMessage
from pipeline.review.originals import files_of, read_originals
from pipeline.review.referral.redacted_words import words_of
from pipeline.schema import Conversation

_HELD = 20
"""Conversations whose words are held; the one that was asked for longest ago goes first."""


class Originals:
    """The exports behind the open runs. ``exports`` is where they lie now, if not where the runs found them.

    An export is read from its beginning and compared with the SHA-256 that the run noted; nothing of it is written anywhere.
    """

    def __init__(self, exports: Sequence[Path] = ()) -> None:
        self.exports = tuple(exports)
        self._held: OrderedDict[tuple[str, str], Conversation] = OrderedDict()
        self._missing: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()

    def why_not(self, run: Run, conversation: ScoredConversation) -> str | None:
        """Return why the words of a conversation cannot be read, as far as that is known without reading; else nothing."""
        key = run.id, conversation.conversation_id
        if key in self._held:
            return None
        if key in self._missing:
            return self._missing[key]
        if conversation.source_file is None:
            return "the run does not say in which export they stand"
        paths = self.exports or files_of(run, [conversation.source_file])
        gone = [path.name for path in paths if not path.exists()]
        return f"the export is gone: {gone[0]}" if gone else None

    def read(self, run: Run, conversation: ScoredConversation, messages: Sequence[ScoredMessage]) -> list[ScoredMessage]:
        """Return the messages with their words, names and notes, from the exports.

        Raises
        ------
        SafelightError
            When an export is gone or changed, or cannot be read, or is not the one that was scored. `why_not` says so from then on.
        """
        key = run.id, conversation.conversation_id
        try:
            original = self._conversation(key, run, messages)
            words = words_of(run, conversation, messages, original)
        except SafelightError as error:
            with self._lock:
                self._missing[key] = error.what
            raise
        return [
            replace(message, text=word.text, speaker=word.speaker, meta=json.loads(json.dumps(dict(word.meta), default=str)))
            for message, word in zip(messages, words.messages, strict=True)
        ]

    def conversation(self, run: Run, conversation: ScoredConversation, messages: Sequence[ScoredMessage]) -> Conversation:
        """Return the original conversation; it raises what `read` does."""
        self.read(run, conversation, messages)
        return self._held[run.id, conversation.conversation_id]

    def _conversation(self, key: tuple[str, str], run: Run, messages: Sequence[ScoredMessage]) -> Conversation:
        with self._lock:  # one at a time: a large export is not read twice at once
            if key not in self._held:
                files = {message.source.file for message in messages}
                originals = read_originals(run, [key[1]], exports=self.exports or None, files=files)
                self._held[key] = originals[key[1]]
                while len(self._held) > _HELD:
                    self._held.popitem(last=False)
            self._held.move_to_end(key)
            return self._held[key]
