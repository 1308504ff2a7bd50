"""What sentence vectors tell of a script: messages written to say the same beside those of conversations that share nothing.

    python tests/bench_link_vectors.py --model models/default

`REWORDED` says the same three times each. The others are the messages with a stage, and as many without one, of seven words or more
in the written English corpora: each conversation is of other people, so nothing in them is one script.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.link.vectors import vector_from, vectors_of

ROOT = Path(__file__).parents[1]
COSINES = (0.8, 0.85, 0.9, 0.92)
_LINE = re.compile(r"^[A-Z]((?: [a-z_]+)*): (.*)$")
_WORDS = 7
_MOST = 1500

REWORDED = (
    (
        "hey saw your drawings on the group page, you are really talented for your age, how long have you been drawing",
        "hi i found your drawings in the group, honestly so talented for someone so young, when did you start drawing?",
        "your art in the group page caught my eye, such talent at your age, have you drawn for long",
    ),
    (
        "dont tell your mum we talk, she would not understand and they would stop us being friends",
        "lets keep our chats between us, your parents wouldnt get it and would end our friendship",
        "its better if your mum does not know about us, she'd never understand and we couldnt be friends then",
    ),
    (
        "my mate is having a party on friday at the lodge, i can pick you up at the corner at eight, bring a friend",
        "friday there's a party at a friend's place, ill collect you by the shop around 8 and you can bring someone",
        "party at the cabin this friday, i will fetch you at eight from the corner, take a mate along",
    ),
    (
        "i got you that phone so you owe me, just come out tonight for an hour",
        "remember who paid for your phone, you owe me one so come meet me for an hour tonight",
        "after i bought you that phone the least you can do is come out for an hour this evening",
    ),
    (
        "delete this after you read it and add me on the other app, its safer there",
        "wipe these messages when you've seen them and find me on the other app where its safe",
        "once read please delete, then add me over on the other app, its more private",
    ),
)


def written() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return ``(conversation, text)`` of the messages with a stage, and of some without."""
    signed, plain = [], []
    for file in (
        *sorted((ROOT / "data" / "synthetic" / "en").glob("*.chat")),
        *sorted((ROOT / "data" / "transfer").glob("en-*.chat")),
    ):
        conversation = ""
        for line in file.read_text("utf-8").splitlines():
            if line.startswith("## "):
                conversation = f"{file.name} {line}"
            match = _LINE.match(line)
            if match and len(re.findall(r"\w+", match[2])) >= _WORDS:
                (signed if match[1] else plain).append((conversation, match[2]))
    chance = random.Random(0)  # noqa: S311 - nothing secret
    return tuple(chance.sample(rows, min(len(rows), _MOST)) for rows in (signed, plain))  # type: ignore[return-value]


def table_of(texts: list[str], model: str) -> NDArray[np.float32]:
    """Return the vectors of texts, of shape (texts, width)."""
    return np.stack([vector_from(content) for content in vectors_of(texts, model)]).astype(np.float32)  # type: ignore[arg-type]


def false_pairs(rows: list[tuple[str, str]], model: str) -> dict[str, float]:
    """Return at each cosine the share, in percent, of pairs of messages of two conversations that would be joined."""
    table = table_of([text for _, text in rows], model)
    conversations = np.unique([conversation for conversation, _ in rows], return_inverse=True)[1]
    upper = np.triu_indices(len(rows), 1)
    apart = (conversations[:, None] != conversations[None])[upper]
    cosines = (table @ table.T)[upper][apart]
    return {str(cosine): round(100 * float((cosines >= cosine).mean()), 4) for cosine in COSINES}


def main() -> None:
    """Print what is joined rightly and wrongly at each cosine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=str(ROOT / "models" / "default"))
    model = parser.parse_args().model
    pairs = []
    for group in REWORDED:
        table = table_of(list(group), model)
        pairs += (table @ table.T)[np.triu_indices(len(group), 1)].tolist()
    signed, plain = written()
    print(
        json.dumps(
            {
                "reworded pairs": len(pairs),
                "reworded pairs joined": {str(cosine): sum(value >= cosine for value in pairs) for cosine in COSINES},
                "messages with a stage": len(signed),
                "percent of their pairs joined": false_pairs(signed, model),
                "messages without": len(plain),
                "percent of those pairs joined": false_pairs(plain, model),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
