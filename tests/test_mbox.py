"""Mailboxes: threads by the ids that mails name, words in any encoding, files, and what is quoted."""

from __future__ import annotations

import mailbox
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from helpers.exports import read_all, read_one, write
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ExportError

WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029>"), max_size=60).map(
    lambda t: f"·{t}·"
)
DATE = "Tue, 13 Feb 2024 21:0{}:11 +0100"


def mail(number: int, body: str = "bread?", sender: str = "Robin <Robin@mail.example>", **headers: str) -> EmailMessage:
    message = EmailMessage()
    known = {"From": sender, "To": "kim@mail.example", "Date": DATE.format(number), "Message-ID": f"<{number}@mail.example>"}
    for name, value in {**known, "Subject": "bread", **{name.replace("_", "-"): value for name, value in headers.items()}}.items():
        if value:
            message[name] = value
    message.set_content(body)
    return message


def box(folder: Path, *mails: EmailMessage) -> Path:
    path = folder / "mail.mbox"
    written = mailbox.mbox(str(path))
    for one in mails:
        written.add(one)
    written.close()
    return path


@given(texts=st.lists(WORDS, min_size=1, max_size=4))
@settings(max_examples=50)
def test_what_is_written_is_read(texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    mails = [mail(number, text, References="<1@mail.example>" if number > 1 else "") for number, text in enumerate(texts, 1)]
    found = read_one(box(tmp_path_factory.mktemp("x"), *mails))
    assert [m.text for m in found] == [f"bread\n\n{texts[0]}", *texts[1:]]


def test_threads_are_told_by_the_ids_that_mails_name(tmp_path: Path) -> None:
    path = box(
        tmp_path,
        mail(3, "three", References="<1@mail.example> <2@mail.example>"),
        mail(2, "two", sender="Kim <kim@mail.example>", In_Reply_To="<1@mail.example>"),
        mail(1, "one"),
        mail(4, "another", Subject="oats"),
    )
    (first, second), log = read_all(path)
    assert ([export.format for export in log.exports], first.platform) == (["mbox"], "email")
    assert [(m.message_id, m.speaker, m.text) for m in first.messages] == [
        ("<1@mail.example>", "robin@mail.example", "bread\n\none"),
        ("<2@mail.example>", "kim@mail.example", "two"),
        ("<3@mail.example>", "robin@mail.example", "three"),
    ]
    head = next(iter(first.messages))
    assert (head.timestamp, head.meta["speaker_name"]) == (datetime(2024, 2, 13, 20, 1, 11, tzinfo=UTC), "Robin")
    assert (second.title, [m.text for m in second.messages]) == ("oats", ["oats\n\nanother"])


def test_only_words_of_another_mail_are_quoted(tmp_path: Path) -> None:
    answer = "yes\n> my own line\n\nOn 13 Feb 2024 Robin wrote:\n> shall we bake\n> rye"
    path = box(tmp_path, mail(1, "shall we bake\nrye"), mail(2, answer, In_Reply_To="<1@mail.example>"))
    message = read_one(path)[1]
    assert message.text == "yes\n> my own line"
    assert message.meta["quoted"] == "On 13 Feb 2024 Robin wrote:\n> shall we bake\n> rye"


def test_files_and_pages_are_kept_as_what_they_are(tmp_path: Path) -> None:
    with_file = mail(1, "look")
    with_file.add_attachment(b"\xff\xd8", maintype="image", subtype="jpeg", filename="brød.jpg")
    page = mail(2, Message_ID="")
    page.set_content("<style>p {}</style><p>bread &amp; rye</p><p>now</p>", subtype="html")
    empty = mail(3, "", Subject="")
    (first, second, third), _ = read_all(box(tmp_path, with_file, page, empty))
    (one,), (two,), (three,) = (list(conversation.messages) for conversation in (first, second, third))
    assert (one.kind, one.text, one.meta["attachments"]) == ("media", "bread\n\nlook", ["brød.jpg"])
    assert two.text == "bread\n\nbread & rye\nnow"
    assert (three.kind, three.text) == ("unsupported", "")


def test_a_mail_without_a_zone_or_a_date_keeps_what_it_says(tmp_path: Path) -> None:
    path = box(tmp_path, mail(1, Date="Tue, 13 Feb 2024 21:05:11 -0000"), mail(2, References="<1@mail.example>"))
    write(path, path.read_bytes().replace(DATE.format(2).encode(), b"yesterday"))
    first, second = read_one(path)
    assert first.timestamp == datetime(2024, 2, 13, 21, 5, 11, tzinfo=UTC)
    assert (second.timestamp, second.meta["date"]) == (None, "yesterday")


def test_words_that_cannot_be_decoded_are_counted(tmp_path: Path) -> None:
    raw = b"From a@b Tue Feb 13 21:05:11 2024\nFrom: a@b\nContent-Type: text/plain; charset=utf-8\n\nbr\xf8d\n"
    (message,) = read_one(write(tmp_path / "m.mbox", raw))
    assert (message.text, message.meta["unreadable"], message.source.line) == ("br\ufffdd", 1, 1)


def test_a_header_in_an_encoding_that_does_not_exist_is_kept_as_written(tmp_path: Path) -> None:
    raw = "From a@b Tue Feb 13 21:05:11 2024\nFrom: a@b\nSubject: =?utf\u00e97?q?bread?=\n\nrye\n".encode()
    assert read_one(write(tmp_path / "m.mbox", raw))[0].text.endswith("rye")


def test_a_file_that_is_no_mailbox_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"m\.mbox:2: the file does not begin with the line `From …`"):
        read_all(write(tmp_path / "m.mbox", "\nSubject: x\n\nwords\n"), format="mbox")
