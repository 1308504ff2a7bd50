"""Early-warning figures by hand, and the published rows of PAN 2012 from their counts."""

from __future__ import annotations

import math

import pytest
from helpers.judged import judged
from hypothesis import given
from hypothesis import strategies as st

from evaluation.early import early_warning, erde, f_latency, penalty, penalty_rate, threshold_at
from evaluation.pan12 import Official

ALL = [
    judged("found at 2", [0.1, 0.9, 0.2, 0.1, 0.1], grooming=True),
    judged("found at 4", [0.1, 0.2, 0.2, 0.8, 0.1], grooming=True),
    judged("missed", [0.1, 0.1, 0.1, 0.1, 0.2], grooming=True),
    judged("false alarm", [0.1, 0.1, 0.7, 0.1, 0.1], grooming=False),
    judged("quiet", [0.1, 0.1, 0.1, 0.1, 0.3], grooming=False),
]


def test_the_penalty_is_nothing_at_first_and_a_half_at_the_median() -> None:
    p = penalty_rate(5)
    assert penalty(1, p) == 0.0
    assert penalty(5, p) == pytest.approx(0.5)
    assert penalty(1000, p) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="median length of 1"):
        penalty_rate(1)


def test_f_latency_by_hand() -> None:
    found = f_latency(ALL, 0.5)
    p = math.log(3) / 4
    assert found.p == pytest.approx(p)
    assert found.f1 == pytest.approx(2 / 3)
    assert found.speed == pytest.approx(1 - (penalty(2, p) + penalty(4, p)) / 2)
    assert found.f_latency == pytest.approx(found.f1 * found.speed)


def test_erde_by_hand() -> None:
    expected = (1 - 1 / (1 + math.exp(2 - 5)) + 1 - 1 / (1 + math.exp(4 - 5)) + 1 + 3 / 5 + 0) / 5
    assert erde(ALL, 0.5, o=5) == pytest.approx(expected)
    assert erde(ALL, 0.5, o=50) < erde(ALL, 0.5, o=5)
    assert erde(ALL, 2.0, o=5) == pytest.approx(3 / 5), "nothing flagged: every grooming is a miss"


def test_the_early_warning_curve_by_hand() -> None:
    assert threshold_at(ALL, false_positive_rate=0.5) == pytest.approx(0.3)
    assert early_warning(ALL, false_positive_rate=0.5, after=(1, 2, 4, 10)) == pytest.approx({1: 0, 2: 1 / 3, 4: 2 / 3, 10: 2 / 3})
    assert early_warning(ALL, false_positive_rate=0.0, after=(10,)) == pytest.approx({10: 2 / 3}), "0.9 and 0.8 stand above 0.7"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_recall_never_falls_with_more_messages(risks: list[float]) -> None:
    rows = [judged(str(number), [risk / 2, risk], grooming=number % 2 == 0) for number, risk in enumerate(risks)]
    curve = list(early_warning(rows, false_positive_rate=0.2).values())
    assert curve == sorted(curve)


@pytest.mark.parametrize(
    ("retrieved", "relevant", "precision", "recall", "f1", "f05"),
    [
        (204, 200, 0.9804, 0.7874, 0.8734, 0.9346),
        (186, 183, 0.9839, 0.7205, 0.8318, 0.9168),
        (181, 170, 0.9392, 0.6693, 0.7816, 0.8691),
        (159, 154, 0.9686, 0.6063, 0.7458, 0.8652),
        (265, 227, 0.8566, 0.8937, 0.8748, 0.8638),
    ],
)
def test_the_published_rows_of_problem_1(
    retrieved: int, relevant: int, precision: float, recall: float, f1: float, f05: float
) -> None:
    row = Official(retrieved, relevant, 254)
    assert [round(value, 4) for value in (row.precision, row.recall, row.f(1), row.f(0.5))] == [precision, recall, f1, f05]


@pytest.mark.parametrize(("retrieved", "relevant", "f3"), [(63_290, 5_790, 0.4762), (19_535, 3_249, 0.4174)])
def test_the_published_rows_of_problem_2(retrieved: int, relevant: int, f3: float) -> None:
    assert round(Official(retrieved, relevant, 6_478).f(3), 4) == f3
