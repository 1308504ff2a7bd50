"""How the person who has a chat makes an export of each format, for `safelight formats`."""

from __future__ import annotations

HOW: dict[str, str] = {
    "whatsapp": "In the chat: More, Export chat. Without media is enough",
    "telegram": "Telegram Desktop: Settings, Advanced, Export Telegram data; machine-readable JSON",
    "meta": "Accounts Center: Your information, Download your information, Messages; JSON",
    "discord": "DiscordChatExporter: export the channel as JSON",
    "snapchat": "accounts.snapchat.com: My Data, with chat history and JSON files",
    "tiktok": "Settings and privacy, Account, Download your data: JSON, with direct messages",
    "slack": "Workspace settings: Import/Export Data, Export",
    "signal": "signal-export, on a computer with Signal Desktop",
    "imessage": "iMazing: Messages, Export to CSV",
    "imessage_exporter": "imessage-exporter -f txt, on a Mac or with an iPhone's backup",
    "sms": "The Android app SMS Backup & Restore: Back up, Messages",
    "line": "In the chat: menu, Settings, Export chat history; on a computer: Save chat",
    "kakaotalk": "In the chat: menu, Settings, Export chat messages (text); on a Mac: Save chats (CSV)",
    "viber": "Settings, Calls and messages, Email message history: a zip with a CSV a chat",
    "cellebrite": "Physical Analyzer or Reader: Export, Excel, CSV or XML, with the chats; or the .ufdr itself",
    "axiom": "AXIOM Examine: Create export, CSV, Excel or XML, of the chat artifacts",
    "irc": "The client's or bot's own log (irssi, WeeChat, mIRC, HexChat, ZNC, …)",
    "minecraft": "The server's or the client's logs/latest.log and older ones",
    "twitch": "Chatterino: Settings, Moderation, Enable logging; or TwitchDownloader, chat as text",
    "mbox": "Google Takeout: Mail; Apple Mail: Mailbox, Export; Thunderbird: the mail folder's file",
    "google_voice": "takeout.google.com: Voice; give the folder Voice/Calls",
    "pan12": "The corpus file of PAN 2012 (Sexual Predator Identification)",
    "convokit": "ConvoKit: corpus.dump",
    "jsonl": "An object a line, with the columns of the README",
    "json": "A list of objects, with the columns of the README",
    "csv": "A table with the columns of the README, in UTF-8",
    "xlsx": "A sheet with the columns of the README",
    "parquet": "A table with the columns of the README",
}
