"""Scoring side by side in one run: what a user would pick instead, and ours; and how ours grows.

::

    make bench MODEL=models/default ENCODER=path/to/all-MiniLM-L6-v2 MESSAGES=20000 UPTO=1000000 ORDINARY=chats.jsonl.gz

Exports are synthetic, with the length profile of real chat: median 5 words and 30 characters, 60 messages a conversation. They are
ordinary chats (``ORDINARY``) of the model's test part, in sentences, one after another; without it, ordinary conversations of the
written corpus, which look like grooming, so that much is flagged, and what is flagged is explained, which takes longer than reading
it. Each row is a process of its own. Rates are of one run on one machine: read them as ratios. Not collected by pytest.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import chain, islice, repeat
from pathlib import Path

from helpers.int8_peak import instruction_sets, network_share, peak, tokens_of

ROOT = Path(__file__).parent.parent
LENGTH = 60
GROOMING = 0.01
"""Share of conversations that hold a written conversation with grooming."""

Line = tuple[str, str]
"""A speaker, and what they say."""


def written() -> tuple[list[list[Line]], list[list[Line]]]:
    """Return the ordinary conversations of the written corpus, and those with grooming."""
    from pipeline.config import Taxonomy, load_settings
    from pipeline.corpora.augment.synthetic_chats import two_speakers
    from pipeline.corpora.readers.written import read_written
    from pipeline.model.scorable import utterances

    ordinary: list[list[Line]] = []
    grooming: list[list[Line]] = []
    taxonomy = load_settings(ROOT / "configs" / "taxonomy.toml", Taxonomy)
    for one in read_written(ROOT / "data" / "synthetic", taxonomy):
        names, texts = zip(*(line for _, line in utterances(one.messages)), strict=True)
        (grooming if one.is_grooming else ordinary).append(list(zip(two_speakers(names), texts, strict=True)))
    return ordinary, grooming


def ordinary_chats(paths: list[Path], model: Path) -> list[list[Line]]:
    """Return ordinary chats of the model's test part, which it has not learned from; all where its splits name none of them."""
    from pipeline.corpora.augment.synthetic_chats import split_into_sentences
    from pipeline.corpora.ordinary import read_ordinary
    from pipeline.training.train import load_recipe

    _, taxonomy = load_recipe(ROOT / "configs" / "default.toml")
    splits = model / "splits.json"
    parts = json.loads(splits.read_bytes())["conversations"] if splits.is_file() else {}
    chats = [chat for path in paths for chat in read_ordinary(path, taxonomy)]
    chats = [chat for chat in chats if parts.get(chat.id) == "test"] or chats
    return [[(str(message.speaker), message.text) for message in split_into_sentences(chat)] for chat in chats]


def talk(seed: int, chats: list[list[Line]], grooming: list[list[Line]], share: float = GROOMING) -> Iterator[list[Line]]:
    """Yield conversations without end: about sixty messages each, of ordinary chats one after another."""
    chance = random.Random(seed)  # noqa: S311
    lines = (line for _ in repeat(None) for chat in chance.sample(chats, len(chats)) for line in chat)
    while True:
        stretch = list(islice(lines, max(2, round(chance.lognormvariate(math.log(LENGTH), 0.5)))))
        if chance.random() < share:
            stretch[5:5] = chance.choice(grooming)
        yield stretch


def write_export(
    path: Path, messages: int, *, chats: list[list[Line]], seed: int = 1, groomed: float = GROOMING
) -> dict[str, float]:
    """Write a table of so many messages and return its length profile."""
    characters, sizes = [], []
    left = messages
    with path.open("w", encoding="utf-8") as file:
        for number, lines in enumerate(talk(seed, chats, written()[1], groomed)):
            for row, (speaker, text) in enumerate(lines[:left]):
                cells = {"conversation_id": f"c{number}", "message_id": str(row), "speaker": speaker}
                file.write(json.dumps(cells | {"timestamp": None, "text": text}, ensure_ascii=False) + "\n")
                characters.append(len(text))
                sizes.append(len(text.split()))
            left -= len(lines)
            if left <= 0:
                return {"words": statistics.median(sizes), "characters": statistics.median(characters), "conversations": number + 1}
    raise AssertionError


def texts_of(path: Path, most: int) -> list[str]:
    """Return the first messages of an export."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line)["text"] for line in islice(file, most)]


def hugging_face(path: Path, options: argparse.Namespace, *, sort: bool) -> tuple[int, float]:
    """Classify with transformers' own pipeline: message by message, or in batches sorted by length."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, logging, pipeline

    logging.set_verbosity_error()
    tokenizer = AutoTokenizer.from_pretrained(options.encoder)
    network = AutoModelForSequenceClassification.from_pretrained(options.encoder, num_labels=8)
    classify = pipeline("text-classification", model=network, tokenizer=tokenizer, device="cpu", top_k=None)
    texts = texts_of(path, options.slow)
    start = time.perf_counter()
    if sort:
        classify(sorted(texts, key=len), batch_size=32)
    else:
        for text in texts:
            classify(text)
    return len(texts), time.perf_counter() - start


def frozen_knn(path: Path, options: argparse.Namespace) -> tuple[int, float]:
    """Embed with the frozen encoder, mean-pooled, and look the nearest of a thousand reference messages up."""
    import numpy as np
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer, encoder = AutoTokenizer.from_pretrained(options.encoder), AutoModel.from_pretrained(options.encoder).eval()

    def embed(texts: list[str]) -> np.ndarray:
        found = []
        for first in range(0, len(texts), 32):
            given = tokenizer(texts[first : first + 32], padding=True, truncation=True, return_tensors="pt")
            with torch.inference_mode():
                hidden = encoder(**given).last_hidden_state
            mask = given["attention_mask"].unsqueeze(-1)
            found.append(torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=1).numpy())
        return np.concatenate(found)

    texts = texts_of(path, options.slow)
    reference = embed([text for _, text in chain.from_iterable(written()[0])][:1000])
    start = time.perf_counter()
    near = embed(sorted(texts, key=len)) @ reference.T
    near.argpartition(-5, axis=1)
    return len(texts), time.perf_counter() - start


def tf_idf(path: Path, options: argparse.Namespace) -> tuple[int, float]:
    """Score with scikit-learn's TF-IDF of words and a linear model."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    ordinary, flat = ([text for _, text in chain.from_iterable(one)] for one in written())
    vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    fitted = LogisticRegression().fit(vectors.fit_transform(ordinary + flat), [0] * len(ordinary) + [1] * len(flat))
    texts = texts_of(path, options.messages)
    start = time.perf_counter()
    fitted.predict_proba(vectors.transform(texts))
    return len(texts), time.perf_counter() - start


def safelight(path: Path, options: argparse.Namespace, *, cascade: bool = False, model: Path | None = None) -> tuple[int, float]:
    """Score an export whole: reading, tokens, network, explanations, results and report."""
    from pipeline.score import score

    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        run = score([path], model=model or options.model, out=Path(folder) / "out", cascade=cascade)
        seconds = time.perf_counter() - start
        print(f"  flagged {run.flagged()}, skipped {run.skipped()} of {run.count()}", file=sys.stderr)
        return run.record["counts"]["rows"], seconds


ROWS: dict[str, Callable[[Path, argparse.Namespace], tuple[int, float]]] = {
    "Hugging Face pipeline(), a message at a time": lambda path, options: hugging_face(path, options, sort=False),
    "the same, batches of 32 sorted by length": lambda path, options: hugging_face(path, options, sort=True),
    "frozen encoder and nearest neighbours": frozen_knn,
    "TF-IDF and a linear model (scikit-learn)": tf_idf,
    "safelight, the TF-IDF baseline": lambda path, options: safelight(path, options, model=options.baseline),
    "safelight": safelight,
    "safelight, with the cascade": lambda path, options: safelight(path, options, cascade=True),
}


def alone(options: argparse.Namespace, row: str, path: Path) -> tuple[int, float, float] | None:
    """Run a row in a process of its own; return messages, seconds and the peak in MiB."""
    command = [sys.executable, __file__, "--row", row, "--export", str(path), "--model", str(options.model)]
    command += ["--encoder", str(options.encoder), "--baseline", str(options.baseline)]
    command += ["--slow", str(options.slow), "--messages", str(options.messages)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # what goes wrong is seen at once
    return tuple(json.loads(done.stdout.strip().splitlines()[-1])) if done.returncode == 0 else None


def main() -> None:
    """Print the tables."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--model", type=Path, default=ROOT / "models" / "default")
    arguments.add_argument("--baseline", type=Path, default=ROOT / "models" / "baseline")
    arguments.add_argument("--encoder", default="sentence-transformers/all-MiniLM-L6-v2")
    arguments.add_argument("--messages", type=int, default=20_000)
    arguments.add_argument("--slow", type=int, default=2000, help="messages that the slow ones are given")
    arguments.add_argument("--upto", type=int, default=0, help="how far ours is grown, from 10,000 messages; 0: not at all")
    arguments.add_argument("--ordinary", type=Path, action="append", default=[], help="chat that the words are taken from")
    arguments.add_argument("--grown", choices=list(ROWS), action="append", help="rows that are grown; ours, unless given")
    arguments.add_argument("--only-grow", action="store_true", help="without the table")
    arguments.add_argument("--row")
    arguments.add_argument("--export", type=Path)
    options = arguments.parse_args()
    if options.row:
        count, seconds = ROWS[options.row](options.export, options)
        print(json.dumps([count, seconds, peak()]))
        return
    chats = ordinary_chats(options.ordinary, options.model) or written()[0]
    with tempfile.TemporaryDirectory() as folder:
        if options.only_grow:
            grow(options, chats, Path(folder))
            return
        path = Path(folder) / "night.jsonl"
        profile = write_export(path, options.messages, chats=chats)
        per_message = tokens_of(texts_of(path, 2000), options)
        print(f"CPU: {os.cpu_count()} cores with {instruction_sets()}")
        print(f"{options.messages:,} messages in {profile['conversations']:,} conversations, median {profile['words']} words and")
        print(f"{profile['characters']} characters, {per_message:.1f} tokens a message\n")
        print("| | messages/s | tokens/s | times the first | peak MiB |\n|---|---|---|---|---|")
        first = None
        for row in ROWS:
            if (found := alone(options, row, path)) is None:
                print(f"| {row} | failed | | | |", flush=True)
                continue
            rate = found[0] / found[1]
            first = first or rate
            print(f"| {row} | {rate:,.0f} | {rate * per_message:,.0f} | {rate / first:.1f} | {found[2]:,.0f} |", flush=True)
        print("\n" + "\n".join(f"{name}: {value:,.2f}" for name, value in network_share(options).items()), flush=True)
        grow(options, chats, Path(folder), first=first)


def grow(options: argparse.Namespace, chats: list[list[Line]], folder: Path, *, first: float | None = None) -> None:
    """Print time and memory from 10,000 messages on, and the exponent of the time; ``first`` is the rate of the first row."""
    for row in options.grown or ("safelight", "safelight, with the cascade"):
        print(f"\n{row}:")
        points = []
        size = 10_000
        while size <= options.upto:
            path = folder / f"{size}.jsonl"
            write_export(path, size, chats=chats, seed=size)
            found = alone(options, row, path)
            path.unlink()
            if found is not None:
                points.append(found[:2])
                rate = found[0] / found[1]
                ratio = f", {rate / first:.1f} times the first" if first else ""
                print(f"{size:,} messages: {found[1]:,.1f} s, {rate:,.0f} messages/s{ratio}, peak {found[2]:,.0f} MiB", flush=True)
            size *= 10
        if len(points) > 1:
            exponent = math.log(points[-1][1] / points[0][1]) / math.log(points[-1][0] / points[0][0])
            print(f"time grows with the power {exponent:.3f} of the messages", flush=True)


if __name__ == "__main__":
    main()
