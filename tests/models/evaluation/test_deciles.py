"""Tenths of customers by score."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from models.evaluation.deciles import decile_thresholds, with_deciles
from tests.support.frames import frame


def deciles(histogram: dict[int, int]) -> dict[int, int]:
    """The decile of each bucket."""
    thresholds = decile_thresholds(histogram)
    return {bucket: 1 + sum(bucket >= threshold for threshold in thresholds) for bucket in histogram}


def test_a_hundred_different_scores_are_ten_to_a_decile(engine: SparkSession) -> None:
    scores = [{"probability": (n + 0.5) / 100} for n in range(100)]
    rows = with_deciles(frame(engine, scores, {"probability": "double"})).collect()
    assert {round(row["probability"] * 100 - 0.5): row["decile"] for row in rows} == {
        n: n // 10 + 1 for n in range(100)
    }


def test_deciles_of_a_rare_label_are_tenths(engine: SparkSession) -> None:
    """Half of the probabilities are below 0.0005."""
    drawn = 0.0005 * np.random.default_rng(1).lognormal(sigma=1.0, size=5_000)
    rows = with_deciles(frame(engine, [{"probability": float(p)} for p in drawn], {"probability": "double"})).collect()
    counts = Counter(row["decile"] for row in rows)
    assert sorted(counts) == list(range(1, 11))
    assert all(480 <= count <= 520 for count in counts.values()), counts
    by_score = [row["decile"] for row in sorted(rows, key=lambda row: float(row["probability"]))]
    assert by_score == sorted(by_score)


@pytest.mark.parametrize("odd", [None, float("nan"), -0.1, 1.1])
def test_what_is_no_probability_is_refused(engine: SparkSession, odd: Any) -> None:
    scores = frame(engine, [{"probability": 0.5}, {"probability": odd}], {"probability": "double"})
    with pytest.raises(ValueError, match="^1 rows have no probability between 0 and 1$"):
        with_deciles(scores)


def test_equal_scores_stand_together(sail: SparkSession) -> None:
    scores = [{"probability": 0.1}] * 50 + [{"probability": 0.9}] * 50
    rows = with_deciles(frame(sail, scores, {"probability": "double"})).collect()
    # The middle of the lower half stands at a quarter, past two tenths; that of the upper at three, past seven.
    assert sorted({(row["probability"], row["decile"]) for row in rows}) == [(0.1, 3), (0.9, 8)]


@pytest.mark.parametrize(
    ("histogram", "expected"),
    [
        (dict.fromkeys(range(10), 1), {n: n + 1 for n in range(10)}),
        ({-8_000: 1, 7_999: 1}, {-8_000: 3, 7_999: 8}),
        ({7: 5}, {7: 6}),
        ({-1: 99, 7_999: 1}, {-1: 5, 7_999: 10}),
        ({}, {}),
    ],
)
def test_few_or_uneven_scores(histogram: dict[int, int], expected: dict[int, int]) -> None:
    assert deciles(histogram) == expected


@given(st.dictionaries(st.integers(-8_000, 7_999), st.integers(1, 30), min_size=1))
def test_a_decile_is_the_tenth_in_which_the_middle_of_equal_scores_stands(histogram: dict[int, int]) -> None:
    total = sum(histogram.values())
    for bucket, decile in deciles(histogram).items():
        below = sum(count for other, count in histogram.items() if other < bucket)
        twice_middle = 2 * below + histogram[bucket]
        assert decile == twice_middle * 10 // (2 * total) + 1


def test_a_probability_of_one_is_in_the_highest(sail: SparkSession) -> None:
    scores = [{"probability": n / 20} for n in range(21)]
    rows = with_deciles(frame(sail, scores, {"probability": "double"})).collect()
    assert {row["decile"] for row in rows if row["probability"] == 1.0} == {10}
