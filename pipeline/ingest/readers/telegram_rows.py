"""What stands in a row of Telegram Desktop's JSON: who wrote it, its words, and what came with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Row = dict[str, Any]


def speaker_of(row: Row) -> str | None:
    """Return who wrote a row: of a deleted account the id is left, of an old export's only nothing."""
    for key in ("from_id", "from", "actor_id", "actor"):
        if row.get(key) is not None:
            return str(row[key])
    return None


def words_of(row: Row) -> str:
    """Return the words of a row: its text, a gift's note, or what stands in a poll or a checklist, a line each."""
    if text := _text(row.get("text")) or gift_text(row):
        return text
    if poll := row.get("poll"):
        return "\n".join([_text(poll["question"]), *(_text(answer["text"]) for answer in poll.get("answers", ()))])
    if checklist := row.get("todo_list"):
        return "\n".join([_text(checklist.get("title")), *(_text(task["text"]) for task in checklist.get("answers", ()))])
    return ""


def gift_text(row: Row) -> str:
    """Return the words that somebody sent with a gift: the row is a service row, and they are a person's."""
    return _text(row.get("gift_text") or row.get("text")) if row.get("action") == "send_star_gift" else ""


def _text(text: Any) -> str:
    """Return the words of a text, which is a string or a list of strings and objects."""
    if isinstance(text, list):
        return "".join(part if isinstance(part, str) else part["text"] for part in text)
    if text is None or isinstance(text, str):
        return text or ""
    raise TypeError("text")


def links_of(text: Any) -> list[str]:
    """Return the addresses that stand behind words."""
    return [part["href"] for part in text if "href" in part and isinstance(part, dict)] if isinstance(text, list) else []


def attachments_of(row: Row) -> list[str]:
    """Return the names of a row's files; of a file that was not exported Telegram writes why, in brackets, not its path."""
    paths = (row.get(key) for key in ("photo", "file", "contact_vcard"))
    names = [path for path in paths if isinstance(path, str) and not path.startswith("(")]
    return names or ([row["file_name"]] if "file_name" in row else [])


def reactions_of(entry: Row) -> Iterator[dict[str, object]]:
    """Yield who reacted with an emoji; Telegram names the latest few, the others are one entry with their number."""
    emoji = entry.get("emoji") or entry.get("document_id") or entry.get("type")
    named = entry.get("recent") or ()
    for reactor in named:
        yield {"emoji": emoji, "speaker": reactor.get("from_id") or reactor.get("from")}
    if (others := int(entry.get("count") or 0) - len(named)) > 0:
        yield {"emoji": emoji, "speaker": None, "count": others}
