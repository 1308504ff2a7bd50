"""Which rows a model reads is one rule: an app's own words are neither learned from nor scored, and a person's words always are."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.config import Taxonomy
from pipeline.corpora.augment.compose import Composition, compose
from pipeline.corpora.build import write_labelled
from pipeline.corpora.labelled import LabelledConversation
from pipeline.corpora.readers.tables import read_labelled_table
from pipeline.ingest import ReadLog, ReadOptions, read_conversations
from pipeline.ingest.own_words import own_words
from pipeline.ingest.readers.whatsapp_phrases import DELETED, OMITTED
from pipeline.model.drift_profile import compute_drift_profile
from pipeline.model.scorable import utterances
from pipeline.schema import Conversation, Message, Source
from pipeline.score import score

MARK = "\u200e"

OF_THE_APP = [
    *sorted(DELETED),
    *sorted(OMITTED),
    "This message was deleted.",
    "This message was deleted by admin Pat.",
    "Original message was deleted",
    "[deleted]",
    "Kim unsent a message",
    "image omitted",
    "Bild weggelassen",
    f"{MARK}bild utelämnad",
    "GIF 생략됨",
    "<Medij je izostavljen>",
    "<View once voice message omitted>",
    "IMG-20240213-WA0004.jpg (file attached)",
    "Rye bread plan.pdf (Datei angehängt)",
    f"{MARK}<attached: 00000012-PHOTO-2024-02-13-17-06-11.jpg>",
    "[photo]",
    "[スタンプ]",
    "Missed voice call",
    "Verpasster Videoanruf",
    "Waiting for this message. This may take a while.",
    "Kim sent an attachment.",
    "Kim hat einen Anhang gesendet.",
    "Reacted \U0001f35e to your message ",
    "Liked a message",
    f"{MARK}<This message was edited>",
    f"{MARK}\u200b \u2060",
]

OF_A_PERSON = [
    "<come to the bakery tonight>",
    "[you can come alone]",
    "(this is our bakery)",
    "come to the bakery alone.ok (file attached)",
    "it says this message was deleted",
    "This message was deleted because i felt silly",
    "you left out the salt, sent a photo. look",
    "photo",
    "video call",
    "no answer",
    "null and void",
    f"{MARK}i omitted the salt, bake it again",
    f"hello {MARK}<come to the bakery alone>",
    "?",
    "\U0001f35e",
]


@pytest.mark.parametrize("text", OF_THE_APP)
@pytest.mark.parametrize("kind", ["message", "media"])
def test_words_of_an_app_are_nobodys(text: str, kind: str) -> None:
    assert own_words(kind, text) == ""


@pytest.mark.parametrize("text", OF_A_PERSON)
def test_words_that_look_like_an_apps_stay_their_writers(text: str) -> None:
    assert own_words("message", text) == text


@pytest.mark.parametrize("kind", ["system", "deleted", "unsupported"])
def test_rows_of_the_platform_have_no_own_words(kind: str) -> None:
    assert own_words(kind, "how old are you") == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a.jpg (file attached)\nlook at my loaf", "look at my loaf"),
        ("<Media omitted>\nlook at my loaf", "look at my loaf"),
        (f"rye it is {MARK}<This message was edited>", "rye it is"),
        ("rye it is <Diese Nachricht wurde bearbeitet>", "rye it is"),
    ],
)
def test_a_caption_and_an_edited_message_are_read_without_the_apps_words_and_where_they_stand(text: str, words: str) -> None:
    found = own_words("media", text)
    assert found.strip() == words
    assert text[found.index(words) :].startswith(words)


EXPORTS = {
    "whatsapp.txt": (
        "13/02/2024, 17:05 - Pat: how old are you anyway\n"
        "13/02/2024, 17:06 - Pat: {}\n"
        "13/02/2024, 17:07 - Kim: fourteen\n"
        "13/02/2024, 17:30 - Pat: good\n",
        [
            "<Media omitted>",
            "<Medien ausgeschlossen>",
            "This message was deleted",
            "IMG-1.jpg (file attached)",
            "Missed voice call",
        ],
    ),
    "kakaotalk.txt": (
        "Pat with KakaoTalk Chats\nDate Saved : Feb 13, 2024, 18:00\n\nFebruary 13, 2024 at 5:05 PM, Pat : how old are you anyway\n"
        "February 13, 2024 at 5:06 PM, Pat : {}\nFebruary 13, 2024 at 5:07 PM, Kim : fourteen\n"
        "February 13, 2024 at 5:30 PM, Pat : good\n",
        ["Photo", "사진 3장", "Emoticons", "This message was deleted."],
    ),
    "line.txt": (
        "[LINE] Chat history with Pat\nSaved on: 2024/02/13 18:00\n\n2024/02/13(Tue)\n17:05\tPat\thow old are you anyway\n"
        "17:06\tPat\t{}\n17:07\tKim\tfourteen\n17:30\tPat\tgood\n",
        ["[Photo]", "[スタンプ]", "☎ Missed call"],
    ),
    "table.jsonl": (
        '{{"conversation_id":"1","speaker":"Pat","timestamp":"2024-02-13T17:00:00Z","text":"how old are you anyway"}}\n'
        '{{"conversation_id":"1","speaker":"Pat","timestamp":"2024-02-13T17:01:00Z","text":"{}"}}\n'
        '{{"conversation_id":"1","speaker":"Kim","timestamp":"2024-02-13T17:02:00Z","text":"fourteen"}}\n'
        '{{"conversation_id":"1","speaker":"Pat","timestamp":"2024-02-13T17:03:00Z","text":"good"}}\n',
        ["<Media omitted>", "This message was deleted", "se eliminó este mensaje", "image omitted", "", "   "],
    ),
}


@pytest.mark.parametrize(("name", "phrase"), [(name, phrase) for name, (_, phrases) in EXPORTS.items() for phrase in phrases])
def test_such_a_row_has_no_stages_and_moves_no_risk(name: str, phrase: str, tiny_model: Path, tmp_path: Path) -> None:
    export = tmp_path / name
    export.write_text(EXPORTS[name][0].format(phrase), "utf-8")
    run = score([export], model=tiny_model, out=tmp_path / "out")
    rows = pq.read_table(run.path / "scores.parquet").to_pylist()
    assert len(rows) == 4
    assert rows[1]["stage_access"] is None
    assert rows[1]["speaker_risk"] is None
    assert rows[1]["risk"] == rows[0]["risk"] > 0
    without = tmp_path / f"without-{name}"
    lines = EXPORTS[name][0].format(phrase).split("\n")
    without.write_text("\n".join(line for line in lines if phrase == "" or phrase not in line), "utf-8")
    if phrase.strip():
        other = pq.read_table(score([without], model=tiny_model, out=tmp_path / "other").path / "scores.parquet").to_pylist()
        assert [row["risk"] for row in other] == [rows[number]["risk"] for number in (0, 2, 3)]


def test_a_caption_is_scored_as_the_same_words_are(tiny_model: Path, tmp_path: Path) -> None:
    risks = []
    for number, words in enumerate(["how old are you anyway", "IMG-1.jpg (file attached)\nhow old are you anyway"]):
        export = tmp_path / f"chat-{number}.txt"
        export.write_text(f"13/02/2024, 17:05 - Pat: {words}\n13/02/2024, 17:30 - Kim: good\n", "utf-8")
        run = score([export], model=tiny_model, out=tmp_path / f"out-{number}")
        risks.append([row["risk"] for row in pq.read_table(run.path / "scores.parquet").to_pylist()])
    assert risks[0] == risks[1]


def labelled(*texts: tuple[str, str]) -> LabelledConversation:
    """A grooming conversation in which Pat writes rows of a kind; every row is labelled, as no corpus should but some do."""
    messages = tuple(
        Message(message_id=str(number), speaker="Pat", kind=kind, text=text, source=Source("t", row=number))  # type: ignore[arg-type]
        for number, (kind, text) in enumerate(texts, 1)
    )
    return LabelledConversation(
        conversation=Conversation(conversation_id="1", platform="test", messages=messages),
        stages=tuple(frozenset({"access"}) for _ in texts),
        tells=frozenset({"access"}),
        groomers=frozenset({"Pat"}),
        group="1",
    )


ROWS = [
    ("message", "how old are you anyway"),
    ("media", "<Media omitted>"),
    ("deleted", "This message was deleted"),
    ("message", "This message was deleted"),
    ("system", "Pat added Kim"),
    ("message", " "),
    ("message", "are you alone"),
]


def test_no_model_learns_from_such_a_row(taxonomy: Taxonomy) -> None:
    pytest.importorskip("sklearn", reason="training needs the train extra")
    from pipeline.training.examples import labelled_utterances

    conversation = labelled(*ROWS)
    (read,) = labelled_utterances([conversation], stages=taxonomy.keys)
    assert read.texts == ["how old are you anyway", "are you alone"]
    assert [position for position, _ in utterances(conversation.messages)] == [0, 6]


def test_what_is_composed_keeps_the_kind_of_every_row(taxonomy: Taxonomy) -> None:
    conversation = labelled(*ROWS)
    composition = Composition(noise=1.0, noise_per_message={"typo": 1.0}, splice=0.0, crop=0.0, thin=0.0, swap=0.0, excerpt=0.0)
    derived = list(compose([conversation], composition=composition, ordinary=()))
    assert derived
    for one in derived:
        assert len(utterances(one.messages)) <= 2
        assert len({label is None for label in one.stages}) == 1


def test_a_labelled_table_keeps_the_kind_of_every_row(taxonomy: Taxonomy, tmp_path: Path) -> None:
    file = tmp_path / "table.jsonl"
    write_labelled([labelled(*ROWS)], file)
    (read,) = read_labelled_table(file, taxonomy)
    assert len(utterances(read.messages)) == 2


def test_the_drift_profile_counts_only_what_is_scored(tiny_model: Path) -> None:
    messages = labelled(*ROWS).messages
    words = tuple(message for message in messages if message.text in ("how old are you anyway", "are you alone"))
    with_rows = compute_drift_profile(tiny_model, [(messages, 0.2)], threshold=0.5)
    assert dataclasses.asdict(with_rows) == dataclasses.asdict(compute_drift_profile(tiny_model, [(words, 0.2)], threshold=0.5))


def test_readers_keep_the_row_and_its_text(tmp_path: Path) -> None:
    file = tmp_path / "chat.txt"
    file.write_text(EXPORTS["whatsapp.txt"][0].format("<Media omitted>"), "utf-8")
    (chat,) = read_conversations([file], ReadOptions(), ReadLog())
    assert [message.text for message in chat.messages][1] == "<Media omitted>"
