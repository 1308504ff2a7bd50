"""The functional suite: large enough, apart from the corpus, and its verdicts tell a good scorer from a bad one."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from evaluation.functional.cases import Case, read_cases, turns
from evaluation.functional.changes import CHANGES
from evaluation.functional.run import Scorer, run_suite
from evaluation.intervals import wilson
from pipeline.config import Taxonomy
from pipeline.corpora.readers.written import read_written
from pipeline.errors import ConfigError
from pipeline.schema import Conversation, MessageScore

LINE = (
    ("A", "How old are you then, my little friend?"),
    ("B", "my mum wants to know why you ask that"),
    ("A", "just asking, Nilu"),
)


@pytest.fixture(scope="module")
def cases() -> tuple[Case, ...]:
    return read_cases()


def test_it_is_large_and_no_case_stands_twice(cases: tuple[Case, ...]) -> None:
    counts = Counter(case.functionality.id for case in cases)
    assert len(counts) >= 40
    assert len(cases) >= 1500
    assert min(counts.values()) >= 9
    told = Counter((case.functionality.id, *((m.speaker, m.text) for m in case.conversation.messages)) for case in cases)
    assert [key[0] for key, count in told.items() if count > 1] == []
    assert cases == read_cases()


def test_every_stage_and_every_verdict_is_tested(cases: tuple[Case, ...], taxonomy: Taxonomy) -> None:
    assert {case.functionality.stage for case in cases} - {None} == set(taxonomy.keys)
    assert {case.functionality.expected for case in cases} == {
        "stage", "flagged", "quiet", "early", "sender", "same", "higher", "not_lower",
    }  # fmt: skip


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def test_corpus_measuring_sets_and_suite_share_no_sentence(cases: tuple[Case, ...], root: Path, taxonomy: Taxonomy) -> None:
    """A sentence is a message of four words or more: what is tested on was not learned.

    Among strangers of five: everybody asks "how old r u" there.
    """

    def sentences(texts: Iterable[str]) -> set[str]:
        return {plain for text in texts if len((plain := _plain(text)).split()) >= 4}

    corpus, transfer, strangers = (
        sentences(message.text for one in read_written(root / "data" / name, taxonomy) for message in one.messages)
        for name in ("synthetic", "transfer", "strangers")
    )
    suite = sentences(message.text for case in cases for message in case.conversation.messages)
    assert sorted(corpus & suite) == []
    assert sorted(corpus & transfer) == []
    assert sorted(transfer & suite) == []
    assert sorted(text for text in strangers & (corpus | transfer | suite) if len(text.split()) > 4) == []


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_keeps_what_is_said_and_by_whom(name: str) -> None:
    for number in range(6):
        changed = CHANGES[name](LINE, number)
        assert changed == CHANGES[name](LINE, number)
        assert {speaker for speaker, _ in changed} == {"A", "B"}
        assert len(changed) >= len(LINE)
    assert any(CHANGES[name](LINE, number) != LINE for number in range(6))


def _scorer(risk: Sequence[float], *, stage: float = 0.0, speakers: tuple[float, float] = (0.0, 0.0)) -> Scorer:
    """Return a scorer that says the same of every conversation."""

    def score(conversations: Sequence[Conversation]) -> list[list[MessageScore]]:
        return [
            [
                MessageScore(
                    conversation_id=c.conversation_id,
                    message_id=message.message_id,
                    position=position,
                    speaker_slot=None,
                    kind="message",
                    stages={"access": stage},
                    risk=risk[min(position, len(risk)) - 1],
                    speaker_risk=speakers["AB".index(str(message.speaker))],
                )
                for position, message in enumerate(c.messages, 1)
            ]
            for c in conversations
        ]

    return score


TABLE = """
[[functionality]]
id = "one"
what = "one"
expected = "{0}"
openings = ["A: hello there | B: oh hi | A: how old are you"]
{1}
"""


@pytest.mark.parametrize(
    ("expected", "more", "good", "bad"),
    [
        ("stage", 'stage = "access"', _scorer([0], stage=0.9), _scorer([1], stage=0.1)),
        ("flagged", "", _scorer([0, 0.9]), _scorer([0.2], stage=1)),
        ("quiet", "", _scorer([0.2], stage=1), _scorer([0, 0.9])),
        ("early", "by = 2", _scorer([0, 0.9]), _scorer([0, 0, 0.9])),
        ("sender", "", _scorer([0.9], speakers=(0.9, 0.1)), _scorer([0.9], speakers=(0.9, 0.8))),
        ("higher", 'added = ["A: our secret"]', _scorer([0.1, 0.1, 0.2, 0.3]), _scorer([0.3])),
        ("not_lower", 'added = ["B: hi"]', _scorer([0.3]), _scorer([0.9, 0.9, 0.9, 0.2])),
        ("same", 'change = "splitting"', _scorer([0.3]), _scorer([0.1, 0.1, 0.2, 0.9])),
    ],
)
def test_a_verdict_tells_a_good_scorer_from_a_bad_one(expected: str, more: str, good: Scorer, bad: Scorer, tmp_path: Path) -> None:
    opening = "A: hello there | B: oh hi | A: how old are you"
    content = TABLE.format(expected, more).replace(opening, opening + " these days then")
    (tmp_path / "one.toml").write_text(content)
    one = read_cases(tmp_path)
    limits = {"risk_threshold": 0.5, "stage_thresholds": {"access": 0.5}}
    (passed,), (failed,) = run_suite(one, good, **limits), run_suite(one, bad, **limits)
    assert (passed.passed, passed.cases, passed.failed) == (1, 1, ())
    assert (failed.passed, failed.failed) == (0, ("one/1",))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('stage = "access"', ""), "`stage` belongs to"),
        (('what = "one"', 'what = "one"\ncolour = "red"'), "colour"),
        (("A: hello there", "hello there"), "not of the form"),
        (('openings = ["A: hello there | B: oh hi | A: how old are you"]', 'openings = "nowhere"'), "names `nowhere`"),
    ],
)
def test_a_file_that_does_not_fit_is_an_error(change: tuple[str, str], told: str, tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(TABLE.format("stage", 'stage = "access"').replace(*change))
    with pytest.raises((ConfigError, ValueError), match=told):
        read_cases(tmp_path)


def test_a_line_is_read_as_its_messages() -> None:
    assert turns("A: hi: you | B: no") == (("A", "hi: you"), ("B", "no"))


@pytest.mark.parametrize(
    ("successes", "trials", "interval"),
    [(0, 10, (0.0, 0.2775)), (10, 10, (0.7225, 1.0)), (5, 10, (0.2366, 0.7634)), (0, 0, (0, 1))],
)
def test_wilson_intervals_are_those_of_the_tables(successes: int, trials: int, interval: tuple[float, float]) -> None:
    assert wilson(successes, trials) == pytest.approx(interval, abs=1e-4)


def test_a_model_of_other_stages_is_refused(tiny_model: Path) -> None:
    from pipeline.evaluate import run_functional_suite

    with pytest.raises(ConfigError, match="stages that this model does not tell"):
        run_functional_suite(tiny_model)


def test_the_shipped_model_runs_it_and_the_outcomes_are_written(root: Path, tmp_path: Path) -> None:
    from pipeline.evaluate import run_functional_suite

    outcomes = run_functional_suite(root / "models" / "default", out=tmp_path / "suite.json")
    record = json.loads((tmp_path / "suite.json").read_text("utf-8"))
    assert record["passed"] == sum(outcome.passed for outcome in outcomes)
    assert 0 < record["passed"] < record["cases"]
    assert "secret" not in json.dumps([entry["failed"] for entry in record["functionalities"]]).replace("twin-secret", "")
