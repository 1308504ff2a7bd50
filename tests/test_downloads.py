"""What comes with chats and holds none: the other files of a download, and what people sent one another."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from exports import read_all

from pipeline.ingest.downloads import holds_other_data, top_folders

META = {
    "participants": [{"name": "robin"}, {"name": "sam"}],
    "messages": [
        {"sender_name": "robin", "timestamp_ms": 1707858311000, "content": "is the choir on tuesday"},
        {"sender_name": "sam", "timestamp_ms": 1707858321000, "content": "yes at six"},
    ],
    "title": "robin",
    "thread_path": "inbox/robin_1",
}
CHAT = "12/02/2024, 20:31 - robin: is the choir on tuesday\n12/02/2024, 20:32 - sam: yes at six\n13/02/2024, 20:32 - sam: see you\n"


def archive(path: Path, members: dict[str, Any]) -> Path:
    with zipfile.ZipFile(path, "w") as opened:
        for name, content in members.items():
            opened.writestr(name, content if isinstance(content, str) else json.dumps(content))
    return path


def test_the_other_files_of_a_download_are_passed_over_and_do_not_fail(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "facebook.zip",
        {
            "your_facebook_activity/messages/inbox/robin_1/message_1.json": META,
            "personal_information/profile.json": {"name": "sam"},
            "ads/clicks.csv": "what,when\na lamp,monday\n",
            "start_here.html": "<html><body>Welcome</body></html>",
        },
    )
    conversations, log = read_all(path)
    assert len(conversations) == 1
    assert log.failed == []
    assert len(log.passed_over) == 3


def test_a_file_among_the_chats_of_a_download_that_cannot_be_told_fails(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "facebook.zip",
        {
            "your_facebook_activity/messages/inbox/robin_1/message_1.json": META,
            "your_facebook_activity/messages/inbox/kim_2/message_1.json": {"something": "else"},
        },
    )
    _, log = read_all(path)
    assert [one.name.rpartition("inbox/")[2] for one in log.failed] == ["kim_2/message_1.json"]


@pytest.mark.parametrize("name", ["minutes.csv", "page.html", "data.json"])
def test_what_people_sent_one_another_does_not_fail(name: str, tmp_path: Path) -> None:
    content = '{"a": 1}' if name.endswith("json") else "a,b\n1,2\n" if name.endswith("csv") else "<html><p>choir</p></html>"
    _, log = read_all(archive(tmp_path / "WhatsApp Chat with robin.zip", {"WhatsApp Chat with robin.txt": CHAT, name: content}))
    assert log.failed == []
    assert len(log.passed_over) == 1


def test_a_table_beside_a_chat_in_a_folder_fails(tmp_path: Path) -> None:
    (tmp_path / "chat.txt").write_text(CHAT, "utf-8")
    (tmp_path / "minutes.csv").write_text("a,b\n1,2\n", "utf-8")
    _, log = read_all(tmp_path)
    assert [Path(one.name).name for one in log.failed] == ["minutes.csv"]


def test_the_parts_of_one_download_are_one() -> None:
    folders = top_folders(
        [("google_chat", PurePosixPath("/e/takeout-20240213-001.zip/Takeout/Google Chat/Groups/x/messages.json"))]
    )
    other = PurePosixPath("/e/takeout-20240213-002.zip/Takeout/Mail/settings.json")
    assert holds_other_data(other, folders)
    assert not holds_other_data(PurePosixPath("/e/takeout-20240213-002.zip/Takeout/Google Chat/x.json"), folders)
    assert not holds_other_data(PurePosixPath("/f/settings.json"), folders)
