"""Reports of Cellebrite and Magnet AXIOM, as CSV, XLSX and XML: columns of several versions, zones, people, what was deleted."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from helpers.exports import read_all, write
from helpers.workbooks import workbook
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import AmbiguousDateOrder, ArchiveRefused, ExportError
from pipeline.schema import Message

CELLEBRITE = ["#", "Chat #", "Source", "Participants", "From", "Body", "Timestamp: Time", "Status", "Deleted", "Attachment #1"]
AXIOM = ["Record", "Partner", "Sender", "Receiver", "Message", "Message Sent Date/Time - UTC+00:00 (dd/MM/yyyy)", "Item ID"]
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff_"), min_size=1).map(
    lambda t: f"·{t}·"
)


def chats(*rows: list[str]) -> list[list[str]]:
    return [["Chats (2)"], CELLEBRITE, *rows]


def row(body: str = "bread?", chat: str = "1", sender: str = "+447700900123 Robin", **other: str) -> list[str]:
    base = {"#": "1", "Chat #": chat, "Source": "WhatsApp", "Participants": "Robin; Kim (owner)", "From": sender, "Body": body}
    base |= {"Timestamp: Time": "13/02/2024 21:05:11(UTC+0)"} | {name.replace("_", " "): value for name, value in other.items()}
    return [base.get(name, "") for name in CELLEBRITE]


def csv_of(rows: list[list[str]], width: int) -> str:
    return "".join(",".join(f'"{cell}"' for cell in [*one, *[""] * (width - len(one))]) + "\n" for one in rows)


def messages(path: Path, **options: str) -> list[Message]:
    conversations, _ = read_all(path, **options)
    return [message for conversation in conversations for message in conversation.messages]


@given(texts=st.lists(WORDS, min_size=1, max_size=5), sheet=st.booleans())
@settings(max_examples=50)
def test_what_is_written_is_read(texts: list[str], sheet: bool, tmp_path_factory: pytest.TempPathFactory) -> None:
    rows = chats(*(row(text.replace('"', "'")) for text in texts))
    content = workbook({"Chats": rows}) if sheet else csv_of(rows, len(CELLEBRITE))
    found = messages(write(tmp_path_factory.mktemp("x") / "report", content))
    assert [m.text for m in found] == [text.replace('"', "'") for text in texts]


@pytest.mark.parametrize("sheet", [True, False])
def test_cellebrites_chats_are_told_apart_with_all_that_the_report_says(sheet: bool, tmp_path: Path) -> None:
    first = row("one", Deleted="Yes", Status="Read")
    second = row("two", chat="", sender="Kim (owner)", Participants="", Source="")
    third = row("", chat="2", sender="+447700900123 Robin")
    third[CELLEBRITE.index("Attachment #1")] = "bread.jpg"
    rows = chats(first, second, third, row("Kim left", chat="2", sender="System Message System Message"))
    path = write(tmp_path / "report", workbook({"Contacts": [["Name"], ["Kim"]], "Chats": rows}) if sheet else csv_of(rows, 10))
    (one, two), log = read_all(path)
    assert [export.format for export in log.exports] == ["cellebrite"]
    assert [c.conversation_id.partition("/")[2] for c in (one, two)] == ["1", "2"]
    assert one.platform == "whatsapp"
    assert [(m.speaker, m.text, m.kind) for c in (one, two) for m in c.messages] == [
        ("+447700900123 Robin", "one", "message"),
        ("Kim (owner)", "two", "message"),
        ("+447700900123 Robin", "", "media"),
        (None, "Kim left", "system"),
    ]
    recovered, owned = one.messages
    assert (recovered.meta["deleted"], recovered.meta["status"]) == ("Yes", "Read")
    assert owned.meta["owner"] is True
    assert next(iter(two.messages)).meta["attachments"] == ["bread.jpg"]
    assert recovered.timestamp == datetime(2024, 2, 13, 21, 5, 11, tzinfo=UTC)


def test_cellebrites_sms_name_a_party_and_a_folder(tmp_path: Path) -> None:
    header = ["#", "Folder", "Party", "Timestamp: Date", "Timestamp: Time", "Message"]
    rows = [
        ["1", "Inbox", "From: +447700900123 Robin", "13/02/2024", "21:05:11(UTC+0)", "bread?"],
        ["2", "Sent", "To: +447700900123 Robin", "13/02/2024", "21:06:11(UTC+0)", "yes"],
    ]
    (conversation,), _ = read_all(write(tmp_path / "r.xlsx", workbook({"SMS Messages": [["SMS Messages (2)"], header, *rows]})))
    found = list(conversation.messages)
    assert [(m.speaker, m.text) for m in found] == [("+447700900123 Robin", "bread?"), ("Me", "yes")]
    assert found[1].timestamp == datetime(2024, 2, 13, 21, 6, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "time", "expected"),
    [
        ("Message Sent Date/Time - UTC+00:00 (dd/MM/yyyy)", "03/04/2024 21:05:11", datetime(2024, 4, 3, 21, 5, 11, tzinfo=UTC)),
        ("Message Sent Date/Time - UTC+02:00 (MM/dd/yyyy)", "3/4/2024 9:05:11 PM", datetime(2024, 3, 4, 19, 5, 11, tzinfo=UTC)),
        ("Created Date/Time - (UTC) (yyyy-MM-dd)", "2024-02-13 21:05:11", datetime(2024, 2, 13, 21, 5, 11, tzinfo=UTC)),
        ("Sent Date/Time - Local Time (dd/MM/yyyy)", "13/02/2024 21:05:11", datetime(2024, 2, 13, 21, 5, 11)),
    ],
)
def test_axioms_header_says_the_zone_and_the_order_of_dates(header: str, time: str, expected: datetime, tmp_path: Path) -> None:
    columns = [*AXIOM[:5], header, *AXIOM[6:]]
    rows = [
        columns,
        ["1", "robin_b", "kim", "robin_b", "bread?", time, "100"],
        ["2", "robin_b", "robin_b", "kim", "yes", time, "101"],
    ]
    (conversation,), log = read_all(write(tmp_path / "WhatsApp Messages.csv", csv_of(rows, 7)))
    assert [export.format for export in log.exports] == ["axiom"]
    assert [(m.speaker, m.timestamp, m.meta["Item ID"]) for m in conversation.messages] == [
        ("kim", expected, "100"),
        ("robin_b", expected, "101"),
    ]


def test_times_without_an_order_in_the_header_are_told_by_all_rows(tmp_path: Path) -> None:
    columns = [*AXIOM[:5], "Sent Date/Time", "Item ID"]
    rows = [columns, ["1", "r", "kim", "r", "one", "03/04/2024 21:05", "1"]]
    path = write(tmp_path / "a.csv", csv_of(rows, 7))
    with pytest.raises(AmbiguousDateOrder):
        read_all(path)
    assert messages(path, date_order="mdy", timezone="Europe/Madrid")[0].timestamp == datetime(2024, 3, 4, 20, 5, tzinfo=UTC)


def test_times_with_and_without_a_zone_in_one_chat_are_put_in_order_by_their_clocks(tmp_path: Path) -> None:
    rows = chats(row("two"), [*row("one")[:6], "13/02/2024 21:04:11"])
    assert [m.text for m in messages(write(tmp_path / "r.xlsx", workbook({"C": rows})))] == ["one", "two"]


def test_words_without_a_sender_are_somebodys_and_a_name_makes_no_system_row(tmp_path: Path) -> None:
    found = messages(
        write(tmp_path / "r.xlsx", workbook({"C": chats(row("one", sender=""), row("two", sender="System Message Kim"))}))
    )
    assert [(m.kind, m.speaker) for m in found] == [("message", "unknown"), ("message", "System Message Kim")]


def test_a_chat_with_a_line_like_a_header_stays_a_chat(tmp_path: Path) -> None:
    lines = ["13/02/2024, 21:05 - Kim: look", ",".join(CELLEBRITE), "13/02/2024, 21:06 - Robin: yes", "13/02/2024, 21:07 - Kim: ok"]
    _, log = read_all(write(tmp_path / "chat.txt", "\n".join(lines) + "\n"))
    assert [export.format for export in log.exports] == ["whatsapp"]


def value(name: str, text: str) -> str:
    return f'<field name="{name}" type="String"><value type="String"><![CDATA[{text}]]></value></field>'


def party(name: str, identifier: str, *, owner: bool = False) -> str:
    return f'<model type="Party">{value("Identifier", identifier)}{value("Name", name)}{value("IsPhoneOwner", str(owner))}</model>'


def instant(number: int, sender: str, body: str, more: str = "", state: str = "Intact") -> str:
    return (
        f'<model type="InstantMessage" id="m{number}" deleted_state="{state}">'
        f'<modelField name="From" type="Party">{sender}</modelField>{value("Body", body)}'
        f'<field name="TimeStamp" type="TimeStamp"><value type="TimeStamp">2024-02-13T21:0{number}:11.000+00:00</value></field>'
        f"{more}</model>\n"
    )


def report(*models: str) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<project id="x" reportVersion="5.3" '
        f'xmlns="http://pa.cellebrite.com/report/2.0"><decodedData>\n{"".join(models)}</decodedData></project>\n'
    )


KIM, ROBIN = party("Kim", "kim@mail.example", owner=True), party("Robin", "+447700900123")
FILE = f'<multiModelField name="Attachments"><model type="Attachment">{value("Filename", "a.jpg")}</model></multiModelField>'
CHAT = (
    '<modelType type="Chat"><model type="Chat" id="c1">'
    f"{value('Source', 'WhatsApp')}{value('Name', 'Bakers')}"
    f'<multiModelField name="Participants" type="Party">{KIM}{ROBIN}</multiModelField>'
    '<multiModelField name="Messages" type="InstantMessage">'
    + instant(1, ROBIN, "bread?")
    + instant(2, party("Kim", "kim@mail.example"), "yes", FILE, state="Deleted")
    + "</multiModelField></model></modelType>\n"
)


def test_cellebrites_xml_is_read_alone_and_in_its_archive(tmp_path: Path) -> None:
    plain = write(tmp_path / "report.xml", report(CHAT))
    with zipfile.ZipFile(tmp_path / "case.ufdr", "w") as archive:
        archive.writestr("report.xml", report(CHAT))
        archive.writestr("files/Image/a.jpg", b"\xff\xd8\xff")
    for path in (plain, tmp_path / "case.ufdr"):
        (conversation,), log = read_all(path)
        assert [export.format for export in log.exports] == ["cellebrite"]
        assert (conversation.title, conversation.platform) == ("Bakers", "whatsapp")
        first, second = conversation.messages
        assert (first.message_id, first.speaker, first.text, first.meta["speaker_name"]) == (
            "m1",
            "+447700900123",
            "bread?",
            "Robin",
        )
        assert first.source.line is not None
        assert (second.kind, second.meta["deleted"], second.meta["owner"]) == ("media", "Deleted", True)
        assert second.meta["attachments"] == ["a.jpg"]


def test_sms_of_cellebrites_xml_are_put_together_by_the_other_party(tmp_path: Path) -> None:
    def sms(number: int, folder: str, role: str) -> str:
        parties = f'<model type="Party">{value("Role", role)}{value("Identifier", "+447700900123")}</model>'
        who = f'<multiModelField name="Parties">{parties}</multiModelField>'
        return f'<model type="SMS" id="s{number}">{value("Folder", folder)}{value("Body", "bread")}{who}</model>'

    (conversation,), _ = read_all(
        write(tmp_path / "r.xml", report(f'<modelType type="SMS">{sms(1, "Inbox", "From")}{sms(2, "Sent", "To")}</modelType>'))
    )
    assert [m.speaker for m in conversation.messages] == ["+447700900123", "Me"]


def test_axioms_xml_is_read_and_other_artifacts_are_passed_over(tmp_path: Path) -> None:
    def hit(fragments: dict[str, str]) -> str:
        return "<Hit>" + "".join(f'<Fragment name="{name}">{text}</Fragment>' for name, text in fragments.items()) + "</Hit>\n"

    rows = [dict(zip(AXIOM, ["1", "robin", "kim", "robin", "bread &amp; rye", "13/02/2024 21:05:11", "100"], strict=True))]
    content = (
        f'<?xml version="1.0"?>\n<Artifacts><Artifact name="Chrome History"><Hits>{hit({"URL": "https://a.example"})}</Hits></Artifact>'
        f'<Artifact name="WhatsApp Messages"><Hits>{"".join(map(hit, rows))}</Hits></Artifact></Artifacts>\n'
    )
    (conversation,), log = read_all(write(tmp_path / "a.xml", content))
    assert [export.format for export in log.exports] == ["axiom"]
    (message,) = conversation.messages
    assert (conversation.platform, message.speaker, message.text) == ("whatsapp messages", "kim", "bread & rye")


def test_damage_is_named_by_its_place(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"r\.xml:4: not valid XML"):
        read_all(write(tmp_path / "r.xml", report(CHAT)[:-600]))
    with pytest.raises(ExportError, match=r"r\.csv:3: `timestamp` is no time"):
        read_all(write(tmp_path / "r.csv", csv_of(chats([*row()[:6], "noon", "", "", ""]), 10)))
    with pytest.raises(ExportError, match=r"r\.xlsx: record 3: `timestamp` is no time"):
        read_all(write(tmp_path / "r.xlsx", workbook({"C": chats([*row()[:6], "noon"])})))
    with pytest.raises(ExportError, match="no table with the columns of a report by Cellebrite"):
        read_all(write(tmp_path / "x.csv", "a,b\n1,2\n"), format="cellebrite")
    with pytest.raises(ArchiveRefused, match="document type"):
        read_all(write(tmp_path / "d.xml", "<!DOCTYPE x []>" + report(CHAT)), format="cellebrite")
