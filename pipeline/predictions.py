"""Conversations as a program gives them, checked by name, and what a model predicts for them, typed and as tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.alerts import first_alert
from pipeline.errors import InputError, SafelightError
from pipeline.results import ScoredMessage, scored_messages
from pipeline.schema import KINDS, Conversation, Message, MessageScore, Source
from pipeline.thresholds import Thresholds

if TYPE_CHECKING:
    import pandas

NEEDED = ("conversation_id", "speaker", "text")
OPTIONAL = ("message_id", "kind")
"""Columns that a table of messages may have beside the needed ones."""


@dataclass(frozen=True)
class ConversationScores:
    """The scores of one conversation: a `MessageScore` a message, in order.

    ``risk`` is the highest running risk, and 0 in an empty conversation. ``first_alert`` is the position, from 1, of the message at
    which the risk first reaches the threshold, and ``None`` where it never does.
    """

    conversation_id: str
    messages: tuple[MessageScore, ...]
    risk: float
    first_alert: int | None


class Predictions(Sequence[ConversationScores]):
    """What a model predicts for some conversations, in the order in which they were given.

    ``failed`` names each conversation that could not be scored, with the reason; it has no scores.
    """

    def __init__(
        self,
        table: pa.Table,
        counts: Sequence[int],
        stages: Sequence[str],
        thresholds: Thresholds,
        failed: Sequence[tuple[str, str]],
    ) -> None:
        self._table = table
        self.failed = tuple(failed)
        rows = iter(scored_messages(table, stages))
        self._conversations = tuple(_scores(list(islice(rows, count)), thresholds) for count in counts)

    def __len__(self) -> int:
        return len(self._conversations)

    def __getitem__(self, place: Any) -> Any:
        return self._conversations[place]

    def __iter__(self) -> Iterator[ConversationScores]:
        return iter(self._conversations)

    def to_arrow(self) -> pa.Table:
        """Return a row a message, with the columns of ``scores.parquet``; no text."""
        return self._table

    def to_pandas(self) -> pandas.DataFrame:
        """Return the same as a data frame.

        Raises
        ------
        SafelightError
            When pandas is not installed.
        """
        try:
            import pandas as pd
        except ModuleNotFoundError as error:
            raise SafelightError("to_pandas needs pandas", do="Install it with: pip install pandas; or use to_arrow") from error
        return pd.DataFrame(self._table.to_pydict())


def _scores(rows: Sequence[ScoredMessage], thresholds: Thresholds) -> ConversationScores:
    messages = tuple(
        MessageScore(
            conversation_id=row.conversation_id,
            message_id=row.message_id,
            position=row.position,
            speaker_slot=row.speaker_slot,
            kind=row.kind,
            stages=row.stages,
            risk=row.risk,
            speaker_risk=row.speaker_risk,
        )
        for row in rows
    )
    risks = [score.risk for score in messages]
    return ConversationScores(
        messages[0].conversation_id if messages else "", messages, max(risks, default=0.0), first_alert(risks, thresholds.risk)
    )


def conversations_of(given: object) -> list[Conversation]:
    """Return what was given as conversations: some of `Conversation`, lists of ``(speaker, text)``, or a table of messages.

    Lists get the ids "1", "2" and so on. A table is of Arrow, pandas or Polars, with the columns `NEEDED` and some of
    `OPTIONAL`; its rows are in order, those of one conversation need not stand together.

    Raises
    ------
    InputError
        When it is something else; the message names the place or the column and quotes no text.
    """
    if isinstance(given, Conversation):
        raise InputError("one conversation was given, not a list of them", do="Put it in a list: [conversation]")
    if isinstance(given, pa.Table) or hasattr(given, "__arrow_c_stream__"):
        return _from_table(pa.table(given))
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise InputError(
            f"conversations cannot be a {type(given).__name__}",
            do="Give a list of conversations, each a list of (speaker, text), or read an export with read_export",
        )
    return [item.load() if isinstance(item, Conversation) else _from_pairs(item, number) for number, item in enumerate(given, 1)]


def _from_pairs(item: object, number: int) -> Conversation:
    if isinstance(item, (str, bytes)) or not isinstance(item, Iterable):
        raise InputError(
            f"conversation {number} is a {type(item).__name__}, not a list of messages", do="Give each as a list of (speaker, text)"
        )
    return Conversation(
        conversation_id=str(number),
        platform="python",
        messages=tuple(_message(pair, f"conversation {number}, message {place}", place) for place, pair in enumerate(item, 1)),
    )


def _message(pair: object, where: str, place: int) -> Message:
    if isinstance(pair, Message):
        return pair
    if isinstance(pair, (str, bytes)) or not isinstance(pair, Sequence):
        raise InputError(f"{where} is a {type(pair).__name__}, not a pair of (speaker, text)", do="Say who wrote each message")
    if len(pair) != 2:
        raise InputError(f"{where} has {len(pair)} parts, not 2", do="Give (speaker, text)")
    speaker, text = pair
    if not isinstance(text, str) or not (speaker is None or isinstance(speaker, str)):
        raise InputError(f"{where} is ({type(speaker).__name__}, {type(text).__name__})", do="Give (speaker, text) as two strings")
    return Message(message_id=str(place), speaker=speaker, text=text, source=Source("python", row=place))


def _from_table(table: pa.Table) -> list[Conversation]:
    names = [name for name in table.column_names if not name.startswith("__index_level_")]
    known = (*NEEDED, *OPTIONAL)
    do = f"Give the columns {', '.join(NEEDED)}, and if you have them {', '.join(OPTIONAL)}"
    if missing := [name for name in NEEDED if name not in names]:
        raise InputError(f"the table lacks the column {', '.join(missing)}", do=do)
    if unknown := [name for name in names if name not in known]:
        raise InputError(f"the table has columns that are not known here: {', '.join(unknown)}", do=do)
    if len(set(names)) < len(names):
        raise InputError("the table has two columns of one name", do=do)
    columns: dict[str, list[Any]] = {name: table[name].to_pylist() for name in names}
    by_conversation: dict[str, list[Message]] = {}
    for row in range(table.num_rows):
        conversation_id = _cell(columns, "conversation_id", row, needed=True)
        messages = by_conversation.setdefault(str(conversation_id), [])
        kind = _cell(columns, "kind", row) or "message"
        if kind not in KINDS:
            raise InputError(f"row {row + 1} of the table: kind is not one of {', '.join(KINDS)}", do="Leave the column out")
        messages.append(
            Message(
                message_id=_cell(columns, "message_id", row) or str(len(messages) + 1),
                speaker=_cell(columns, "speaker", row),
                text=_cell(columns, "text", row) or "",
                kind=kind,  # type: ignore[arg-type]  # checked above
                source=Source("table", row=row + 1),
            )
        )
    return [
        Conversation(conversation_id=conversation_id, platform="python", messages=tuple(messages))
        for conversation_id, messages in by_conversation.items()
    ]


def _cell(columns: dict[str, list[Any]], name: str, row: int, *, needed: bool = False) -> str | None:
    value = columns[name][row] if name in columns else None
    if name in ("conversation_id", "message_id") and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if (value is None and not needed) or isinstance(value, str):
        return value
    raise InputError(f"row {row + 1} of the table: {name} is a {type(value).__name__}", do="Give strings")
