"""A chat whose words must not leave in a redacted pack."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an export that names people, places, numbers and addresses, and holds what a page or a table takes for code."""
    texts = [
        '=HYPERLINK("x","y") good game',
        "how old are you Kimberly",
        "ring 07700 900123 or night_owl or me@example.org",
        '<script>alert(1)</script> this stays our secret ok *bold* #eval("1") \\ $x$ 🧿 日本 \u202eabc',
        "i live at 14 Acacia Avenue, tell pat_the_gamer",
        "no, bye",
        "",
    ]
    path = tmp_path_factory.mktemp("exports") / "chat with owner-of-chat.jsonl"
    rows = [
        {
            "conversation_id": "inbox/kimberly_118",
            "speaker": "Kimberly Rowan" if number % 2 else "pat_the_gamer",
            "timestamp": 1707858300 + 60 * number,
            "text": text,
            "forwarded_from": "Rowan Elsewhere" if number == 3 else None,
        }
        for number, text in enumerate(texts)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path
