"""The sentence of a flagged conversation: what it says, that it names only what is there, and how urgent it is."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import Taxonomy
from pipeline.summaries import LANGUAGES
from pipeline.summaries.facts import facts_of, first_words
from pipeline.summaries.sentence import level_name, phrases, sentence
from pipeline.summaries.summary import LEVELS, Summary, read_summary, summarise
from pipeline.thresholds import Thresholds

LIMITS = Thresholds(
    risk=0.5,
    stages=dict.fromkeys(
        ("access", "trust", "isolation", "risk_assessment", "secrecy", "desensitisation", "coercion", "approach"), 0.5
    ),
)


@dataclass(frozen=True)
class Row:
    position: int
    speaker_slot: str | None
    facts: tuple[str, ...] = ()
    stages: dict[str, float] | None = field(default_factory=dict)
    risk: float = 0.9
    speaker_risk: float | None = None


def rows(*lines: tuple[str, str, str | None]) -> list[Row]:
    """Return rows of (speaker, text, stage); B is the risky one."""
    facts = facts_of([(speaker, text) for speaker, text, _ in lines])
    return [
        Row(number, speaker, facts[number - 1], {stage: 0.8} if stage else {}, speaker_risk=0.9 if speaker == "B" else 0.1)
        for number, (speaker, _, stage) in enumerate(lines, 1)
    ]


MEETING = rows(
    ("B", "how old are you", "access"),
    ("A", "12 why", None),
    ("B", "ok cool", None),
    ("B", "dont tell your mum ok", "secrecy"),
    ("A", "my dad is here on monday", None),
    ("B", "we could meet up friday", "approach"),
)


def named(taxonomy: Taxonomy, lines: list[Row], language: str = "en") -> str:
    summary = summarise(lines, taxonomy, LIMITS)
    assert summary is not None
    return sentence(summary, {stage.key: stage.name for stage in taxonomy.stages}, language=language)


def test_it_says_who_asks_what_of_whom_and_where(taxonomy: Taxonomy) -> None:
    assert named(taxonomy, MEETING) == (
        "B asks A, who says 12, to keep it from their mother and to meet on Friday; also questions about age, home or family; "
        "messages 1, 2, 4, 6."
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_the_same(language: str, taxonomy: Taxonomy) -> None:
    said = named(taxonomy, MEETING, language)
    assert re.findall(r"\d+", said) == ["12", "1", "2", "4", "6"]
    assert phrases(language)["from"]["mother"] in said
    assert phrases(language)["day"]["friday"] in said
    assert phrases(language)["from"]["father"] not in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_phrase_and_every_fact(language: str) -> None:
    def keys(table: dict[str, object]) -> set[str]:
        return {f"{name}.{key}" for name, value in table.items() for key in (value if isinstance(value, dict) else [""])}

    assert keys(dict(phrases(language))) == keys(dict(phrases("en")))
    lists = tomllib.loads(files("pipeline.summaries").joinpath("facts.toml").read_text("utf-8"))
    for kind in ("from", "day", "place"):
        assert set(lists[kind]) == set(phrases(language)[kind])
    for level in LEVELS:
        assert level_name(level, language=language)


FACTS = (
    "age:12",
    "from:mother",
    "day:friday",
    "hour:17:30",
    "place:station",
    "how:meet",
    "how:picture",
    "press:threat",
    "offer:gift",
)


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ABC"),
            st.lists(st.sampled_from(FACTS), max_size=3, unique=True),
            st.dictionaries(st.sampled_from(list(LIMITS.stages)), st.floats(0, 1), max_size=3),
            st.floats(0, 1),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_it_names_only_what_stands_on_the_messages_that_it_names(taxonomy: Taxonomy, lines: list[tuple]) -> None:
    found = [
        Row(number, slot, tuple(facts), stages, speaker_risk=risk) for number, (slot, facts, stages, risk) in enumerate(lines, 1)
    ]
    summary = summarise(found, taxonomy, LIMITS)
    assert summary is not None
    assert read_summary(summary.as_json()) == summary
    for clause in summary.clauses:
        assert clause.positions
        for position in clause.positions:
            row = found[position - 1]
            assert row.speaker_slot == summary.actor
            assert (row.stages or {})[clause.stage] >= LIMITS.stages[clause.stage]
        assert set(clause.facts) <= set(found[clause.positions[0] - 1].facts)
    if summary.age is not None:
        assert summary.age_position is not None
        row = found[summary.age_position - 1]
        assert row.speaker_slot == summary.target != summary.actor
        assert f"age:{summary.age}" in row.facts
    said = sentence(summary, {})
    facts = {fact for clause in summary.clauses for fact in clause.facts}
    for word, fact in {"mother": "from:mother", "Friday": "day:friday", "17:30": "hour:17:30", "threat": "press:threat"}.items():
        assert (word not in said) or fact in facts
    numbers = re.search(r"messages? ([\d, ]+)", said)
    assert not numbers or [int(number) for number in numbers[1].split(", ")] == summary.positions


@pytest.mark.parametrize(
    ("text", "stage", "level"),
    [
        ("we could meet friday", "approach", "imminent"),
        ("we could meet some time", "approach", "high"),
        ("do it or else", "coercion", "imminent"),
        ("you have until tonight, last chance", "coercion", "imminent"),
        ("shall we say friday", "access", "low"),
        ("you are so mature", "trust", "low"),
    ],
)
def test_urgent_is_an_approach_with_a_time_or_place_a_threat_or_a_countdown(
    text: str, stage: str, level: str, taxonomy: Taxonomy
) -> None:
    summary = summarise(rows(("A", "hi", None), ("B", text, stage)), taxonomy, LIMITS)
    assert summary is not None
    assert summary.level == level


def test_a_conversation_that_is_not_flagged_has_none(taxonomy: Taxonomy) -> None:
    assert summarise([Row(1, "A", risk=0.1)], taxonomy, LIMITS) is None


def test_weak_hints_alone_are_said_to_be_that(taxonomy: Taxonomy) -> None:
    assert "No single message" in named(taxonomy, rows(("A", "hi", None), ("B", "hello", None)))


def test_of_three_speakers_the_target_is_who_says_an_age_or_nobody(taxonomy: Taxonomy) -> None:
    three = rows(("A", "hi", None), ("C", "i'm 12", None), ("B", "keep it secret", "secrecy"))
    assert named(taxonomy, three).startswith("B asks C, who says 12, to keep it secret")
    nobody = rows(("A", "hi", None), ("C", "hello", None), ("B", "keep it secret", "secrecy"))
    assert named(taxonomy, nobody).startswith("B asks the others to keep it secret")


@pytest.mark.parametrize(
    "text",
    [
        "i'm 12",
        "im only 13",
        "I’m 11 btw",
        "tengo 12 años",
        "ich bin 12 jahre alt",
        "j'ai 12 ans",
        "ik ben 12 jaar",
        "tenho 12 anos",
        "ho 12 anni",
    ],
)
def test_an_age_is_found_in_every_language(text: str) -> None:
    assert [fact.partition(":")[0] for fact in facts_of([("A", text)])[0]] == ["age"]


@pytest.mark.parametrize(
    "text",
    [
        "i'm 12 minutes late",
        "I am 12th",
        "im 15 mins away",
        "ich bin 12 minuten zu spät",
        "j'ai 12 en maths",
        "ben 10 is on",
        "i'm 34",
        "13",
        "u said 8 your time",
    ],
)
def test_what_is_no_age_is_not_taken_for_one(text: str) -> None:
    assert facts_of([("A", text)]) == [()]


def test_a_bare_number_is_an_age_only_in_answer_to_a_question_for_it_by_another() -> None:
    assert facts_of([("B", "how old r u"), ("A", "13 u")])[1] == ("age:13",)
    assert facts_of([("A", "how old r u"), ("A", "13 u")])[1] == ()
    assert facts_of([("B", "how many points"), ("A", "13 u")])[1] == ()
    assert facts_of([("B", "how old r u"), ("A", "im in year 8")])[1] == ()


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("[photo]", ()),
        ("<Media omitted>", ()),
        ("my dad needs me", ()),
        ("dont tell my dad", ("from:father",)),
        ("um 6 am abend", ()),
        ("pick me up at 6 pm", ("hour:18:00",)),
        ("be there 9:40", ("hour:09:40",)),
        ("not at 2 am.", ("hour:02:00",)),
    ],
)
def test_a_fact_is_what_is_said_and_not_what_looks_like_it(text: str, facts: tuple[str, ...]) -> None:
    assert facts_of([("A", text)]) == [facts]


def test_an_age_of_somebody_else_that_was_asked_for_is_not_the_speakers() -> None:
    assert facts_of([("B", "how old is your brother"), ("A", "12, never talks")])[1] == ()


def test_an_unknown_stage_is_called_by_its_name() -> None:
    summary = Summary("low", "B", "A", None, None, (), ())
    assert "B" in sentence(summary, {})


def test_a_fact_is_looked_for_only_where_a_word_that_it_begins_with_stands() -> None:
    assert first_words(["tomorrow night", "Ma\u00f1ana", "c'est demain"]) == frozenset({"tomorrow", "manana", "c"})
    assert first_words(["tomorrow", "\U0001f4f7"]) is None  # it begins with no word: it is looked for everywhere


def test_every_listed_phrase_is_found_where_it_stands_alone() -> None:
    lists = tomllib.loads(files("pipeline.summaries").joinpath("facts.toml").read_text("utf-8"))
    for kind, values in lists.items():
        for value, listed in values.items() if kind not in ("age", "hide", "from") else ():
            for phrase in listed:
                assert f"{kind}:{value}" in facts_of([("A", f"so, {phrase}!")])[0], phrase
