"""Variants of conversations, answered from the vectors of their messages: the network reads a wording once, and nothing again.

A message's vector depends on its own words alone, so leaving out an earlier message needs no network, and rewording one needs the
network for that message alone. Which words are worth that is estimated without it: the vector is the mean of the states of the
message's tokens, so the head can be asked of the mean without those of a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.model.encoder.context_head import CONTEXT, in_context
from pipeline.model.encoder.encoder import EncoderModel, token_states
from pipeline.model.variants import Conversations, LeftOut, Reworded, Span, log_odds

Vectors = NDArray[np.float32]

_AT_ONCE = 512
"""Variants that go through the head at once."""


class VectorReader:
    """Answers from vectors; those of wordings are kept as long as it lives."""

    def __init__(self, conversations: Conversations, model: EncoderModel) -> None:
        self._conversations = conversations
        self._model = model
        self._vectors: dict[int, Vectors] = {}
        self._worded: dict[str, Vectors] = {}
        self._token_states: dict[str, Vectors] = {}
        self._seen: dict[tuple[int, int], Vectors] = {}
        self._probabilities: dict[int, tuple[Vectors, Vectors]] = {}

    def stages(self, variants: Sequence[Reworded]) -> NDArray[np.float32]:
        """Return the probabilities of the reworded messages, of shape (variants, stages)."""
        return self._read(variants)[0]

    def risks(self, variants: Sequence[Reworded | LeftOut]) -> list[float]:
        """Return the risk of each conversation after the message that the variant ends with."""
        worded = [variant for variant in variants if isinstance(variant, Reworded) and variant.text.strip()]
        read = iter(zip(*self._read(worded), strict=True))
        without = iter(self._without([variant for variant in variants if isinstance(variant, LeftOut)]))
        return [
            self._risk_without(variant, *next(without))
            if isinstance(variant, LeftOut)
            else self._risk_reworded(variant, *(next(read) if variant.text.strip() else (None, None)))
            for variant in variants
        ]

    def contributions(self, messages: Sequence[tuple[int, int, Sequence[Span]]]) -> list[NDArray[np.float64] | None]:
        """Return how much each span adds to the log-odds of each stage.

        ``None`` for a message whose tokens are not those of its spans one after another: it may be too long to be read whole.
        """
        if self._model.states is None:
            return [None for _ in messages]
        states = self._states([self._conversations[conversation][0][number][1] for conversation, number, _ in messages])
        seen = [
            self._seen_without_words(message, rows, lengths)
            for message, rows, lengths in zip(messages, states, self._lengths(messages), strict=True)
        ]
        odds = log_odds(self._probable([rows for rows in seen if rows is not None])[0])
        ends = np.cumsum([len(rows) for rows in seen if rows is not None])
        parts = iter(np.split(odds, ends[:-1]))
        return [None if rows is None else (odds := next(parts))[0] - odds[1:] for rows in seen]

    def _states(self, texts: Sequence[str]) -> list[Vectors]:
        """Return the states of the tokens of each text, with the opening and the closing one; a text is read once."""
        unread = [text for text in dict.fromkeys(texts) if text not in self._token_states]
        if unread and self._model.states is not None:
            (pieces,) = self._model.tokenizer.pieces([[("", text) for text in unread]])
            states = token_states(self._model.states, pieces, closing=self._model.tokenizer.closing)
            self._token_states.update(zip(unread, states, strict=True))
        return [self._token_states[text] for text in texts]

    def _lengths(self, messages: Sequence[tuple[int, int, Sequence[Span]]]) -> list[list[int]]:
        """Return how many tokens each span of each message has."""
        texts = [self._conversations[conversation][0][number][1] for conversation, number, _ in messages]
        words = [[("", text[start:end]) for start, end in spans] for text, (*_, spans) in zip(texts, messages, strict=True)]
        return [[len(word) - 1 for word in tokens] for tokens in self._model.tokenizer.pieces(words)]

    def _seen_without_words(
        self, message: tuple[int, int, Sequence[Span]], states: Vectors, lengths: Sequence[int]
    ) -> Vectors | None:
        """Return what a message is seen as, whole and then without each span; nothing where its tokens are not those of its spans.

        ``states`` are those of its tokens with the opening and the closing one, ``lengths`` the tokens of each span.
        """
        if sum(lengths) != len(states) - 2:
            return None
        total = states.sum(axis=0)
        ends = np.cumsum(lengths) + 1
        sums = [total, *(total - states[end - length : end].sum(axis=0) for end, length in zip(ends, lengths, strict=True))]
        message_vectors = np.stack(sums)
        seen = np.repeat(self._in_context(*message[:2])[None], len(message_vectors), axis=0)
        length = np.linalg.norm(seen[0, : message_vectors.shape[1]])
        lengths_of_all = np.maximum(np.linalg.norm(message_vectors, axis=1), 1e-9)
        seen[:, : message_vectors.shape[1]] = message_vectors * (length / lengths_of_all)[:, None]
        return seen

    def _probable(self, seen: Sequence[Vectors]) -> tuple[Vectors, Vectors]:
        """Return the probabilities of the stages, and of somebody under 18, of messages as they are seen."""
        rows = np.concatenate(seen) if seen else np.zeros((0, self._model.head.linear.shape[1]), np.float32)
        return self._model.probabilities(self._model.head.logits_in_context(rows))

    def _read(self, variants: Sequence[Reworded]) -> tuple[Vectors, Vectors]:
        """Return the probabilities of the stages, and of somebody under 18, of reworded messages."""
        self._word(variants)
        rows = np.zeros((len(variants), self._model.head.linear.shape[1]), np.float32)
        for row, variant in zip(rows, variants, strict=True):
            message_vectors = self._worded[variant.text]
            row[:] = self._in_context(variant.conversation, variant.number)
            row[: len(message_vectors)] = message_vectors
        return self._probable([rows])

    def _word(self, variants: Sequence[Reworded]) -> None:
        """Let the network read the wordings that it has not read yet."""
        unread: list[str] = []
        for variant in variants:
            if variant.text in self._worded:
                continue
            if variant.text == self._conversations[variant.conversation][0][variant.number][1]:
                self._worded[variant.text] = self._of(variant.conversation)[variant.number]
            else:
                unread.append(variant.text)
        if unread := list(dict.fromkeys(unread)):
            (vectors,) = self._model.vectors(self._model.tokenizer.pieces([[("", text) for text in unread]]))
            self._worded.update(zip(unread, vectors, strict=True))

    def _of(self, conversation: int) -> Vectors:
        """Return the vectors of a conversation's messages: those of its prediction, or else read anew."""
        if conversation not in self._vectors:
            lines, prediction = self._conversations[conversation]
            vectors = prediction.vectors
            if vectors is None:
                (vectors,) = self._model.vectors(self._model.tokenizer.pieces([lines]))
            self._vectors[conversation] = vectors
        return self._vectors[conversation]

    def _in_context(self, conversation: int, number: int) -> Vectors:
        """Return what a message is seen as: `in_context` of it alone."""
        if (conversation, number) not in self._seen:
            rows = slice(max(0, number - CONTEXT), number + 1)
            speakers = [speaker for speaker, _ in self._conversations[conversation][0][rows]]
            self._seen[conversation, number] = in_context(self._of(conversation)[rows], speakers)[-1]
        return self._seen[conversation, number]

    def _risk_reworded(self, variant: Reworded, stages: Vectors | None, child: np.float32 | None) -> float:
        """Return the risk with these probabilities of the last message; without it where there are none."""
        number = variant.number + (stages is not None)
        speakers = [speaker for speaker, _ in self._conversations[variant.conversation][0][:number]]
        if not speakers:
            return 0.0
        all_stages, all_children = (values[:number].copy() for values in self._known(variant.conversation))
        if stages is not None:
            all_stages[-1], all_children[-1] = stages, child
        return self._model.risk_after(all_stages, all_children, speakers)

    def _risk_without(self, variant: LeftOut, stages: Vectors, child: Vectors) -> float:
        """Return the risk without an earlier message; ``stages`` and ``child`` are those of the messages just after it, then."""
        left_out, lines = variant.earlier, self._conversations[variant.conversation][0]
        kept = [row for row in range(variant.number + 1) if row != left_out]
        all_stages, all_children = (values[kept] for values in self._known(variant.conversation))
        after = slice(left_out, left_out + len(stages))
        all_stages[after], all_children[after] = stages, child
        return self._model.risk_after(all_stages, all_children, [lines[row][0] for row in kept])

    def _known(self, conversation: int) -> tuple[Vectors, Vectors]:
        """Return the probabilities of a conversation's stages, and of somebody under 18, as they are."""
        if conversation not in self._probabilities:
            speakers = [speaker for speaker, _ in self._conversations[conversation][0]]
            self._probabilities[conversation] = self._model.probabilities(self._model.head.logits(self._of(conversation), speakers))
        return self._probabilities[conversation]

    def _without(self, variants: Sequence[LeftOut]) -> Iterator[tuple[Vectors, Vectors]]:
        """Yield the probabilities of the few messages after the one that is left out, which are read without it."""
        for start in range(0, len(variants), _AT_ONCE):
            seen = [self._seen_without(variant) for variant in variants[start : start + _AT_ONCE]]
            stages, child = self._probable(seen)
            ends = np.cumsum([len(rows) for rows in seen])
            yield from zip(np.split(stages, ends[:-1]), np.split(child, ends[:-1]), strict=True)

    def _seen_without(self, variant: LeftOut) -> Vectors:
        left_out, lines = variant.earlier, self._conversations[variant.conversation][0]
        first, stop = max(0, left_out - CONTEXT), min(variant.number, left_out + CONTEXT) + 1
        rows = [row for row in range(first, stop) if row != left_out]
        seen = in_context(self._of(variant.conversation)[rows], [lines[row][0] for row in rows])
        return seen[left_out - first :]
