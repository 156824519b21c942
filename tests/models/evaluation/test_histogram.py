"""Cells against numpy's own counts and figures worked out by hand."""

from dataclasses import astuple
from math import log

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from models.evaluation.histogram import (
    GREATEST_BIN,
    LEAST_BIN,
    ScoreHistogram,
    count_scores,
    first_bin_from,
    in_tenths,
    lower_edge,
)
from tests.support.frames import frame
from tests.support.scored_tables import cells_of, hand_made, scored, simulated

JUST_BELOW_HALF = np.nextafter(0.5, 0)


def test_cells_by_hand(engine: SparkSession) -> None:
    rows = [(1, 0.5), (0, 0.5), (1, 0.5), (0, float(JUST_BELOW_HALF)), (0, 0.8), (1, 0.0), (0, 1e-9), (1, 1.0)]
    found = count_scores(scored(engine, rows))
    assert found.bin.tolist() == [-8_000, -1, 0, 693, 7_999]  # log 4 is 1.3863
    assert found.negatives.tolist() == [1, 1, 1, 1, 0]
    assert found.positives.tolist() == [1, 0, 2, 0, 1]
    assert found.negative_probability == pytest.approx([1e-9, 0.5, 0.5, 0.8, 0], abs=1e-8)
    assert found.positive_probability == pytest.approx([0, 0, 0.5, 0, 1], abs=1e-8)
    assert found.negative_loss == pytest.approx([0, log(2), log(2), log(5), 0], abs=1e-8)
    assert found.positive_loss == pytest.approx([15 * log(10), 0, log(2), 0, 0], abs=1e-8)
    assert found.probability[3] == pytest.approx(0.8)


def test_counts_are_those_of_numpy(sail: SparkSession, request: pytest.FixtureRequest) -> None:
    """And not a bit differs between engines, nor with the order in which rows come."""
    labels, probabilities = simulated(2_000)
    rows = list(zip(labels.tolist(), probabilities.tolist(), strict=True))
    found = count_scores(scored(sail, rows))
    for ours, theirs in zip(astuple(found), astuple(cells_of(labels, probabilities)), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-8)
    on_spark = count_scores(scored(request.getfixturevalue("spark"), rows[::-1]).repartition(3))
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(astuple(found), astuple(on_spark), strict=True))


def test_labels_may_be_any_number(sail: SparkSession) -> None:
    rows = frame(sail, [{"label": 1.0, "probability": 0.7}], {"label": "double", "probability": "double"})
    assert count_scores(rows).positives.tolist() == [1]


def test_many_scores_are_few_cells(sail: SparkSession) -> None:
    table = sail.range(50_000).select(
        (F.col("id") % 2).alias("label"), (1 / (1 + F.exp((F.col("id") - 25_000) / 1_000))).alias("probability")
    )
    found = count_scores(table)
    assert len(found.bin) == 16_000
    assert found.rows.sum() == 50_000


def test_no_rows(engine: SparkSession) -> None:
    assert [len(column) for column in astuple(count_scores(scored(engine, [])))[:7]] == [0] * 7


@pytest.mark.parametrize(
    ("label", "probability"),
    [(None, 0.5), (1, None), (2, 0.5), (1, float("nan")), (1, 1.0001), (1, -0.1), (0, float("inf"))],
)
def test_what_is_no_score_is_refused(engine: SparkSession, label: int | None, probability: float | None) -> None:
    rows = [{"label": 1, "probability": 0.5}, {"label": label, "probability": probability}]
    with pytest.raises(ValueError, match="every label must be 0 or 1"):
        count_scores(frame(engine, rows, {"label": "int", "probability": "double"}))


def test_a_resample_draws_each_customer_once_on_average() -> None:
    once = ScoreHistogram(np.arange(3), np.array([1.0, 0, 400]), np.array([0, 5.0, 0]), *[np.zeros(3)] * 4)
    random = np.random.default_rng(1)
    drawn = np.array([[one.negatives, one.positives] for one in (once.resampled(random) for _ in range(4_000))])
    assert drawn.mean(axis=0) == pytest.approx(np.array([[1, 0, 400], [0, 5, 0]]), rel=0.05)
    assert drawn.var(axis=0) == pytest.approx(np.array([[1, 0, 400], [0, 5, 0]]), rel=0.1)


def test_tenths_share_a_cell_that_stands_across_their_border() -> None:
    """Of 5 customers each is two tenths; the three of one score are six."""
    made = hand_made([(0, 0.1), (1, 0.3), (0, 0.3), (0, 0.3), (1, 0.9)])
    third = 1 / 6
    assert in_tenths(made, made.positives) == pytest.approx([0, 0, *[third] * 6, 0.5, 0.5])
    assert in_tenths(made, made.expected) == pytest.approx([0.05, 0.05, *[0.15] * 6, 0.45, 0.45])


def test_a_threshold_is_the_edge_of_a_bin() -> None:
    assert lower_edge(0) == 0.5
    assert lower_edge(LEAST_BIN) == 0  # all are above it, whatever their score
    for number in [LEAST_BIN, -5_000, -3, 0, 1, 693, 6_000, GREATEST_BIN]:
        assert first_bin_from(lower_edge(number)) == number
    assert first_bin_from(0.8) == 693  # 693.147 is nearer to 693
    assert (first_bin_from(0.0), first_bin_from(1.0)) == (LEAST_BIN, GREATEST_BIN)


def test_above_a_threshold_are_the_same_customers_in_cells_and_in_rows() -> None:
    labels, probabilities = simulated(500)
    made = cells_of(labels, probabilities)
    for number in made.bin:
        assert made.rows[made.bin >= number].sum() == (probabilities >= lower_edge(int(number))).sum()
