"""Convert and read back: the same messages, in every form."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from helpers.exports import read_all, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.convert import convert
from pipeline.errors import ExportError, ResultsError
from pipeline.schema import Conversation

FORMS: Any = ["jsonl", "parquet", "convokit"]
WORDS = st.text(st.characters(exclude_categories=["Cs"]))


def flat(conversations: list[Conversation]) -> list[tuple[Any, ...]]:
    return [
        (c.conversation_id, c.platform, c.title, dict(c.meta), *(getattr(m, field) for field in FIELDS), dict(m.meta))
        for c in conversations
        for m in c.messages
    ]


FIELDS = ("message_id", "speaker", "text", "kind", "timestamp", "source")


@pytest.mark.parametrize("form", FORMS)
def test_the_samples_come_back_as_they_were(form: Any, root: Path, tmp_path: Path) -> None:
    before, _ = read_all(root / "data" / "samples")
    log = convert([root / "data" / "samples"], to=form, out=tmp_path / "out")
    after, _ = read_all(tmp_path / "out")
    assert log.kinds.total() == sum(len(list(c.messages)) for c in before) > 100
    assert flat(after) == flat(before)


@pytest.mark.parametrize("form", FORMS)
@given(texts=st.lists(WORDS, min_size=1, max_size=5), speakers=st.randoms(use_true_random=False), naive=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_any_words_come_back_as_they_were(form: Any, texts: list[str], speakers: Any, naive: bool) -> None:
    moment = datetime(2024, 2, 13, 21, 5, 0, 123456, None if naive else UTC)
    rows = [
        {
            "conversation_id": speakers.choice(["b", "a"]),
            "message_id": str(number),
            "speaker": speakers.choice(["Kim", "Sam", None]),
            "timestamp": moment.isoformat(),
            "text": text,
            "meta": {"reply_to": "0", "reactions": [{"emoji": "👍", "speaker": "Sam"}]},
        }
        for number, text in enumerate(texts)
    ]
    rows.sort(key=lambda row: row["conversation_id"])
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder, "in.jsonl"), "".join(json.dumps(row) + "\n" for row in rows))
        before, _ = read_all(path)
        convert([path], to=form, out=Path(folder, "out"))
        after, _ = read_all(Path(folder, "out"))
    assert flat(after) == flat(before)


def test_convokit_finds_what_its_form_asks_for(tmp_path: Path) -> None:
    row = {
        "conversation_id": "c",
        "message_id": "m",
        "speaker": "Kim",
        "timestamp": 1707858311,
        "text": "hi",
        "meta": {"reply_to": "l"},
    }
    convert([write(tmp_path / "in.jsonl", json.dumps(row) + "\n")], to="convokit", out=tmp_path / "out")
    (utterance,) = [json.loads(line) for line in (tmp_path / "out" / "utterances.jsonl").read_text("utf-8").splitlines()]
    assert (utterance["id"], utterance["conversation_id"], utterance["speaker"], utterance["text"]) == ("c/m", "c", "Kim", "hi")
    assert (utterance["reply-to"], utterance["timestamp"]) == ("c/l", 1707858311.0)
    assert list(json.loads((tmp_path / "out" / "speakers.json").read_text("utf-8"))) == ["Kim"]
    assert list(json.loads((tmp_path / "out" / "conversations.json").read_text("utf-8"))) == ["c"]
    assert (tmp_path / "out" / "corpus.json").is_file()
    assert (tmp_path / "out" / "index.json").is_file()


@pytest.mark.parametrize(
    "utterance",
    [
        {
            "id": "1",
            "conversation_id": "c",
            "speaker": "Kim",
            "text": "hi",
            "reply-to": None,
            "timestamp": 10,
            "meta": {"mood": "ok"},
        },
        {"id": "1", "root": "c", "user": "Kim", "text": "hi", "reply_to": None, "timestamp": "10", "meta": {"mood": "ok"}},
    ],
)
def test_convokit_of_others_is_read_in_both_spellings(utterance: dict[str, Any], tmp_path: Path) -> None:
    second = {**utterance, "id": "2", **({"reply-to": "1"} if "reply-to" in utterance else {"reply_to": "1"})}
    write(tmp_path / "utterances.jsonl", "".join(json.dumps(u) + "\n" for u in (utterance, second)))
    write(tmp_path / "conversations.json", json.dumps({"c": {"meta": {"title": "T", "topic": "bees"}, "vectors": []}}))
    write(tmp_path / "speakers.json", json.dumps({"Kim": {"meta": {}, "vectors": []}}))
    (conversation,), log = read_all(tmp_path)
    assert (conversation.conversation_id, conversation.title, conversation.meta) == ("c", "T", {"topic": "bees"})
    one, two = conversation.messages
    assert (one.speaker, one.text, one.timestamp, one.meta) == (
        "Kim",
        "hi",
        datetime(1970, 1, 1, 0, 0, 10, tzinfo=UTC),
        {"mood": "ok"},
    )
    assert two.meta == {"mood": "ok", "reply_to": "1"}
    assert not log.warnings


@pytest.mark.parametrize("form", FORMS)
def test_damage_leaves_nothing_behind(form: Any, tmp_path: Path) -> None:
    good = json.dumps({"conversation_id": "c", "speaker": "k", "timestamp": None, "text": "t"})
    path = write(tmp_path / "in.jsonl", f"{good}\n{good[:-4]}\n")
    with pytest.raises(ExportError, match=r"in\.jsonl:2"):
        convert([path], to=form, out=tmp_path / "out")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.jsonl"]


def test_a_file_is_not_replaced_by_a_slip(tmp_path: Path) -> None:
    path = write(tmp_path / "in.jsonl", json.dumps({"conversation_id": "c", "speaker": "k", "timestamp": None, "text": "t"}) + "\n")
    other = write(tmp_path / "mine.txt", "mine")
    with pytest.raises(ResultsError, match="--overwrite"):
        convert([path], to="jsonl", out=other)
    assert other.read_text() == "mine"
    convert([path], to="jsonl", out=other, overwrite=True)
    assert "mine" not in other.read_text()


def test_a_conversation_without_messages_is_told(tmp_path: Path) -> None:
    chat = {"name": "Kim", "type": "personal_chat", "id": 1, "messages": []}
    other = {"id": 1, "type": "message", "date": "2024-02-13T13:00:00", "from": "K", "from_id": "user2", "text": "hi"}
    path = write(tmp_path / "result.json", json.dumps({"chats": {"list": [chat, {**chat, "id": 2, "messages": [other]}]}}))
    log = convert([path], to="jsonl", out=tmp_path / "out.jsonl")
    assert any("has no message" in warning.what for warning in log.warnings)
