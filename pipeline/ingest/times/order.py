"""The rows of one chat in the order of time, for exports that write the newest first or in no order."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from pipeline.schema import Message

_NEVER = datetime.max.replace(tzinfo=UTC)


def in_time_order(messages: Iterable[Message]) -> tuple[Message, ...]:
    """Return the messages in the order of time; those of one moment stay in the order of the chat.

    Rows whose first time is after the last stand newest first. Where one has no time they are only turned round, so that it stays
    between its neighbours. All times are to be aware.
    """
    ordered = list(messages)
    times = [message.timestamp for message in ordered if message.timestamp]
    if len(times) > 1 and times[0] > times[-1]:
        ordered.reverse()
    if len(times) == len(ordered):
        ordered.sort(key=lambda message: message.timestamp or _NEVER)
    return tuple(ordered)
