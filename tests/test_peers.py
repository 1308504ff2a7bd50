"""Plainer methods: each says what it should, reads nothing ahead, and stands beside the model in one run."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.config import Taxonomy
from pipeline.errors import ConfigError
from pipeline.evaluate import DatasetSelection, evaluate
from pipeline.evaluate.peer_models import ContrastiveModel, KeywordModel, MajorityModel, Skewness, TopMean
from pipeline.evaluate.run import Settings

TALK = [("A", "hi there"), ("B", "hello"), ("A", "this is our little secret, don't tell your mum"), ("B", "no")]


def test_the_majority_finds_nothing(taxonomy: Taxonomy) -> None:
    (prediction,) = MajorityModel(taxonomy).predict([TALK])
    assert prediction.stages.shape == (4, len(taxonomy.keys))
    assert not prediction.stages.any()
    assert not prediction.risk.any()


def test_the_keyword_list_finds_phrases_and_who_used_them(taxonomy: Taxonomy) -> None:
    (prediction,) = KeywordModel(taxonomy).predict([TALK])
    assert prediction.stages[2, taxonomy.keys.index("secrecy")] == 1.0
    assert not prediction.stages[[0, 1, 3]].any()
    assert prediction.risk[1] == 0 < prediction.risk[2] == prediction.risk[3] < 1
    assert prediction.speaker_risk[3] == 0, "B used none"


def test_skewness_by_hand() -> None:
    scores = [0.0] * 8 + [0.3, 0.5]
    own = Skewness()
    values = [own.after(score) for score in scores]
    assert values[:9] == [0.0] * 9, "under ten scores nothing is said"
    assert values[9] == pytest.approx((np.mean(scores) - np.median(scores)) / np.std(scores))
    flat = Skewness()
    assert [flat.after(0.2) for _ in range(12)][-1] == 0.0


def test_the_mean_of_the_highest_by_hand() -> None:
    own = TopMean()
    values = [own.after(score) for score in (0.0, 0.6, 0.3, 0.9, 0.0)]
    assert values[1] == pytest.approx(1 - math.exp(-0.2))
    assert values[3] == values[4] == pytest.approx(1 - math.exp(-0.6))


def unit(texts: list[str]) -> NDArray[np.float32]:
    """Put a text at an angle of its length."""
    angles = np.asarray([len(text) / 10 for text in texts])
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_neighbours_by_hand_and_no_look_ahead(taxonomy: Taxonomy) -> None:
    keys = taxonomy.keys
    stages = np.zeros((6, len(keys)), np.float32)
    stages[:, 1] = 1.0
    model = ContrastiveModel(taxonomy, unit, unit(["x" * 14] * 6), stages, unit(["x"] * 6), TopMean)  # pyright: ignore[reportArgumentType]
    talk = [("A", "x" * 14), ("B", "x"), ("A", "x")]
    (prediction,) = model.predict([talk])
    # A's first message lies on the rare examples; the ordinary ones are 1.3 away by angle
    assert prediction.speaker_risk[0] == pytest.approx(1 - math.exp(-(1 - math.cos(1.3)) / 3), abs=1e-5)
    assert prediction.speaker_risk[1] == 0.0
    assert prediction.stages[:, 1].tolist() == [1.0, 0.0, 0.0]
    for end in range(1, 4):
        (cut,) = model.predict([talk[:end]])
        np.testing.assert_allclose(cut.risk, prediction.risk[:end], rtol=1e-6)
    assert model.predict([[]])[0].risk.shape == (0,)


def test_all_stand_in_one_table(tiny_encoder_model: Path, tiny_corpus: Path, tiny_encoder: Path) -> None:
    pytest.importorskip("sklearn")
    chosen = DatasetSelection([tiny_corpus], leakage="allow")
    found = evaluate(tiny_encoder_model, chosen, Settings(rounds=20, peers=True, encoder=tiny_encoder)).metrics["peers"]
    names = [row["name"] for row in found["rows"]]
    assert names == [
        "the model",
        "majority",
        "keyword list",
        "TF-IDF",
        "nearest neighbours, skewness",
        "nearest neighbours, top 3",
    ]
    by_name = {row["name"]: row for row in found["rows"]}
    assert by_name["majority"]["figures"]["conversation AUC, all"] == 0.5
    assert all(row["messages_per_second"] > 0 for row in found["rows"])
    assert "model_minus_this" in by_name["TF-IDF"]
    without = evaluate(tiny_encoder_model, chosen, Settings(rounds=20, peers=True)).metrics["peers"]
    assert len(without["rows"]) == 4
    assert "no --encoder" in without["note"]


def test_peers_need_a_training_part(tiny_model: Path, tiny_corpus: Path) -> None:
    with pytest.raises(ConfigError, match="training and validation parts"):
        evaluate(tiny_model, DatasetSelection([tiny_corpus], split="all", leakage="allow"), Settings(rounds=20, peers=True))
