"""The benchmark page: the protocol, and the figures of the shipped model as its folder holds them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evaluation.transfer_table import transfer_table

CAVEAT = (
    "| **what these conversations are** | written for this project; no real chat, and **no decoys**: a corpus of decoys (PAN 2012) "
    "measures how adults who pose as children end a talk |{} |"
)

PROTOCOL = """# Benchmark

These figures may be cited, with the model's id, the version and the protocol below. `CITATION.cff` says how. **No figure on real cases exists.**

## Protocol

1. **Author-disjoint splits.** Conversations of one author, offender, situation or composition are relatives, and relatives are in one split
   (`safelight corpus split`). A model that knows the author's habits has learned nothing about grooming.
2. **Shingle de-duplication.** Near-duplicates (MinHash over word shingles) and excerpts across splits stop the evaluation
   (`safelight corpus check`; the model folder keeps hashes of what it learned).
3. **Segments and full length apart.** Segments cut anywhere, with speakers unknown, are figures of their own: they are another task than a whole conversation.
4. **Baselines beside every figure**, in the same run: length alone, surface features (no words), a keyword list, TF-IDF, nearest neighbours of a frozen encoder
   (`safelight evaluate --peers`, `make transfer`). A figure that length alone reaches says nothing.
5. **Early.** F-latency (Sadeque et al. 2018), ERDE 5 and 50 (Losada and Crestani 2016), and messages from the first labelled sign to the alert. The alert is the first
   message at which the running risk reaches the threshold; nothing looks ahead.
6. **False alarms per 10,000 ordinary messages**, by source of ordinary chat, and recall at 1 % and 0.1 % of ordinary conversations flagged. The threshold is chosen on a
   validation part, and once more on all *other* sources.
7. **The dilution curve.** Grooming conversations after 0, 5, 20, 60 and 300 ordinary messages; ordinary chats joined to 60, 300 and 2,000 messages.
8. **Intervals** of 95 %, by conversation or speaker. Fewer than ten examples: "too few".
9. **Decoys.** A corpus in which adults pose as children gets that caveat in the table itself.
10. **No choice is made on a test part.** Whatever guided a choice is named: the functional suite guided the fourth part of the written corpus (`data/DATASHEET.md`).

```sh
make transfer MODEL=models/mine ORDINARY="chats.jsonl.gz"
safelight evaluate --model models/mine --corpus data/synthetic --ordinary chats.jsonl.gz --peers --out evaluation
```

## What carries over

A second set written by others (`data/transfer/`), and ordinary chat by source. Sources of ordinary chat in the first column were learned from in other conversations.
"""


def benchmark(model: Path) -> Iterator[str]:
    """Yield the page."""
    figures: dict[str, Any] = json.loads((model / "metrics.json").read_text("utf-8"))
    transfer: dict[str, Any] = json.loads((model / "transfer.json").read_text("utf-8"))
    head, rule, *rows = transfer_table(transfer).splitlines()
    yield PROTOCOL
    yield "\n".join([head, rule, CAVEAT.format(" |" * (len(transfer) - 2)), *rows]) + "\n"
    yield f"## The test part of the written corpus\n\n{figures['how'].capitalize()}. Trained {figures['trained']}, Safelight {figures['safelight']}.\n"
    yield "| | figure | 95 % interval |\n|---|---|---|"
    for name, figure in figures["table"].items():
        low, high = figure["interval"]
        yield f"| {name} | {figure['value']:.3f} | {low:.3f} – {high:.3f} |"
    early = figures["early"]
    yield f"| F-latency | {early['f_latency']:.3f} | |\n| ERDE 5 / 50 | {early['erde_5']:.3f} / {early['erde_50']:.3f} | |\n"
    yield "Recall where 1 % of ordinary conversations are flagged, after so many messages: " + ", ".join(
        f"{count}: {recall:.3f}" for count, recall in early["recall_after_messages_at_1_percent"].items()
    )
    yield "\n### The dilution curve\n\n| ordinary messages before | found | of | flagged already, for the messages before |\n|---|---|---|---|"
    for row in figures["after_chat"]:
        yield f"| {row['before']} | {row['found']} | {row['conversations']} | {row['early']} |"
    suite = figures["suite"]
    low, high = suite["interval"]
    yield (
        f"\n## The functional suite\n\n{suite['passed']:,} of {suite['cases']:,} cases hold: {suite['passed'] / suite['cases']:.1%} "
        f"({low:.1%} – {high:.1%}). [The suite](../reference/functional-suite.md) has its own version.\n"
    )
