"""SMS Backup & Restore: threads by address, MMS with parts, and emoji that the app writes as no XML."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest
from helpers.exports import read_all, read_one, write
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ArchiveRefused, ExportError
from pipeline.ingest.parsing.xml_repair import XmlRepair

KIM, PAT = "+447700900123", "+447700900124"
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1)


def attribute(text: str) -> str:
    """Write a text as Java does: what is beyond the first plane as two references."""
    halves = "".join(
        character if ord(character) < 0x10000 else "\0{};\0{};".format(*memoryview(character.encode("utf-16-le")).cast("H"))
        for character in text
    )
    return quoteattr(halves).replace("\0", "&#")


def sms(body: str, address: str = KIM, type_: int = 1, date: int = 1707858311000, name: str = "Kim") -> str:
    return (
        f'<sms protocol="0" address="{address}" date="{date}" type="{type_}" subject="null" body={attribute(body)} toa="null" '
        f'read="1" status="-1" date_sent="0" readable_date="13 Feb 2024 21:05:11" contact_name="{name}" />'
    )


def mms(*parts: str, address: str = KIM, box: int = 1, sender: str = KIM, date: int = 1707858311000) -> str:
    return (
        f'<mms date="{date}" msg_box="{box}" address="{address}" m_type="132" sub="null" contact_name="(Unknown)">'
        f"<parts>{''.join(parts)}</parts>"
        f'<addrs><addr address="{sender}" type="137" charset="106" /><addr address="{PAT}" type="151" /></addrs></mms>'
    )


def words(text: str) -> str:
    return f'<part seq="0" ct="text/plain" name="null" cl="text_0.txt" text={attribute(text)} />'


PHOTO = '<part seq="0" ct="image/jpeg" name="bread.jpg" cl="null" text="null" data="AAAA" />'
SMIL = '<part seq="-1" ct="application/smil" name="smil.xml" text="&lt;smil/&gt;" />'


def backup(folder: Path, *elements: str) -> Path:
    head = "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n<!--File Created By SMS Backup & Restore-->\n"
    return write(folder / "sms-20240213.xml", head + f'<smses count="{len(elements)}">\n' + "\n".join(elements) + "\n</smses>\n")


@given(texts=st.lists(WORDS, min_size=1, max_size=5))
def test_what_is_written_is_read(texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = read_one(backup(Path(folder), *(sms(text) for text in texts)))
    assert [(m.speaker, m.text) for m in found] == [(KIM, text) for text in texts]


@given(content=WORDS, size=st.integers(1, 20))
def test_a_repair_does_not_depend_on_where_the_blocks_end(content: str, size: int) -> None:
    whole = attribute(content + "😀" * 3).encode()
    blocks = [whole[start : start + size] for start in range(0, len(whole), size)]
    assert b"".join(XmlRepair().blocks(iter(blocks))) == b"".join(XmlRepair().blocks(iter([whole])))


def test_threads_are_told_by_the_address_however_it_is_written(tmp_path: Path) -> None:
    path = backup(tmp_path, sms("bread?"), sms("yes", type_=2, address="07700 900123"), sms("hi", address=PAT, name="Pat"))
    (first, second), log = read_all(path)
    assert [export.format for export in log.exports] == ["sms"]
    assert (first.conversation_id, first.title, first.platform) == (KIM, "Kim", "sms")
    assert [(m.speaker, m.text, m.source.line) for m in first.messages] == [(KIM, "bread?", 4), ("Me", "yes", 5)]
    one, two = first.messages
    assert (one.timestamp, one.meta["speaker_name"]) == (datetime(2024, 2, 13, 21, 5, 11, tzinfo=UTC), "Kim")
    assert two.meta["owner"] is True
    assert [m.speaker for m in second.messages] == [PAT]


def test_a_group_is_a_thread_of_its_own_with_the_sender_of_each_message(tmp_path: Path) -> None:
    group = f"{KIM}~{PAT}"
    path = backup(tmp_path, mms(words("one"), address=group, sender=PAT), mms(words("two"), address=f"{PAT}~{KIM}", box=2))
    (conversation,), _ = read_all(path)
    assert conversation.conversation_id == group
    assert [(m.speaker, m.text) for m in conversation.messages] == [(PAT, "one"), ("Me", "two")]


def test_mms_stand_behind_all_sms_in_the_file_and_come_in_order_of_time(tmp_path: Path) -> None:
    path = backup(tmp_path, sms("one", date=1000_000), sms("three", date=3000_000), mms(words("two"), date=2000_000))
    assert [m.text for m in read_one(path)] == ["one", "two", "three"]


def test_files_drafts_and_messages_that_were_not_fetched_are_kept_as_what_they_are(tmp_path: Path) -> None:
    found = read_one(backup(tmp_path, sms("soon", type_=3), mms(SMIL, words("look"), PHOTO), mms(), sms("null")))
    assert [(m.kind, m.speaker, m.text) for m in found] == [
        ("message", "Me", "soon"),
        ("media", KIM, "look"),
        ("unsupported", KIM, ""),
        ("message", KIM, "null"),
    ]
    assert found[0].meta["status"] == "draft"
    assert (found[1].meta["attachments"], found[1].meta["media_type"]) == (["bread.jpg"], "image/jpeg")


def test_a_subject_stands_before_the_words(tmp_path: Path) -> None:
    path = backup(
        tmp_path, mms(words("rye")).replace('sub="null"', 'sub="bread"'), mms(words("oats")).replace('sub="null"', 'sub="proto:x"')
    )
    assert [m.text for m in read_one(path)] == ["bread\nrye", "oats"]


def test_characters_that_no_xml_can_hold_are_told_and_read_as_lost(tmp_path: Path) -> None:
    path = backup(tmp_path, sms("x").replace('"x"', '"a&#55357;b&#xDE00;&#0;c&#x1F600;&#xd83d;&#xde00;"'))
    (conversation,), log = read_all(path)
    assert [m.text for m in conversation.messages] == ["a\ufffdb\ufffd\ufffdc😀😀"]
    assert [warning.what for warning in log.warnings] == ["3 character(s) that no XML can hold were read as U+FFFD"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<smses><sms", r"sms\.xml:1: not valid XML"),
        ("<smses>\n<sms address='1' date='x' type='1' body='a'/></smses>", r"sms\.xml:2: a message is not of the form"),
        ("<smses>\n<sms address='1' date='1' body='a'/></smses>", r"sms\.xml:2: a message is not of the form"),
        ("<smses>\n<call number='1'/></smses>", r"sms\.xml:2: an element `call` stands here"),
        ("<conversations/>", r"sms\.xml:1: an element `conversations`"),
    ],
)
def test_damage_is_named_by_its_line(content: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=said):
        read_all(write(tmp_path / "sms.xml", content), format="sms")


def test_a_document_type_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveRefused, match="document type"):
        read_all(write(tmp_path / "s.xml", '<!DOCTYPE smses [<!ENTITY a "b">]><smses/>'), format="sms")


def test_a_list_of_calls_is_no_chat(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="a list of calls"):
        read_all(write(tmp_path / "calls.xml", '<?xml version="1.0"?><calls count="0"></calls>'))
