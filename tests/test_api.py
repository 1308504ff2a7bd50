"""The Python interface: what it gives, what it refuses by name, and that importing it is cheap."""

from __future__ import annotations

import importlib
import logging
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

import pipeline
from pipeline import LoadedModel, NgramClassifier, evaluate, load_model, read_export, score, train
from pipeline.errors import InputError, SafelightError
from pipeline.results import scores_schema
from pipeline.schema import Message, Source

PRIVATE = "zanzibar"


@pytest.fixture(scope="module")
def model(root: Path) -> LoadedModel:
    return load_model(root / "models" / "default")


def test_every_public_name_is_there_and_no_module() -> None:
    assert pipeline.__all__ == sorted(pipeline.__all__)
    for name in pipeline.__all__:
        assert callable(getattr(pipeline, name)), name
        assert getattr(pipeline, name).__doc__, name
    assert set(pipeline.__all__) <= set(dir(pipeline))


@pytest.mark.parametrize("first", ["import pipeline.score, pipeline.evaluate", "import pipeline.cli.main", "pass"])
def test_the_functions_are_found_whatever_was_imported_before(first: str) -> None:
    program = f"{first}\nfrom pipeline import evaluate, score\nassert 'function' in type(score).__name__ + type(evaluate).__name__"
    program += "\nimport pipeline.score, pipeline.evaluate\nfrom pipeline import score as again\nassert again is score"
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)


def test_importing_the_package_imports_no_library() -> None:
    program = (
        "import pipeline, sys; print([name for name in ('numpy', 'pyarrow', 'pydantic', 'onnxruntime') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        pipeline.nothing  # type: ignore[attr-defined]  # noqa: B018
    assert importlib.import_module("pipeline") is pipeline


def test_predict_gives_a_score_a_message(model: LoadedModel) -> None:
    talks = [[("ana", "dinner is ready"), ("ben", "coming")], [("ana", "how old are you? don't tell your mum, it is our secret")]]
    predictions = model.predict(talks)
    assert [len(conversation.messages) for conversation in predictions] == [2, 1]
    assert [conversation.conversation_id for conversation in predictions] == ["1", "2"]
    assert set(predictions[0].messages[0].stages or {}) == set(model.classes_)
    assert predictions[1].risk > predictions[0].risk
    assert all((one.first_alert is not None) == (one.risk >= model.thresholds.risk) for one in predictions)


def test_a_table_gives_the_same_scores_as_lists(model: LoadedModel) -> None:
    columns = {"conversation_id": ["a", "b", "a"], "speaker": ["x", "y", "z"], "text": ["how old are you", "hello", "twelve"]}
    of_table = model.predict(pa.table(columns))
    of_lists = model.predict([[("x", "how old are you"), ("z", "twelve")], [("y", "hello")]])
    assert [one.conversation_id for one in of_table] == ["a", "b"]
    assert [[score.risk for score in one.messages] for one in of_table] == [
        [score.risk for score in one.messages] for one in of_lists
    ]


def test_a_data_frame_goes_in_and_out(model: LoadedModel) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {"conversation_id": [1, 1], "speaker": ["x", None], "text": ["how old are you", "joined"]}, index=[5, 9]
    )
    predictions = model.predict(frame)
    assert list(predictions.to_pandas()["risk"]) == [score.risk for score in predictions[0].messages]


def test_tables_hold_the_columns_of_the_results_and_no_text(model: LoadedModel) -> None:
    table = model.predict([[("ana", PRIVATE)]]).to_arrow()
    assert table.schema == scores_schema(model.classes_)
    assert PRIVATE not in str(table.to_pylist())
    assert model.predict([]).to_arrow().num_rows == 0


def test_to_pandas_names_pandas_where_it_is_missing(model: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(SafelightError, match="pip install pandas"):
        model.predict([]).to_pandas()


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (PRIVATE, "a str"),
        (b"x", "a bytes"),
        (7, "a int"),
        (None, "a NoneType"),
        ([PRIVATE], "conversation 1 is a str"),
        ([[PRIVATE]], "conversation 1, message 1 is a str"),
        ([[("ana", "x", PRIVATE)]], "message 1 has 3 parts"),
        ([[("ana", "x"), ("ben",)]], "message 2 has 1 parts"),
        ([[("ana", None)]], "(str, NoneType)"),
        ([[(3, PRIVATE)]], "(int, str)"),
        (pa.table({"speaker": ["a"], "text": [PRIVATE]}), "lacks the column conversation_id"),
        (pa.table({"conversation_id": ["a"], "speaker": ["a"], "text": [PRIVATE], "mood": ["x"]}), "mood"),
        (pa.table({"conversation_id": ["a"], "speaker": ["a"], "text": [5]}), "row 1 of the table: text is a int"),
        (pa.table({"conversation_id": [None], "speaker": ["a"], "text": [PRIVATE]}), "conversation_id"),
        (pa.table({"conversation_id": ["a"], "speaker": ["a"], "text": [PRIVATE], "kind": [PRIVATE]}), "kind"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_list_of_conversations_is_refused_by_name(given: object, named: str, model: LoadedModel) -> None:
    with pytest.raises(InputError) as caught:
        model.predict(given)
    assert named in str(caught.value)
    assert PRIVATE not in str(caught.value)


def test_an_export_is_read_and_scored_as_the_command_does(model: LoadedModel, root: Path, tmp_path: Path) -> None:
    export = root / "data" / "samples" / "whatsapp-family.txt"
    run = score(export, out=tmp_path / "run", model=root / "models" / "default", cascade=False)
    predictions = model.predict(read_export(str(export)))
    assert [one.risk for one in predictions] == [one.risk for one in run.conversations()]


def test_what_was_noticed_is_logged_where_no_log_was_given(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        list(read_export(root / "data" / "samples"))
    assert "holds the same chat" in caplog.text


def test_a_step_is_a_prediction(model: LoadedModel) -> None:
    state, found = model.start("1"), []
    for number, text in enumerate(["how old are you", "are you alone"], 1):
        message = Message(message_id=str(number), speaker="ana", text=text, source=Source("live"))
        state, scored = model.step(state, message)
        found.append(scored)
    assert tuple(found) == model.predict([[("ana", "how old are you"), ("ana", "are you alone")]])[0].messages


def test_a_model_is_trained_and_evaluated(tiny_recipe: Path, tiny_corpus: Path, tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="training needs the train extra")
    trained = train(tiny_recipe, corpus=tiny_corpus, out=tmp_path / "model")
    assert trained.predict([[("ana", "how old are you anyway")]])[0].messages[0].stages
    assert evaluate(trained.folder.path, corpus=tiny_corpus, leakage="allow").metrics


@pytest.mark.parametrize("paths", [7, [None], [b"x"]])
def test_a_path_that_is_none_is_refused(paths: object) -> None:
    with pytest.raises((InputError, TypeError)):
        list(read_export(paths))  # type: ignore[arg-type]


TEXTS = ["how old are you", "this is our secret", "dinner is ready", "do not tell, a secret", "how old is he", "good game"]
STAGES = [{"access"}, {"secrecy"}, set(), {"secrecy"}, {"access"}, set()]


def test_the_ngram_classifier_learns_and_predicts() -> None:
    pytest.importorskip("sklearn", reason="training needs the train extra")
    classifier = NgramClassifier().fit(TEXTS * 3, STAGES * 3)
    assert classifier.classes_ == ("access", "secrecy")
    shares = classifier.predict_proba(["how old are you", "a secret"])
    assert shares.shape == (2, 2)
    assert shares[0, 0] > shares[0, 1]
    assert shares[1, 1] > shares[1, 0]
    assert classifier.predict_proba([]).shape == (0, 2)


@pytest.mark.parametrize(
    ("texts", "stages", "named"),
    [
        (PRIVATE, STAGES, "texts is a str"),
        ([1], [set()], "texts[0] is a int"),
        (TEXTS, STAGES[:2], "2 sets of stages for 6 texts"),
        (TEXTS, "access", "stages is a str"),
        (TEXTS, ["access", *STAGES[1:]], "stages[0] is a str"),
        (TEXTS, [{"unheard"}, *STAGES[1:]], "unheard"),
        (TEXTS, [set()] * 6, "does not hold"),
    ],
)
def test_the_ngram_classifier_refuses_by_name(texts: object, stages: object, named: str) -> None:
    pytest.importorskip("sklearn", reason="training needs the train extra")
    with pytest.raises(SafelightError) as caught:
        NgramClassifier().fit(texts, stages, classes=("access", "secrecy"))  # type: ignore[arg-type]
    assert named in str(caught.value)
    assert PRIVATE not in str(caught.value)


def test_an_ngram_classifier_that_learned_nothing_says_so() -> None:
    with pytest.raises(InputError, match="fit first"):
        NgramClassifier().predict_proba(["hello"])
