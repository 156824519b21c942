"""Intervals and the threshold: what they hold, how often, and that a seed settles them."""

from dataclasses import asdict
from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from models.evaluation import measures
from models.evaluation.histogram import ScoreHistogram
from models.evaluation.metrics import METRICS, best_threshold, compute_metrics
from tests.support.scored_tables import Scored, cells_of, hand_made, simulated

NAMES = [
    "auc",
    "average_precision",
    "accuracy",
    "f1",
    "log_loss",
    "brier",
    "calibration_error",
    "ks",
    "top_decile_lift",
]


def drawn(true: ScoreHistogram, seed: int) -> ScoreHistogram:
    """A sample of about 1,500 of the customers whose expected counts are `true`."""
    return true.resampled(np.random.default_rng(seed))


def population() -> ScoreHistogram:
    """Expected counts of 1,500 customers in 60 cells; their labels follow their probabilities."""
    numbers = np.arange(-1_500, 900, 40)
    p = 1 / (1 + np.exp(-numbers / 500))
    rows = np.exp(-0.5 * (numbers / 500 + 0.6) ** 2)
    rows *= 1_500 / rows.sum()
    return ScoreHistogram(numbers, rows * (1 - p), rows * p, p, p, -np.log(1 - p), -np.log(p))


def test_metrics_are_declared_in_the_order_of_the_report() -> None:
    assert list(METRICS) == NAMES
    lower = {name for name, metric in METRICS.items() if metric.better == "lower"}
    assert lower == {"log_loss", "brier", "calibration_error"}


def test_values_are_those_of_the_measures() -> None:
    made = cells_of(*simulated(300))
    found = compute_metrics(made, 0.3, replicates=2)
    assert list(found) == NAMES
    for name in NAMES:
        value = measures.f1(made, 0.3) if name == "f1" else getattr(measures, name)(made)
        assert found[name].value == value


some_rows = st.lists(
    st.tuples(st.integers(min_value=0, max_value=1), st.sampled_from([0.0, 1e-9, 0.1, 0.5, 0.7, 1.0])), max_size=30
)


@settings(max_examples=40)
@given(rows=some_rows, threshold=st.sampled_from([0.0, 0.3, 0.5]))
def test_a_value_lies_in_its_interval(rows: Scored, threshold: float) -> None:
    for name, found in compute_metrics(hand_made(rows), threshold, replicates=20).items():
        if isnan(found.value):
            assert isnan(found.low) and isnan(found.high)
        else:
            assert found.low <= found.value <= found.high
            assert found.low >= 0
            assert found.high <= 1 or name in ("log_loss", "top_decile_lift")


def test_intervals_are_settled_by_the_seed() -> None:
    made = cells_of(*simulated(400))
    first, again, other = (compute_metrics(made, 0.5, seed, replicates=30) for seed in (1, 1, 2))
    assert first == again
    assert all(asdict(first[name]) != asdict(other[name]) for name in NAMES)


def test_intervals_hold_the_truth() -> None:
    """Of 100 samples of a known population at least 88 hold its value, and the intervals are not idly wide."""
    true = population()
    truth = {name: metric.value(true, 0.4) for name, metric in METRICS.items()}
    found = [compute_metrics(drawn(true, seed), 0.4, seed, replicates=100) for seed in range(100)]
    held = {name: sum(one[name].low <= truth[name] <= one[name].high for one in found) for name in NAMES}
    assert truth["calibration_error"] == pytest.approx(0, abs=1e-12)
    assert min(held.values()) >= 88, held
    ks = [one["ks"] for one in found]  # chance has raised it, so there is more room below
    assert sum(one.value - one.low > one.high - one.value for one in ks) >= 90
    missed = {name: 100 - count for name, count in held.items() if name != "calibration_error"}
    assert min(missed.values()) >= 1, "an interval that holds the truth always says nothing"


def test_the_interval_of_the_auc_is_as_wide_as_theory_says() -> None:
    """Hanley & McNeil 1982: the standard error of the AUC, here about 0.013."""
    true = population()
    made = drawn(true, 7)
    found = compute_metrics(made, 0.4, replicates=400)["auc"]
    a, positives, negatives = found.value, made.positives.sum(), made.negatives.sum()
    q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
    variance = (a * (1 - a) + (positives - 1) * (q1 - a * a) + (negatives - 1) * (q2 - a * a)) / (positives * negatives)
    assert found.high - found.low == pytest.approx(2 * 1.96 * variance**0.5, rel=0.2)


def test_the_best_threshold_is_that_of_all_scores() -> None:
    labels, probabilities = simulated(300, seed=4)
    found = best_threshold(cells_of(labels, probabilities))
    scores = {p: f1_score(labels, probabilities >= p) for p in set(probabilities)}
    assert f1_score(labels, probabilities >= found) == pytest.approx(max(scores.values()), abs=1e-12)


def test_the_best_threshold_by_hand() -> None:
    """Two rightly called of two is as good an F1 as any; the edge of the bin of 0.6 is just below it."""
    found = best_threshold(hand_made([(1, 0.9), (1, 0.6), (0, 0.5), (0, 0.1)]))
    assert 0.5995 < found <= 0.6
    assert best_threshold(hand_made([(1, 0.0), (0, 0.0)])) == 0  # everybody
    # From 0.8 on one of two, from 0.2 on two of four and so on: equal, so the fewest are called.
    assert 0.79 < best_threshold(hand_made([(1, 0.8), (0, 0.6), (0, 0.4), (1, 0.2)])) <= 0.8


@pytest.mark.parametrize("rows", [[], [(0, 0.4), (0, 0.1)]])
def test_no_threshold_is_best_without_positives(rows: Scored) -> None:
    with pytest.raises(ValueError, match="there are no positives"):
        best_threshold(hand_made(rows))
