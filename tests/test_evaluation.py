"""Metrics against figures worked out by hand and against scikit-learn's."""

from math import isnan, log

import pytest
from given import frame
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

from models.evaluation import auc, metrics, roc_curve

Scored = list[tuple[int, float]]


def scored(spark: SparkSession, rows: Scored) -> DataFrame:
    named = [{"label": label, "probability": probability} for label, probability in rows]
    return frame(spark, named, {"label": "int", "probability": "double"})


def test_auc_with_ties_by_hand(engine: SparkSession) -> None:
    """Of the 3 x 2 pairs, 0.8 stands above both negatives; either 0.5 ties with one and stands above the other."""
    rows = [(1, 0.8), (1, 0.5), (1, 0.5), (0, 0.5), (0, 0.2)]
    assert auc(scored(engine, rows)) == pytest.approx((2 + 1.5 + 1.5) / 6)


@pytest.mark.parametrize(
    ("rows", "area"),
    [
        ([(1, 0.9), (0, 0.1)], 1.0),
        ([(1, 0.1), (0, 0.9)], 0.0),
        ([(1, 0.3), (0, 0.3), (0, 0.3)], 0.5),  # one score for all says nothing
        ([(1, 0.3), (0, 0.3 + 1e-15)], 0.0),  # no score is rounded
    ],
)
def test_auc_at_its_ends(sail: SparkSession, rows: Scored, area: float) -> None:
    assert auc(scored(sail, rows)) == area


@pytest.mark.parametrize("rows", [[(1, 0.9), (1, 0.2)], [(0, 0.9)], []])
def test_auc_needs_both_labels(sail: SparkSession, rows: Scored) -> None:
    assert isnan(auc(scored(sail, rows)))


def test_metrics_by_hand(engine: SparkSession) -> None:
    found = metrics(scored(engine, [(1, 0.8), (0, 0.4), (1, 0.5), (0, 0.75)]))  # 0.5 is a yes: 3 of 4 are right
    assert (found.rows, found.positives, found.accuracy, found.auc) == (4, 2, 0.75, 0.75)
    assert found.log_loss == pytest.approx(-(log(0.8) + log(0.6) + log(0.5) + log(0.25)) / 4, rel=1e-12)


def test_certain_and_wrong_costs_much_but_not_everything(sail: SparkSession) -> None:
    found = metrics(scored(sail, [(1, 0.0), (0, 1.0), (1, 1.0), (0, 0.0)]))
    assert found.log_loss == pytest.approx(-log(1e-15) / 2, rel=1e-2)


some_scores = st.lists(
    st.tuples(st.integers(min_value=0, max_value=1), st.sampled_from([n / 20 for n in range(1, 20)])), max_size=80
).map(lambda rows: [*rows, (1, 0.3), (0, 0.3)])


@settings(max_examples=10)
@given(rows=some_scores)
def test_metrics_are_those_of_scikit_learn(sail: SparkSession, rows: Scored) -> None:
    labels, probabilities = zip(*rows, strict=True)
    found = metrics(scored(sail, rows))
    assert found.auc == pytest.approx(roc_auc_score(labels, probabilities), rel=1e-12)
    assert found.log_loss == pytest.approx(log_loss(labels, probabilities), rel=1e-9)
    assert found.accuracy == pytest.approx(accuracy_score(labels, [p >= 0.5 for p in probabilities]), rel=1e-12)


@settings(max_examples=5)
@given(rows=some_scores)
def test_area_under_the_roc_curve_is_the_auc(sail: SparkSession, rows: Scored) -> None:
    """These scores lie in buckets of their own, so the curve loses nothing."""
    points = roc_curve(scored(sail, rows))
    assert points[0] == (0, 0) and points[-1] == (1, 1)
    steps = list(zip(points, points[1:], strict=False))
    assert all(left[0] <= right[0] and left[1] <= right[1] for left, right in steps)
    area = sum((right[0] - left[0]) * (left[1] + right[1]) / 2 for left, right in steps)
    assert area == pytest.approx(roc_auc_score(*zip(*rows, strict=True)))


def test_roc_curve_stays_small(sail: SparkSession) -> None:
    points = roc_curve(scored(sail, [(n % 2, n / 1_000) for n in range(1_001)]))
    assert len(points) == 202  # 200 buckets, one for exactly 1, and the origin
