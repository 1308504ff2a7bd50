"""Drift: what is unlike the calibration split is said in words, and what is like it is not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from evaluation.drift import Profile, distance, drift, profile, read_profile
from pipeline.config import Taxonomy
from pipeline.corpora.open import read_corpora
from pipeline.errors import ModelFolderError
from pipeline.evaluate import evaluate_unlabelled
from pipeline.ingest import ReadOptions
from pipeline.model.drift_profile import REFERENCE, load_drift_profile
from pipeline.model.oov import oov_rate
from pipeline.text.language import UNCLEAR, language_of


def profiled(seed: int, *, shift: float = 0.0, unfamiliar: float = 0.02, languages: tuple[str, ...] = ("en",)) -> Profile:
    chance = np.random.default_rng(seed)
    risks = np.clip(chance.beta(1, 9, 400) + shift, 0, 1)
    return profile(
        risks.tolist(),
        chance.integers(5, 60, 400).tolist(),
        chance.integers(2, 90, 4000).tolist(),
        [languages[number % len(languages)] for number in range(400)],
        unfamiliar=unfamiliar,
        threshold=0.5,
    )


def warned(reference: Profile, seen: Profile) -> dict[str, str]:
    return {one.name: one.warning for one in drift(reference, seen) if one.warning}


def test_what_is_alike_warns_of_nothing() -> None:
    for seed in range(1, 21):
        assert warned(profiled(0), profiled(seed)) == {}


def test_what_is_unlike_is_said_in_words() -> None:
    found = warned(profiled(0), profiled(1, shift=0.2, unfamiliar=0.3, languages=("en", "ja")))
    assert {"highest risk", "words it hardly knows", "languages"} <= set(found)
    assert not {"messages a conversation", "characters a message"} & set(found)
    assert "score" in found["highest risk"]
    assert "ja 50%" in found["languages"]


def test_the_distance_of_two_distributions_by_hand() -> None:
    assert distance([0, 1, 2, 3], [0, 1, 2, 3]) == 0.0
    assert distance([0, 0, 0, 0], [1, 1, 1, 1]) == 1.0
    assert distance([0, 1, 2, 3], [0, 1, 3, 3]) == 0.25


def test_the_distance_is_that_of_scipy_where_all_values_are_kept() -> None:
    stats = pytest.importorskip("scipy.stats")
    chance = np.random.default_rng(4)
    first, second = np.sort(chance.normal(0, 1, 201)), np.sort(chance.normal(0.5, 1, 201))
    assert distance(first.tolist(), second.tolist()) == pytest.approx(stats.ks_2samp(first, second).statistic)


def test_a_profile_is_the_same_after_json() -> None:
    own = profiled(0, languages=("en", "nl"))
    assert read_profile(json.loads(json.dumps(own.as_json()))) == own


def test_the_language_of_each_written_conversation_is_told(root: Path, taxonomy: Taxonomy) -> None:
    files = [root / "data" / "synthetic" / code / "mixed.toml" for code in ("de", "es", "fr", "nl")]
    told = [(one.attributes["language"], language_of(m.text for m in one.messages)) for one in read_corpora(files, taxonomy)]
    assert sum(truth == found for truth, found in told) / len(told) > 0.95
    assert language_of(["ok", "lol"]) == UNCLEAR
    assert language_of([]) == UNCLEAR


def test_a_trained_model_keeps_its_profile_and_exports_are_held_against_it(tiny_model: Path, tmp_path: Path) -> None:
    reference = load_drift_profile(tiny_model)
    splits = json.loads((tiny_model / "splits.json").read_text("utf-8"))["conversations"]
    ordinary = [name for name, part in splits.items() if part == "validation" and name.startswith("plain")]
    assert reference.conversations == len(ordinary), "the ordinary ones that calibrated it"
    export = tmp_path / "night.jsonl"
    lines = [
        {
            "conversation_id": f"c{chat}",
            "speaker": "AB"[row % 2],
            "timestamp": 60 * row,
            "text": f"wo warst du gestern abend eigentlich so lange {row}",
        }
        for chat in range(60)
        for row in range(12)
    ]
    export.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    found = evaluate_unlabelled([export], model=tiny_model, options=ReadOptions(), out=tmp_path / "drift.json")
    assert found.seen.languages["de"] == 1.0
    warnings = {one.name for one in found.findings if one.warning}
    assert {"languages", "words it hardly knows"} <= warnings
    saved = (tmp_path / "drift.json").read_text("utf-8")
    assert "gestern" not in saved
    assert json.loads(saved)["seen"]["conversations"] == 60


def test_an_encoder_keeps_its_profile_too(tiny_encoder_model: Path) -> None:
    assert load_drift_profile(tiny_encoder_model).conversations > 0
    assert oov_rate(tiny_encoder_model, ["how old are you"]) == 0.0
    assert oov_rate(tiny_encoder_model, ["how zxqvbn ж"]) == pytest.approx(2 / 3)


def test_a_model_without_a_profile_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match="has no drift profile"):
        load_drift_profile(tmp_path)
    (tmp_path / REFERENCE).write_text('{"format": "other"}', "utf-8")
    with pytest.raises(ModelFolderError, match="not of the format"):
        load_drift_profile(tmp_path)
