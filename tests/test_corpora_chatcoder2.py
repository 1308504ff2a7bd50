"""ChatCoder2: codes of a line become stages by the crosswalk, and a code that stands for several leaves them open."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from helpers.exports import write

from pipeline.config import Taxonomy
from pipeline.corpora.open import read_corpus
from pipeline.corpora.readers.chatcoder2 import stages_of_codes
from pipeline.errors import CorpusError


def line(number: int, user: str, body: str, chat: str = "Tinman77") -> str:
    return (
        f"<message><name>{chat}</name><lineNum>{number}</lineNum><userID>{user}</userID>"
        f"<dateTime>12/03/07 {number}:00:00 PM</dateTime><body>{escape(body)}</body><comment></comment></message>"
    )


def code(number: int, category: str, chat: str = "Tinman77", coder: str = "3") -> str:
    return (
        f"<coding><name>{chat}</name><lineNum>{number}</lineNum><CodingVersionID>{coder}</CodingVersionID>"
        f"<category>{category}</category></coding>"
    )


def chatcoder2(folder: Path, codes: str) -> Path:
    chats = (
        line(1, "tinman_77", "hi & welcome")
        + line(2, "kid", "hey")
        + line(3, "tinman_77", "come over")
        + line(4, "tinman_77", "bye")
    )
    write(folder / "AllChatLogs.xml", f"<dataroot>{chats}{line(1, 'somebody', 'hi', chat='Other9')}</dataroot>")
    write(folder / "AllCodingsExport2.xml", f"<dataroot>{codes}</dataroot>")
    return folder


def test_codes_become_stages(tmp_path: Path, taxonomy: Taxonomy) -> None:
    codes = code(3, "900") + code(1, "200") + code(1, "200", coder="4")
    chat, uncoded = read_corpus(chatcoder2(tmp_path, codes), taxonomy)
    assert chat.groomers == {"tinman_77"}
    assert chat.stages[2] == {"approach"}
    assert chat.label(3, "approach") is False
    assert chat.label(0, "coercion") is None, "the scheme cannot tell coercion"
    assert chat.messages[0].text == "hi & welcome"
    assert uncoded.stages == (None,)
    assert uncoded.groomers is None, "no speaker is named like the chat"
    assert uncoded.is_grooming


def test_a_code_that_several_stages_name_leaves_them_open(tmp_path: Path, taxonomy: Taxonomy) -> None:
    chat, _ = read_corpus(chatcoder2(tmp_path, code(1, "200")), taxonomy)
    meant = stages_of_codes(taxonomy)["200"]
    assert len(meant) > 1
    assert {stage for stage in taxonomy.keys if stage in chat.tells and chat.label(0, stage) is None} == meant


def test_a_code_of_the_other_speaker_is_no_stage(tmp_path: Path, taxonomy: Taxonomy) -> None:
    chat, _ = read_corpus(chatcoder2(tmp_path, code(2, "910")), taxonomy)
    assert chat.stages[1] == frozenset()


def test_a_code_on_a_line_that_is_not_there_is_an_error(tmp_path: Path, taxonomy: Taxonomy) -> None:
    with pytest.raises(CorpusError, match=r"1 code\(s\) stand on lines that no chat has"):
        list(read_corpus(chatcoder2(tmp_path, code(9, "600")), taxonomy))
