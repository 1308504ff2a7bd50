"""Make labelled conversations in one line, for the tests of corpora."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.corpora.labelled import LabelledConversation
from pipeline.schema import Conversation, Message, Source


def labelled(
    identity: str, lines: Iterable[tuple[str, ...]], *, groomer: str | None = None, **fields: object
) -> LabelledConversation:
    """Return a conversation of ``(speaker, text, stage, …)`` lines."""
    rows = list(lines)
    messages = tuple(
        Message(message_id=str(number), speaker=row[0], text=row[1], source=Source("test", row=number))
        for number, row in enumerate(rows, 1)
    )
    about: dict[str, object] = {
        "group": identity,
        "tells": frozenset({"access", "trust", "secrecy"}),
        "attributes": {"corpus": "test", "licence": "none", "language": "en"},
    }
    return LabelledConversation(
        conversation=Conversation(conversation_id=identity, platform="test", messages=messages),
        stages=tuple(frozenset(row[2:]) for row in rows),
        groomers=frozenset({groomer}) if groomer else frozenset(),
        **(about | fields),  # type: ignore[arg-type]
    )


def grooming(number: int, groomer: str | None = None) -> LabelledConversation:
    """Return a short grooming; each number's words are its own."""
    who = groomer or f"g{number}"
    return labelled(
        f"turned-{number}",
        [
            (f"k{number}", f"round {number} was hard on map {number * 7}"),
            (who, f"how old are you then number {number}", "access"),
            (f"k{number}", f"old enough for castle {number}"),
            (who, f"this stays our secret until day {number}", "secrecy"),
            (f"k{number}", f"no thanks bye {number}"),
            (who, f"fine then, see level {number}"),
        ],
        groomer=who,
    )


def ordinary(number: int) -> LabelledConversation:
    """Return a short ordinary chat; each number's words are its own."""
    return labelled(
        f"plain-{number}",
        [
            (f"p{number}", f"dinner {number} is ready at {number + 5}"),
            (f"q{number}", f"coming with bus {number} and bag {number * 3}"),
            (f"p{number}", f"bring loaf {number} please"),
            (f"q{number}", f"loaf {number} was sold out, took roll {number}"),
        ],
    )
