"""A small export of each format that has no sample in data/samples: what the fuzzer begins with, and what detection is held to."""

from __future__ import annotations

from helpers.page_seeds import PAGE_SEEDS
from helpers.workbooks import workbook

_CELLEBRITE = [
    ["Chats (2)", "", "", "", "", "", ""],
    ["Chat #", "Source", "Participants", "From", "Body", "Timestamp: Time", "Status"],
    ["1", "WhatsApp", "Robin; Kim (owner)", "+447700900123 Robin", "bread?", "13/02/2024 21:05:11(UTC+0)", "Read"],
    ["1", "WhatsApp", "Robin; Kim (owner)", "Kim (owner)", "yes", "13/02/2024 21:06:11(UTC+0)", "Sent"],
]
_AXIOM = "Record,Partner,Sender,Receiver,Message,Message Sent Date/Time - UTC+00:00 (dd/MM/yyyy),Item ID\n"

SEEDS: dict[str, tuple[str, str | bytes]] = PAGE_SEEDS | {
    "whatsapp_exporter": (
        "result.json",
        '{"447700900123@s.whatsapp.net": {"name": "Robin", "type": "android", "messages": {"1": {"from_me": true, '
        '"timestamp": 1707858311.0, "media": false, "key_id": "A", "meta": false, "data": "bread?", "sender": null}, '
        '"2": {"from_me": false, "timestamp": 1707858371.0, "media": true, "key_id": "B", "meta": false, "data": "a.jpg", '
        '"sender": null, "caption": "yes <br>rye", "mime": "image/jpeg"}}}}',
    ),
    "signal_desktop": (
        "Robin.json",
        '[{"id": "m1", "conversationId": "chat-1", "type": "incoming", "sent_at": 1707858311000, "received_at": 5, "source": '
        '"+447700900123", "sourceServiceId": "aci", "body": "bread?", "reactions": [{"emoji": "x", "fromId": "y"}]}, {"id": "m2", '
        '"conversationId": "chat-1", "type": "outgoing", "sent_at": 1707858371000, "body": "yes", "quote": {"text": "rye?"}, '
        '"attachments": [{"fileName": "a.jpg"}]}, {"id": "m3", "conversationId": "chat-1", "type": "keychange", "sent_at": 5}]',
    ),
    "discord_api": (
        "messages.json",
        '[{"id": "2", "type": 19, "channel_id": "123", "content": "yes", "timestamp": "2024-02-13T21:06:11.123000+00:00", '
        '"author": {"id": "12", "username": "robin"}, "message_reference": {"message_id": "1", "channel_id": "123"}}, '
        '{"id": "1", "type": 0, "channel_id": "123", "content": "bread?", "timestamp": "2024-02-13T21:05:11.123000+00:00", '
        '"author": {"id": "11", "username": "kim", "global_name": "Kim"}, "attachments": [{"id": "5", "filename": "a.png"}]}]',
    ),
    "discord_package": (
        "messages.json",
        '[{"ID": 1207000000000000002, "Timestamp": "2024-02-13 21:06:11", "Contents": "yes", "Attachments": "https://x.example"}, '
        '{"ID": 1207000000000000001, "Timestamp": "2024-02-13 21:05:11", "Contents": "bread?", "Attachments": ""}]',
    ),
    "discord_package-csv": (
        "messages.csv",
        "ID,Timestamp,Contents,Attachments\n1207000000000000002,2024-02-13 21:06:11.123000+00:00,"
        '"yes,\nof rye",https://x.example/a\n1207000000000000001,2024-02-13 21:05:11+00:00,bread?,\n',
    ),
    "snapchat-lists": (
        "chat_history.json",
        '{"Received Saved Chat History": [{"From": "robin_b", "Media Type": "TEXT", "Created": "2021-02-13 21:06:11 UTC", '
        '"Text": "yes"}], "Sent Saved Chat History": [{"To": "robin_b", "Media Type": "TEXT", "Created": '
        '"2021-02-13 21:05:11 UTC", "Text": "bread?"}]}',
    ),
    "snapchat_return": (
        "conversations.csv",
        '=====================\nThis is what the columns hold, and "quotes\n=====================\n\n'
        "content_type,message_type,conversation_id,message_id,reply_to_message_id,conversation_title,sender_username,"
        "sender_user_id,recipient_username,recipient_user_id,text,media_id,is_saved,is_one_on_one,timestamp\n"
        "TEXT,chat,aaaa,1,,,kim,1,robin_b,2,bread?,,true,true,Tue Feb 13 21:05:11 UTC 2024\n"
        'TEXT,chat,aaaa,2,1,,robin_b,2,kim,1,"yes,\nof rye",,true,true,Tue Feb 13 21:06:11 UTC 2024\n',
    ),
    "tiktok": (
        "user_data_tiktok.json",
        '{"Activity": {"Login History": {"LoginHistoryList": []}}, "Direct Message": {"Direct Messages": {"ChatHistory": {'
        '"Chat History with robin_b:": [{"Date": "2024-02-13 21:06:11", "From": "robin_b", "Content": "yes"}, '
        '{"Date": "2024-02-13 21:05:11", "From": "kim", "Content": "bread?"}]}}, "Group Chat": {"GroupChat": {}}}}',
    ),
    "tiktok-text": (
        "Direct Messages.txt",
        ">>> Chat History with robin_b::\n\n2024-02-13 21:06:11 UTC robin_b: yes\n2024-02-13 21:05:11 UTC kim: bread?\nrye\n\n"
        ">>> Chat History with pat::\n\n2024-02-13 21:05:11 UTC pat: hello\n",
    ),
    "signal_backup": (
        "main.jsonl",
        '{"version": "1", "backupTimeMs": "1707858400000"}\n{"account": {"givenName": "Kim"}}\n'
        '{"recipient": {"id": "1", "self": {}}}\n'
        '{"recipient": {"id": "2", "contact": {"aci": "YWNp", "e164": "447700900123", "profileGivenName": "Robin"}}}\n'
        '{"chat": {"id": "1", "recipientId": "2"}}\n'
        '{"chatItem": {"chatId": "1", "authorId": "2", "dateSent": "1707858311000", "incoming": {"read": true}, '
        '"standardMessage": {"text": {"body": "bread?"}, "reactions": [{"emoji": "\\ud83c\\udf5e", "authorId": "1"}]}}}\n'
        '{"chatItem": {"chatId": "1", "authorId": "1", "dateSent": "1707858371000", "outgoing": {}, '
        '"updateMessage": {"individualCall": {"type": "AUDIO_CALL"}}}}\n',
    ),
    "skype": (
        "messages.json",
        '{"userId": "8:live:kim", "conversations": [{"id": "8:live:robin", "displayName": "Robin", "MessageList": [{"id": "2", '
        '"originalarrivaltime": "2024-02-13T21:06:11.123Z", "messagetype": "RichText", "content": "yes &amp; <b>rye</b>", '
        '"from": "8:live:kim"}, {"id": "1", "originalarrivaltime": "2024-02-13T21:05:11.123Z", "messagetype": "Text", '
        '"content": "bread?", "from": "8:live:robin"}]}]}',
    ),
    "teams": (
        "teams.json",
        '[{"id": "1", "messageType": "message", "createdDateTime": "2024-02-13T21:05:11Z", "from": {"user": {"displayName": '
        '"Robin"}}, "body": {"contentType": "html", "content": "<p>bread?</p>"}, "chatId": "19:x"}]',
    ),
    "matrix": (
        "export.json",
        '{"room_name": "Bakers", "room_creator": "@kim:example.org", "topic": "", "messages": [{"type": "m.room.message", '
        '"sender": "@robin:example.org", "content": {"msgtype": "m.text", "body": "bread?"}, "origin_server_ts": '
        '1707858311000, "event_id": "$1", "room_id": "!a:example.org"}]}',
    ),
    "sms": (
        "sms-20240213.xml",
        "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n<smses count=\"2\">\n"
        '<sms address="+447700900123" date="1707858311000" type="1" body="bread? &#55357;&#56832;" contact_name="Kim" />\n'
        '<mms address="+447700900123~+447700900124" date="1707858371000" msg_box="1"><parts>'
        '<part ct="text/plain" text="rye" /><part ct="image/jpeg" cl="a.jpg" data="AAAA" /></parts>'
        '<addrs><addr address="+447700900124" type="137" /></addrs></mms>\n</smses>\n',
    ),
    "line": (
        "[LINE]Robin.txt",
        "[LINE] Chat history with Robin\nSaved on: 2024/02/14 08:00\n\n2024/02/13(Tue)\n21:05\tRobin\tbread?\n"
        '21:06\tKim\t"yes\nof rye"\n21:07\t\tRobin unsent a message.\n\n2024/02/14(Wed)\n9:05\tKim\t[Photo]\n',
    ),
    "line-computer": ("line.txt", "2024.02.13 火曜日\n21:05 Robin bread?\n21:06 Kim yes\n2024.02.14 水曜日\n09:05 Kim rye\n"),
    "kakaotalk": (
        "KakaoTalkChats.txt",
        "지우 님과 카카오톡 대화\n저장한 날짜 : 2024년 2월 14일 오전 8:00\n\n2024년 2월 13일 오후 9:05\n"
        "2024년 2월 13일 오후 9:05, 지우 : 빵?\n둘째 줄\n"
        "2024년 2월 13일 오후 9:06, 민호 : 네\n2024년 2월 13일 오후 9:07, 민호님이 나갔습니다.\n",
    ),
    "kakaotalk-windows": (
        "KakaoTalk.txt",
        "지우 님과 카카오톡 대화\n저장한 날짜 : 2024-02-14 08:00:00\n\n--------------- 2024년 2월 13일 화요일 ---------------\n"
        "[지우] [오후 9:05] 빵?\n[민호] [오후 9:06] 네\n민호님이 나갔습니다.\n",
    ),
    "viber": (
        "Messages - Robin.csv",
        '13/02/2024,21:05:11,Robin,+447700900123,bread?\n13/02/2024,21:06:11,Me,+447700900124,"yes\nof rye"\n'
        "13/02/2024,21:07:11,Robin,+447700900123,Photo message\n",
    ),
    "viber-text": ("Robin.txt", "[ 13/02/2024 21:05 ] Robin: bread?\n[ 13/02/2024 21:06 ] Me: yes\nof rye\n"),
    "cellebrite": ("chats.csv", "".join(",".join(row) + "\n" for row in _CELLEBRITE)),
    "cellebrite-workbook": ("report.xlsx", workbook({"Contacts": [["Name"], ["Kim"]], "Chats": _CELLEBRITE})),
    "cellebrite-xml": (
        "report.xml",
        '<?xml version="1.0"?>\n<project reportVersion="5.3" xmlns="http://pa.cellebrite.com/report/2.0"><decodedData>\n'
        '<modelType type="Chat"><model type="Chat" id="c1"><field name="Source"><value>WhatsApp</value></field>'
        '<multiModelField name="Messages"><model type="InstantMessage" id="m1"><modelField name="From"><model type="Party">'
        '<field name="Name"><value>Robin</value></field></model></modelField><field name="Body"><value>bread?</value></field>'
        '<field name="TimeStamp"><value>2024-02-13T21:05:11.000+00:00</value></field></model></multiModelField></model>'
        "</modelType></decodedData></project>\n",
    ),
    "axiom": (
        "WhatsApp Messages.csv",
        f"{_AXIOM}1,robin,kim,robin,bread?,13/02/2024 21:05:11,100\n2,robin,robin,kim,yes,13/02/2024 21:06:11,101\n",
    ),
    "axiom-xml": (
        "export.xml",
        '<?xml version="1.0"?>\n<Artifacts><Artifact name="WhatsApp Messages"><Hits><Hit><Fragment name="Sender">kim</Fragment>'
        '<Fragment name="Receiver">robin</Fragment><Fragment name="Message">bread?</Fragment>'
        '<Fragment name="Message Sent Date/Time - UTC+00:00 (dd/MM/yyyy)">13/02/2024 21:05:11</Fragment></Hit></Hits></Artifact>'
        "</Artifacts>\n",
    ),
    "xlsx": (
        "chats.xlsx",
        workbook(
            {
                "A": [
                    ["conversation_id", "speaker", "timestamp", "text"],
                    ["c", "kim", "2024-02-13", "bread?"],
                    ["c", "pat", "", "yes"],
                ]
            }
        ),
    ),
    "imessage_exporter": (
        "+447700900123.txt",
        "Feb 13, 2024  9:05:11 PM (Read by you after 3 seconds)\n+447700900123\nbread?\nTapbacks:\nLoved by Me\n\n"
        "    Feb 13, 2024  9:06:11 PM\n    Me\n    yes\n\nFeb 13, 2024  9:06:11 PM\nMe\nyes\n"
        "This message responded to an earlier message.\n\nFeb 13, 2024  9:07:00 PM Kim named the conversation Bakers\n\n",
    ),
    "mbox": (
        "mail.mbox",
        "From robin@mail.example Tue Feb 13 21:05:11 2024\nFrom: Robin <robin@mail.example>\nTo: kim@mail.example\n"
        "Date: Tue, 13 Feb 2024 21:05:11 +0000\nMessage-ID: <1@mail.example>\nSubject: =?utf-8?q?br=C3=B8d?=\n\nshall we bake\n\n"
        "From kim@mail.example Tue Feb 13 21:06:11 2024\nFrom: kim@mail.example\nDate: Tue, 13 Feb 2024 22:06:11 +0100\n"
        "Message-ID: <2@mail.example>\nIn-Reply-To: <1@mail.example>\nSubject: Re: bread\n"
        'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain; charset=utf-8\n\nyes\n> shall we bake\n--b\n'
        "Content-Type: image/jpeg\nContent-Disposition: attachment; filename=a.jpg\nContent-Transfer-Encoding: base64\n\n"
        "AAAA\n--b--\n",
    ),
    "google_chat": (
        "messages.json",
        '{"messages": [{"creator": {"name": "Kim", "email": "kim@mail.example", "user_type": "Human"}, "created_date": '
        '"Tuesday, February 13, 2024 at 9:05:11 PM UTC", "text": "bread?", "topic_id": "t1", "message_id": "abc/t1/t1"}, '
        '{"message_state": "DELETED", "deleted_date": "Dienstag, 13. Februar 2024 um 21:07:11 UTC", "topic_id": "t3", '
        '"deletion_metadata": {"deletion_type": "CREATOR"}, "message_id": "abc/t3/t3"}]}',
    ),
    "hangouts": (
        "Hangouts.json",
        '{"conversations": [{"conversation": {"conversation_id": {"id": "Ugx"}, "conversation": {"participant_data": '
        '[{"id": {"gaia_id": "1"}, "fallback_name": "Kim"}]}}, "events": [{"sender_id": {"gaia_id": "1"}, "timestamp": '
        '"1707858311000000", "chat_message": {"message_content": {"segment": [{"type": "TEXT", "text": "bread?"}, '
        '{"type": "LINE_BREAK"}]}}, "event_id": "e1", "event_type": "REGULAR_CHAT_MESSAGE"}]}]}',
    ),
    "google_voice": (
        "Robin - Text - 2024-02-13T21_05_11Z.html",
        '<?xml version="1.0" ?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/x.dtd">\n'
        '<html><head><title>Robin</title></head><body><div class="hChatLog hfeed">\n'
        '<div class="message"><abbr class="dt" title="2024-02-13T21:05:11.123+00:00">x</abbr>: <cite class="sender vcard">'
        '<a class="tel" href="tel:+447700900123"><span class="fn">Robin</span></a></cite>: <q>bread?<br>rye</q></div>\n'
        '<div class="message"><abbr class="dt" title="2024-02-13T21:06:11.123+00:00">x</abbr>: <cite class="sender vcard">'
        '<a class="tel" href="tel:+447700900124"><abbr class="fn" title="">Me</abbr></a></cite>: <q>yes</q></div></div>'
        "</body></html>\n",
    ),
    "imessage_exporter-html": (
        "+447700900123.html",
        '<html><head><meta charset="UTF-8"></head><body>\n<div class="message"><div class="received"><p><span class="timestamp">'
        'Feb 13, 2024  9:05:11 PM (Read by you after 3 seconds)</span><span class="sender">+447700900123</span></p><hr>'
        '<div class="message_part"><span class="bubble">bread?</span></div><div class="tapbacks"><p>Tapbacks:</p>'
        '<div class="tapback"><span><b>Loved</b> by Me</span></div></div></div></div>\n'
        '<div class="announcement"><p><span class="timestamp">Feb 13, 2024  9:06:11 PM</span> Kim named it</p></div>\n'
        "</body></html>\n",
    ),
    "irc": (
        "bakers.log",
        "--- Log opened Tue Feb 13 21:05:00 2024\n21:05 -!- kim [~kim@host] has joined #bakers\n21:05 <@robin> bread?\n"
        "21:06 < kim> yes\n21:07  * robin waves\n--- Day changed Wed Feb 14 2024\n00:01 <kim> rye\n",
    ),
    "irc-weechat": ("a.weechatlog", "2024-02-13 21:05:00\t-->\tkim (k@h) has joined #b\n2024-02-13 21:05:00\t@robin\tbread?\n"),
    "minecraft": (
        "latest.log",
        "[21:05:01] [Server thread/INFO]: robin_b joined the game\n[21:05:11] [Server thread/INFO]: <robin_b> shall we build\n"
        "[21:05:20] [Server thread/INFO]: kim issued server command: /msg robin_b yes\n",
    ),
    "twitch": ("chat.txt", "[2024-02-13 21:05:11 UTC] robin_b: hello\n[2024-02-13 21:05:20 UTC] kim: hi\n"),
    "roblox": (
        "0.600.1.6000444_20240213T210500Z_Player_ABCDE_last.log",
        "2024-02-13T21:05:01.006Z,1.006128,5958,6 [FLog::Graphics] SceneManager: resizing main targets\n"
        "2024-02-13T21:05:02.006Z,2.006128,5958,6,Info [FLog::Output] [ExpChat/mountClientApp (Trace)] - Player added: robin_b 15\n"
        "2024-02-13T21:05:11.006Z,11.006128,5958,6 [FLog::Output] [ExpChat/mountClientApp (Debug)] - Incoming MessageReceived "
        "Status: Success Text: shall we build\n2024-02-13T21:05:20.006Z,20.006128,5958,6 [FLog::Output] [ExpChat/mountClientApp "
        "(Debug)] - Outgoing SendingMessage Status: Sending Text: yes\n2024-02-13T21:05:30.006Z,30.006128,5958,6 [FLog::Output] "
        "Info: chat: robin_b: of oak\n",
    ),
    "kakaotalk-csv": (
        "KakaoTalk_Chat.csv",
        'Date,User,Message\n2024-02-13 21:05:11,"지우","빵?"\n2024-02-13 21:06:11,"민호","네"\n',
    ),
}
"""The file's name and what is in it, by format; `name-…` is another layout of a format."""


def seed_bytes(name: str) -> bytes:
    """Return what is in the file."""
    content = SEEDS[name][1]
    return content.encode() if isinstance(content, str) else content
