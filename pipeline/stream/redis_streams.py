"""Redis Streams as the broker: a consumer group, states and scores in the same Redis, one transaction a batch.

::

    NAME                    the stream: entries with conversation_id, message_id, text, and if they have them speaker, kind
    {NAME}:GROUP:state:ID   the state of a conversation
    {NAME}:GROUP:scores     a stream of scores: a message each, in the order of the messages
    {NAME}:GROUP:failed     a stream of entries that could not be scored: their ids and the reasons
    {NAME}:GROUP:lease      which worker holds the stream
    {NAME}:GROUP:model      which model the states are of

A group has its own states and scores, and begins at the start of the stream. So another model is another group, and what was said
before it began is scored as what is said now. An entry is pending until the transaction that holds its score: a worker that takes
over reads the pending entries first. What Redis itself loses when it dies depends on its ``appendfsync``.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast, get_args

from pipeline.errors import SafelightError, StateError
from pipeline.ingest.columns import well_formed
from pipeline.schema import Conversation, Kind, Message, Source
from pipeline.stream.broker import Entry, Failed, LeaseLost, Scored

LEASE_SECONDS = 30.0
_BLOCK_MILLISECONDS = 200
_CONSUMER = "worker"
"""All workers of a group: one works at a time, and what it leaves pending is the next one's."""


class RedisStreams:
    """A stream in Redis. ``delete`` removes an entry, and with it the words, when its score is committed."""

    def __init__(self, client: Any, stream: str, group: str, *, delete: bool = False, lease_seconds: float = LEASE_SECONDS) -> None:
        self._redis = client
        self._stream = stream
        self._group = group
        self._delete = delete
        self._lease_milliseconds = round(lease_seconds * 1000)
        self._token = secrets.token_hex(16)
        # In a cluster the braces put all of it on one node.
        self._prefix = f"{{{stream}}}:{group}"

    def acquire(self, model: str) -> bool:
        """Hold the stream, if nobody else does."""
        if not self._redis.set(self._key("lease"), self._token, nx=True, px=self._lease_milliseconds):
            return False
        self._redis.set(self._key("model"), model, nx=True)
        known = _text(self._redis.get(self._key("model")))
        if known != model:
            self.release()
            raise StateError(
                f"the states of the group {self._group} are of the model {known}, not of {model}",
                do="Give another --group: it scores the stream from its start, with states of its own",
            )
        self._create_group()
        return True

    def read(self, most: int) -> Sequence[Entry]:
        """Return the next entries; those that are pending first."""
        self._prolong()
        entries = self._read_group("0", most) or self._read_group(">", most, block=_BLOCK_MILLISECONDS)
        return [_entry(name, fields) for name, fields in entries]

    def states(self, conversations: Sequence[str]) -> Mapping[str, str]:
        """Return the states of these conversations."""
        if not conversations:
            return {}
        values = self._redis.mget([self._state_key(name) for name in conversations])
        return {name: _text(value) for name, value in zip(conversations, values, strict=True) if value is not None}

    def commit(self, states: Mapping[str, str], scored: Sequence[Scored], failed: Sequence[Failed]) -> None:
        """Keep all of it in one transaction, which Redis refuses when the lease was lost meanwhile."""
        from redis.exceptions import WatchError

        with self._redis.pipeline(transaction=True) as pipe:
            pipe.watch(self._key("lease"))
            if _text(pipe.get(self._key("lease"))) != self._token:
                raise LeaseLost
            pipe.multi()
            for name, state in states.items():
                pipe.set(self._state_key(name), state)
            for score in scored:
                pipe.xadd(self._key("scores"), _score_fields(score))
            for bad in failed:
                pipe.xadd(self._key("failed"), {"entry": bad.entry.id, "reason": bad.reason})
            done = [score.entry.id for score in (*scored, *failed)]
            pipe.xack(self._stream, self._group, *done)
            if self._delete:
                pipe.xdel(self._stream, *done)
            pipe.pexpire(self._key("lease"), self._lease_milliseconds)
            try:
                pipe.execute()
            except WatchError as error:
                raise LeaseLost from error

    def release(self) -> None:
        """Delete the lease, if it is this worker's."""
        from redis.exceptions import RedisError

        try:
            with self._redis.pipeline(transaction=True) as pipe:
                pipe.watch(self._key("lease"))
                if _text(pipe.get(self._key("lease"))) == self._token:
                    pipe.multi()
                    pipe.delete(self._key("lease"))
                    pipe.execute()
        except RedisError:
            return  # it ends by itself

    def _key(self, name: str) -> str:
        return f"{self._prefix}:{name}"

    def _state_key(self, conversation_id: str) -> str:
        return f"{self._prefix}:state:{conversation_id}"

    def _create_group(self) -> None:
        from redis.exceptions import ResponseError

        try:
            self._redis.xgroup_create(self._stream, self._group, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    def _prolong(self) -> None:
        if _text(self._redis.get(self._key("lease"))) != self._token:
            raise LeaseLost
        self._redis.pexpire(self._key("lease"), self._lease_milliseconds)

    def _read_group(self, start: str, most: int, *, block: int | None = None) -> list[tuple[Any, Any]]:
        answer = self._redis.xreadgroup(self._group, _CONSUMER, {self._stream: start}, count=most, block=block)
        if isinstance(answer, dict):  # RESP 3
            return [pair for parts in answer.values() for part in parts for pair in part]
        return [pair for _, pairs in answer or () for pair in pairs]


def connect(url: str) -> Any:
    """Return a client for a Redis at an URL, which answers.

    Raises
    ------
    SafelightError
        When redis-py is not installed, or Redis does not answer.
    """
    try:
        import redis
        from redis.exceptions import RedisError
    except ModuleNotFoundError as error:
        raise SafelightError(f"streams need {error.name}", do="Install it: pip install 'safelight[stream]'") from error
    try:
        client = redis.Redis.from_url(url)
        client.ping()
    except (RedisError, ValueError) as error:
        raise SafelightError(f"Redis does not answer ({type(error).__name__})", do="Check --url, and that it runs") from error
    return client


def add_messages(client: Any, stream: str, conversations: Iterable[Conversation]) -> int:
    """Append the messages of conversations to a stream, and return how many."""
    count = 0
    for conversation in conversations:
        for message in conversation.messages:
            client.xadd(stream, entry_fields(conversation.conversation_id, message))
            count += 1
    return count


def entry_fields(conversation_id: str, message: Message) -> dict[str, str]:
    """Return a message as the fields of an entry."""
    fields = {"conversation_id": conversation_id, "message_id": message.message_id, "text": message.text, "kind": message.kind}
    if message.speaker is not None:
        fields["speaker"] = message.speaker
    return {name: well_formed(value) for name, value in fields.items()}


def _entry(name: Any, fields: Mapping[Any, Any] | None) -> Entry:
    """Return an entry; one that was deleted, or lacks a field, has no message and a problem."""
    entry_id = _text(name)
    if not fields:
        return Entry(entry_id, "", None, "deleted before it was scored")
    try:
        values = {_text(key): _text(value) for key, value in fields.items()}
    except UnicodeDecodeError:
        return Entry(entry_id, "", None, "a field is not UTF-8")
    for needed in ("conversation_id", "message_id", "text"):
        if needed not in values or (needed != "text" and not values[needed]):
            return Entry(entry_id, "", None, f"it lacks {needed}")
    kind = values.get("kind", "message")
    if kind not in get_args(Kind):
        return Entry(entry_id, "", None, "its kind is not known")
    message = Message(
        message_id=values["message_id"],
        speaker=values.get("speaker"),
        text=values["text"],
        kind=cast(Kind, kind),
        source=Source("stream"),
    )
    return Entry(entry_id, values["conversation_id"], message)


def _score_fields(scored: Scored) -> dict[str, str]:
    score = scored.score
    fields = {
        "entry": scored.entry.id,
        "conversation_id": score.conversation_id,
        "message_id": score.message_id,
        "position": str(score.position),
        "kind": score.kind,
        "risk": repr(score.risk),
    }
    if score.speaker_slot is not None:
        fields["speaker_slot"] = score.speaker_slot
    if score.stages is not None:
        fields |= {"stages": json.dumps(dict(score.stages)), "speaker_risk": repr(score.speaker_risk)}
    return fields


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else "" if value is None else str(value)
