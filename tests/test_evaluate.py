"""An evaluation as a folder: scores from which everything is computed again, a report that asks nothing, thresholds, comparison."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.judged import judged, saved_at, wide
from helpers.page import Page
from typer.testing import CliRunner

from evaluation.measure import measure
from evaluation.metrics import Judged
from evaluation.saved import SCORES, Saved, read_saved, write_saved
from pipeline.cli.main import app
from pipeline.errors import ConfigError, ResultsError
from pipeline.evaluate import (
    DatasetSelection,
    ThresholdTarget,
    choose_threshold,
    compare_models,
    compare_saved,
    evaluate,
    evaluate_saved,
    track,
)
from pipeline.evaluate.run import Settings
from pipeline.thresholds import Thresholds

COMPUTED = {"computed", "made"}


@pytest.fixture(scope="module")
def evaluated(tiny_model: Path, tiny_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("evaluated") / "with-text"
    selection = DatasetSelection([tiny_corpus], split="all", leakage="allow")
    evaluate(tiny_model, selection, Settings(out=out, text=True, rounds=20))
    return out


def metrics_of(folder: Path) -> dict[str, Any]:
    return {key: value for key, value in json.loads((folder / "metrics.json").read_text("utf-8")).items() if key not in COMPUTED}


def test_everything_is_computed_again_from_the_saved_scores_alone(evaluated: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    evaluate_saved(evaluated / SCORES, Settings(out=again, text=True, rounds=20))
    assert metrics_of(again) == metrics_of(evaluated)
    assert (again / "thresholds.json").read_text("utf-8") == (evaluated / "thresholds.json").read_text("utf-8")


def test_saved_scores_that_were_changed_are_refused(evaluated: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(evaluated, copy)
    evaluate_saved(copy, Settings(rounds=20))
    saved = read_saved(copy)
    write_saved(Saved(saved.judged[:-1], saved.thresholds, saved.about), copy / SCORES)
    for read in (
        lambda: evaluate_saved(copy, Settings(rounds=20)),
        lambda: evaluate_saved(copy / SCORES, Settings(rounds=20)),
        lambda: choose_threshold(copy, ThresholdTarget(recall=0.5), out=None),
        lambda: compare_saved(evaluated, copy),
    ):
        with pytest.raises(ResultsError, match="was changed"):
            read()


def test_what_was_measured_with_what_is_in_the_figures(evaluated: Path, tiny_model: Path) -> None:
    found = metrics_of(evaluated)
    assert found["model"]["files"] == json.loads((tiny_model / "manifest.json").read_text("utf-8"))["files"]
    assert re.fullmatch(r"[0-9a-f]{64}", found["data"]["sha256"])
    assert found["counts"]["grooming"] == found["counts"]["ordinary"] == 6
    assert found["counts"]["stages"] == {"access": 6, "secrecy": 6}
    assert found["settings"]["split"] == "all"
    assert {"numpy", "pyarrow"} <= set(found["versions"])
    assert found["git"] is None or re.match(r"[0-9a-f]{40}", found["git"])
    assert found["pan12" if "pan12" in found else "counts"]["conversations"] == 12


def test_saved_scores_are_read_as_they_were(tmp_path: Path) -> None:
    own = replace(
        judged("c", [0.1, 0.9, 0.3], grooming=True),
        labels=np.asarray([[1.0], [0.0], [np.nan]], np.float32),
        stages=np.asarray([[0.5], [0.25], [0.125]], np.float32),
        speakers=("Kim", "Pat", "Kim"),
        groomers=frozenset({"Kim"}),
        messages=("1", "2", "3"),
        flagged=frozenset({"2"}),
        attributes={"language": "en"},
    )
    silent = replace(judged("no words", [], grooming=False), groomers=None, grooming=None)
    (one, other) = read_saved(saved_at(tmp_path / "e", [own, silent])).judged
    assert one.speakers == ("A", "B", "A"), "no name is kept"
    assert one.groomers == frozenset({"A"})
    assert (one.id, one.messages, one.flagged, one.attributes, one.texts) == ("c", ("1", "2", "3"), {"2"}, {"language": "en"}, None)
    np.testing.assert_array_equal(one.labels, own.labels)
    np.testing.assert_array_equal(one.stages, own.stages)
    assert (other.grooming, other.groomers, other.risk.shape, other.labels.shape) == (None, None, (0,), (0, 1))


def test_names_that_a_corpus_keeps_become_hashes_that_are_the_same_everywhere(tmp_path: Path) -> None:
    rows = [
        replace(
            judged(name, [0.4], grooming=True), speakers=("wolf",), groomers=frozenset({"wolf"}), attributes={"corpus": "pan12"}
        )
        for name in "ab"
    ]
    one, other = read_saved(saved_at(tmp_path / "e", rows)).judged
    assert one.speakers == other.speakers
    assert one.speakers != ("wolf",)
    assert one.groomers == frozenset(one.speakers)


def test_what_is_no_saved_evaluation_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"PAR1")
    with pytest.raises(ResultsError, match="cannot be read as saved scores"):
        read_saved(tmp_path / "x.parquet")
    with pytest.raises(ResultsError, match="cannot be read"):
        read_saved(tmp_path / "nowhere")


def test_the_report_asks_the_network_for_nothing_and_has_no_script(evaluated: Path) -> None:
    page = Page((evaluated / "report.html").read_text("utf-8"))
    (policy,) = [a["content"] or "" for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    digest = base64.b64encode(hashlib.sha256(page.raw["style"].encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    for tag, attributes in page.elements:
        assert tag not in ("script", "img", "iframe", "link", "object", "base", "a")
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "src", "href")], tag
    assert "url(" not in page.raw["style"]


def test_the_report_says_what_is_wrong_with_its_figures(evaluated: Path) -> None:
    text = re.sub(r"\s+", " ", Page((evaluated / "report.html").read_text("utf-8")).text)
    for words in (
        "These figures are too good. The model has met 12 of these conversations",
        "What these figures cannot say",
        "never a finding",
        "Which stage is taken for which",
        "too few to draw curves of" if "Recall over false alarms" not in text else "How early",
    ):
        assert words in text, words


def test_words_of_messages_are_kept_only_where_somebody_asked(evaluated: Path, tmp_path: Path) -> None:
    assert b"homework" not in (evaluated / "metrics.json").read_bytes()
    assert read_saved(evaluated).judged[0].texts is not None
    plain = tmp_path / "plain"
    evaluate_saved(evaluated, Settings(out=plain, rounds=20))
    assert all(one.texts is None for one in read_saved(plain).judged)
    assert "homework" not in (plain / "report.html").read_text("utf-8")


def test_the_words_of_an_error_are_shown_and_cannot_become_part_of_the_page(tmp_path: Path) -> None:
    rows = wide(10, 40)
    rows.append(replace(judged("loud", [0.1, 0.99], grooming=False), texts=("hello", "<img src=x onerror=alert(1)>")))
    evaluate_saved(saved_at(tmp_path / "e", rows), Settings(out=tmp_path / "out", text=True, rounds=20))
    page = Page((tmp_path / "out" / "report.html").read_text("utf-8"))
    assert "<img src=x onerror=alert(1)>" in page.text
    assert "img" not in {tag for tag, _ in page.elements}


def test_other_thresholds_change_what_is_flagged_and_no_score(evaluated: Path, tmp_path: Path) -> None:
    limits = tmp_path / "t.json"
    limits.write_text('{"risk": 1.0, "stages": {"access": 0.5, "secrecy": 0.5}, "chosen": "for a test"}', "utf-8")
    found = evaluate_saved(evaluated, Settings(rounds=20), thresholds=limits).metrics
    assert found["conversations"]["threshold"] == 1.0
    assert found["model"]["thresholds"] == "for a test"
    assert found["conversations"]["roc_auc"] == metrics_of(evaluated)["conversations"]["roc_auc"]


def test_the_official_figures_of_pan12_stand_where_its_conversations_do(tmp_path: Path) -> None:
    def chat(name: str, speaker: str, risk: float, flagged: set[str]) -> Judged:
        grooms = frozenset({speaker} if speaker.startswith("g") else ())
        return replace(
            judged(name, [0.1, risk], grooming=bool(grooms)),
            speakers=("x", speaker),
            groomers=grooms,
            stages=np.asarray([[0.0], [risk]]),
            speaker_risk=np.asarray([0.1, risk]),
            messages=("1", "2"),
            flagged=frozenset(flagged),
            attributes={"corpus": "pan12"},
        )

    rows = [chat("1", "g1", 0.9, {"2"}), chat("2", "g1", 0.2, {"2"}), chat("3", "g2", 0.3, {"2"}), chat("4", "o1", 0.8, set())]
    found = measure(Saved(rows, Thresholds(risk=0.5, stages={"access": 0.5})), rounds=20)["pan12"]
    who, lines = found["who"], found["which_lines"]
    assert (who["retrieved"], who["relevant_retrieved"], who["relevant"]) == (2, 1, 2), "g1 and o1 of g1 and g2"
    assert who["f0.5"] == 0.5
    assert (lines["retrieved"], lines["relevant_retrieved"], lines["relevant"]) == (2, 1, 3), "the loud line of g1, and that of o1"
    assert lines["f3"] == pytest.approx(10 * 0.5 * (1 / 3) / (9 * 0.5 + 1 / 3), abs=1e-6)


def test_two_evaluations_compare_as_their_models_do(
    evaluated: Path, tiny_model: Path, tiny_encoder_model: Path, tiny_corpus: Path, tmp_path: Path
) -> None:
    selection = DatasetSelection([tiny_corpus], split="all", leakage="allow")
    evaluate(tiny_encoder_model, selection, Settings(out=tmp_path / "encoder", rounds=20))
    saved = compare_saved(evaluated, tmp_path / "encoder")
    direct = compare_models(tiny_model, tiny_encoder_model, selection)
    for one, other in zip(saved, direct, strict=True):
        assert one.name == other.name
        assert (one.first, one.second, *one.interval) == pytest.approx((other.first, other.second, *other.interval), nan_ok=True)
    with pytest.raises(ConfigError, match="no saved evaluation"):
        compare_saved(evaluated, tiny_model)
    with pytest.raises(ConfigError, match="no conversation in common"):
        compare_saved(evaluated, saved_at(tmp_path / "other", wide(3, 3)))


def test_the_commands_go_together(tiny_model: Path, tiny_corpus: Path, tmp_path: Path) -> None:
    run = CliRunner()
    given = ["--model", str(tiny_model), "--corpus", str(tiny_corpus), "--split", "all", "--rounds", "20"]
    done = run.invoke(app, ["evaluate", *given, "--allow-leakage", "--out", str(tmp_path / "e")])
    assert done.exit_code == 0, done.output
    assert "too good" in done.output
    done = run.invoke(app, ["threshold", str(tmp_path / "e"), "--recall", "1", "--out", str(tmp_path / "t.json")])
    assert done.exit_code == 0, done.output
    done = run.invoke(
        app, ["evaluate", "recompute", str(tmp_path / "e"), "--thresholds", str(tmp_path / "t.json"), "--rounds", "20"]
    )
    assert done.exit_code == 0, done.output
    done = run.invoke(app, ["compare", str(tmp_path / "e"), str(tmp_path / "e")])
    assert done.exit_code == 0, done.output
    assert isinstance(run.invoke(app, ["evaluate", *given]).exception, Exception)
    assert "nothing was given" in str(run.invoke(app, ["evaluate"]).exception)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--suite", "functional"], "evaluate suite"),
        (["--scores", "e"], "evaluate recompute"),
        (["--unlabelled", "chats"], "evaluate drift"),
        (["--rounds", "20", "suite"], "behind `evaluate suite`"),
    ],
)
def test_an_option_that_became_a_command_or_stands_before_one_says_where_it_belongs(given: list[str], told: str) -> None:
    ended = CliRunner().invoke(app, ["evaluate", *given]).exception
    assert isinstance(ended, ConfigError)
    assert told in str(ended)


@pytest.mark.filterwarnings("ignore")  # MLflow's store warns of what its own libraries will drop
def test_an_evaluation_is_kept_in_mlflow(evaluated: Path, tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    uri = f"sqlite:///{tmp_path / 'runs.db'}"
    found = replace_folder(evaluated)
    run = mlflow.MlflowClient(uri).get_run(track(found, uri=uri))
    assert run.data.params["split"] == "all"
    assert run.data.metrics["stage_macro_F1"] == pytest.approx(found.metrics["macro_f1"], abs=1e-5)


def replace_folder(folder: Path) -> Any:
    return replace(evaluate_saved(folder, Settings(rounds=20)), folder=folder)
