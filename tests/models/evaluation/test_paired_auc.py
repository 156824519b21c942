"""The gain of one score over another of the same customers."""

from math import isnan

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from sklearn.metrics import roc_auc_score

from models.arrays import Floats
from models.evaluation.metrics import compute_metrics
from models.evaluation.paired_auc import auc_gain
from tests.support.frames import frame
from tests.support.scored_tables import cells_of

TYPES = {"label": "int", "probability": "double", "other_probability": "double"}


def pairs(spark: SparkSession, *columns: Floats) -> DataFrame:
    """A table of labels and two probabilities."""
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return frame(spark, [dict(zip(TYPES, row, strict=True)) for row in rows], TYPES)


def customers(rows: int, noise: float) -> tuple[Floats, Floats, Floats]:
    """Labels, the true probabilities, and such with noise on their log odds."""
    random = np.random.default_rng(5)
    true, blurred = random.normal(0, 1.5, rows), random.normal(0, noise, rows)
    p = 1 / (1 + np.exp(-true))
    return (random.random(rows) < p).astype(int), p, 1 / (1 + np.exp(-true - blurred))


def test_a_better_score_gains(engine: SparkSession) -> None:
    labels, better, worse = customers(1_500, noise=1.5)
    found = auc_gain(pairs(engine, labels, better, worse))
    assert found.value == pytest.approx(roc_auc_score(labels, better) - roc_auc_score(labels, worse), abs=3e-4)
    assert 0 < found.low < found.value < found.high
    assert auc_gain(pairs(engine, labels, worse, better)).high < 0
    of_each = [compute_metrics(cells_of(labels, p), 0.5)["auc"] for p in (better, worse)]
    assert found.high - found.low < 0.8 * sum(np.array([one.high - one.low for one in of_each]) ** 2) ** 0.5


def test_engines_agree_to_the_last_bit(sail: SparkSession, request: pytest.FixtureRequest) -> None:
    """Draws go by the order of the cells, which neither an engine nor its partitions have a say in."""
    columns = customers(300, noise=0.5)
    found = auc_gain(pairs(sail, *columns), replicates=40)
    assert found == auc_gain(pairs(sail, *columns).repartition(5, "probability"), replicates=40)
    assert found.low != auc_gain(pairs(sail, *columns), seed=2, replicates=40).low
    spark = request.getfixturevalue("spark")  # from here on expressions are Spark's
    assert found == auc_gain(pairs(spark, *columns), replicates=40)


def test_a_score_gains_nothing_over_itself(sail: SparkSession) -> None:
    labels, p, _ = customers(200, noise=1)
    found = auc_gain(pairs(sail, labels, p, p))
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_gain_with_ties_and_certain_scores_by_hand(sail: SparkSession) -> None:
    """Ours: one pair of 0 and 1 the wrong way round, one tie, two in order; the other is a constant."""
    labels, ours = np.array([1, 1, 0, 0]), np.array([1.0, 0.0, 0.0, 1e-300])
    found = auc_gain(pairs(sail, labels, ours, np.full(4, 0.3)))
    assert found.value == pytest.approx((1 + 1 + 0.5 + 0.5) / 4 - 0.5)  # 0 and 1e-300 are one score


def test_far_scores_are_told_apart(sail: SparkSession) -> None:
    """A rare outcome has small probabilities, and there too one is twice another."""
    labels, ours = np.array([0, 1, 0, 1]), np.array([1e-6, 2e-6, 1e-4, 2e-4])
    found = auc_gain(pairs(sail, labels, ours, 1 - ours))
    assert found.value == pytest.approx(3 / 4 - 1 / 4)


@pytest.mark.parametrize("labels", [[], [1, 1], [0]])
def test_gain_needs_both_labels(sail: SparkSession, labels: list[int]) -> None:
    found = auc_gain(pairs(sail, np.array(labels), *[np.full(len(labels), 0.5)] * 2))
    assert isnan(found.value) and isnan(found.low) and isnan(found.high)


@pytest.mark.parametrize("row", [(None, 0.5, 0.5), (1, None, 0.5), (1, 0.5, None), (1, 0.5, 1.5), (3, 0.5, 0.5)])
def test_what_is_no_score_is_refused(sail: SparkSession, row: tuple[float | None, ...]) -> None:
    rows = [dict(zip(TYPES, values, strict=True)) for values in (row, (1, 0.5, 0.5))]
    with pytest.raises(ValueError, match="every label must be 0 or 1"):
        auc_gain(frame(sail, rows, TYPES))
