"""What comes with chats and holds none: the other files of a download, and what people sent one another."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from helpers.exports import read_all

from pipeline.ingest.detection.downloads import holds_other_data, top_folders

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


TAKEOUT = {
    "Takeout/Google Chat/Groups/DM abc/messages.json": {
        "messages": [
            {
                "creator": {"name": "sam", "email": "sam@mail.example", "user_type": "Human"},
                "created_date": "Tuesday, February 13, 2024 at 9:05:11 PM UTC",
                "text": "is the choir on tuesday",
                "topic_id": "t1",
                "message_id": "abc/t1/t1",
            }
        ]
    },
    "Takeout/Google Chat/Groups/DM abc/group_info.json": {"members": []},
    "Takeout/Google Chat/Users/User 1/user_info.json": {"user": {"name": "sam"}},
    "Takeout/Hangouts/Hangouts.json": {
        "conversations": [
            {
                "conversation": {"conversation_id": {"id": "Ugx"}, "conversation": {"participant_data": []}},
                "events": [
                    {
                        "sender_id": {"gaia_id": "1"},
                        "timestamp": "1507858311000000",
                        "chat_message": {"message_content": {"segment": [{"type": "TEXT", "text": "yes at six"}]}},
                        "event_id": "e1",
                        "event_type": "REGULAR_CHAT_MESSAGE",
                    }
                ],
            }
        ]
    },
    "Takeout/YouTube and YouTube Music/history/watch-history.html": "<html><body>Watched a lamp</body></html>",
    "Takeout/Location History/Records.json": {"locations": [{"timestamp": "2024-02-13", "latitudeE7": 1}]},
    "Takeout/Meine Aktivit\u00e4ten/Maps/Aktivit\u00e4ten.json": [{"title": "Searched", "time": "2024-02-13T21:05:11Z"}],
    "Takeout/Contacts/All.csv": "Name,Phone\nsam,1\n",
    "Takeout/archive_browser.html": "<html><body>index</body></html>",
}
PACKAGE = {
    "Messages/c12345/messages.json": [{"ID": 1, "Timestamp": "2024-02-13 21:05:11", "Contents": "choir", "Attachments": ""}],
    "Messages/c12345/channel.json": {"id": "12345", "type": "DM"},
    "Messages/index.json": {"12345": "Direct Message with robin"},
    "Account/user.json": {"id": "1", "username": "sam"},
    "Servers/index.json": {"9": "Bakers"},
    "Activity/reporting/events-2024-00000-of-00001.json": '{"event_type": "x", "timestamp": "2024-02-13", "user_id": "1"}\n',
    "README.txt": "Welcome to your data",
}
SNAPCHAT = {
    "json/chat_history.json": {
        "robin_b": [{"From": "robin_b", "Media Type": "TEXT", "Created": "2024-02-13 21:05:11 UTC", "Content": "choir"}]
    },
    "json/account.json": {"Basic Information": {"Username": "sam"}},
    "json/friends.json": {"Friends": [{"Username": "robin_b", "Display Name": "Robin"}]},
    "html/chat_history.html": "<html><body><a href='chat_history/subpage_robin_b.html'>robin_b</a></body></html>",
    "html/chat_history/subpage_robin_b.html": "<html><body><div class='rightpanel'><div style='background: #f2f2f2;'>"
    "<h4>robin_b</h4><p>choir</p><h6>2024-02-13 21:05:11 UTC</h6></div></div></body></html>",
    "html/account.html": "<html><body><h1>Account</h1></body></html>",
    "index.html": "<html><body>My Data</body></html>",
}


@pytest.mark.parametrize(
    ("members", "formats", "passed_over"),
    [
        (TAKEOUT, {"google_chat", "hangouts"}, 6),
        (PACKAGE, {"discord_package"}, 4),
        (SNAPCHAT, {"snapchat", "snapchat_html"}, 5),
    ],
    ids=["takeout", "discord", "snapchat"],
)
def test_of_a_whole_download_the_chats_are_read_and_the_rest_is_passed_over_by_name(
    members: dict[str, Any], formats: set[str], passed_over: int, tmp_path: Path
) -> None:
    _, log = read_all(archive(tmp_path / "download.zip", members))
    assert {export.format for export in log.exports} == formats
    assert (log.failed, len(log.passed_over)) == ([], passed_over)
    assert all("download.zip!/" in one.name for one in log.passed_over)


@pytest.mark.parametrize("empty", [{}, [], {"userId": "8:kim", "conversations": []}])
def test_an_export_without_messages_is_told_and_does_not_fail(empty: object, tmp_path: Path) -> None:
    members = {**SNAPCHAT, "json/snap_history.json": empty, "messages.json": empty}
    _, log = read_all(archive(tmp_path / "download.zip", members))
    assert log.failed == []
    assert [one.reason for one in log.passed_over if one.name.endswith(("snap_history.json", "messages.json"))] == [
        "it looks like an export without messages. If there should be some, export it again"
    ] * 2
