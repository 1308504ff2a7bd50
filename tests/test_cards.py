"""Cards say what a corpus is by its own words and counts, and nothing that nobody stated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.main import app
from pipeline.config import Taxonomy
from pipeline.corpora.about import corpora_in_words, describe_corpus, read_about
from pipeline.corpora.open import read_corpora
from pipeline.errors import ConfigError

OURS = ("written for this project", "none is real", "none of it is real", "apache-2.0", "safelight-written", "permissively")


def test_a_card_of_a_users_model_claims_nothing_of_our_corpus(tiny_model: Path) -> None:
    card = (tiny_model / "MODEL_CARD.md").read_text("utf-8")
    assert [claim for claim in OURS if claim in card.casefold()] == []
    assert "whether real or written: not stated" in card
    assert "licence: not stated" in card
    (source,) = json.loads((tiny_model / "metrics.json").read_text("utf-8"))["corpus"]["sources"]
    assert source["sha256"] in card
    assert f"{source['conversations']:,} conversations" in card
    assert "labelled by message" in card


@pytest.mark.slow
def test_figures_of_a_users_corpus_have_no_names_of_our_corpus(tiny_model: Path) -> None:
    for name in ("MODEL_CARD.md", "metrics.json", "thresholds.json"):
        content = (tiny_model / name).read_text("utf-8")
        assert not [word for word in ("written only", "written_", "hard ordinary", "looking alike") if word in content]


def test_a_card_of_a_users_encoder_claims_nothing_of_our_corpus(tiny_encoder_model: Path) -> None:
    card = (tiny_encoder_model / "MODEL_CARD.md").read_text("utf-8")
    assert [claim for claim in OURS if claim in card.casefold()] == []
    assert "Italian" not in card
    assert "licence: not stated" in card


def test_a_card_says_what_the_corpus_declares(tiny_corpus: Path, tiny_recipe: Path, tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="training needs the train extra")
    from pipeline.training.train import train

    corpus = tmp_path / "reports"
    corpus.mkdir()
    (corpus / "tiny.toml").write_text((tiny_corpus / "tiny.toml").read_text("utf-8"), "utf-8")
    (corpus / "corpus.toml").write_text(
        'name = "reports | 2025"\nlicence = "not to be shared"\norigin = "real"\nabout = "Labelled by\\ntwo reviewers."\n', "utf-8"
    )
    ordinary = tmp_path / "chat.jsonl"
    rows = [
        {"conversation_id": str(n // 2), "speaker": "AB"[n % 2], "text": f"bread number {n}", "timestamp": "2024-01-01T00:00:00Z"}
        for n in range(40)
    ]
    ordinary.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    (tmp_path / "chat.jsonl.corpus.toml").write_text('name = "bakers"\nlicence = "MIT"\norigin = "written"\n', "utf-8")
    folder = train(tiny_recipe, corpus=[corpus], ordinary=[ordinary], out=tmp_path / "model", track=False)
    card = (folder.path / "MODEL_CARD.md").read_text("utf-8")
    assert "**reports / 2025**: real chats; licence: not to be shared" in card
    assert "Labelled by two reviewers." in card
    assert "**bakers**: written, not real; licence: MIT; 20 conversations" in card
    assert "nobody labelled it; it is taken as ordinary" in card


def test_our_own_corpora_declare_what_they_are(root: Path) -> None:
    for folder in ("synthetic", "transfer", "strangers"):
        about = read_about(root / "data" / folder)
        assert (about.origin, about.licence) == ("written", "Apache-2.0")
        assert about.about is not None
        assert "none of it is real" in about.about


def test_a_part_of_our_corpus_alone_does_not_inherit_the_claim(root: Path, taxonomy: Taxonomy) -> None:
    part = root / "data" / "synthetic" / "en" / "known.toml"
    said = corpora_in_words([describe_corpus(part, list(read_corpora([part], taxonomy)))])
    assert "not stated" in said
    assert [claim for claim in OURS if claim in said.casefold()] == []


def test_the_hash_is_of_what_was_read(tiny_corpus: Path, taxonomy: Taxonomy) -> None:
    read = list(read_corpora([tiny_corpus], taxonomy))
    whole = describe_corpus(tiny_corpus, read)
    assert describe_corpus(tiny_corpus, read[::-1]).sha256 == whole.sha256
    assert describe_corpus(tiny_corpus, read[1:]).sha256 != whole.sha256


@pytest.mark.parametrize(("line", "key"), [('origin = "invented"', "origin"), ('nam = "x"', "nam"), ('licence = ""', "licence")])
def test_a_declaration_that_is_none_is_refused_with_its_key(line: str, key: str, tmp_path: Path) -> None:
    (tmp_path / "corpus.toml").write_text(line, "utf-8")
    with pytest.raises(ConfigError, match=key):
        read_about(tmp_path)


def test_the_card_of_a_corpus_says_what_it_is(tiny_corpus: Path, root: Path) -> None:
    taxonomy = ["--taxonomy", str(root / "configs" / "taxonomy.toml")]
    told = CliRunner().invoke(app, ["corpus", "card", str(tiny_corpus), *taxonomy])
    assert told.exit_code == 0, told.output
    assert "licence: not stated" in told.output
    assert [claim for claim in OURS if claim in told.output.casefold()] == []
    ours = CliRunner().invoke(app, ["corpus", "card", str(root / "data" / "transfer"), *taxonomy])
    assert "written, not real; licence: Apache-2.0" in ours.output
