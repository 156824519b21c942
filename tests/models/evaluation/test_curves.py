"""Curves: their ends, their number of points, and what scikit-learn and scipy say."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import precision_recall_curve, roc_auc_score, roc_curve

from models.evaluation import measures
from models.evaluation.curves import CURVES, curves
from tests.support.scored_tables import Scored, cells_of, hand_made, simulated

ROWS = [(1, 0.9), (0, 0.6), (1, 0.6), (0, 0.2)]


def test_curves_by_hand() -> None:
    found = curves(hand_made(ROWS))
    assert list(found) == list(CURVES) == ["roc", "precision_recall", "gains", "lift", "calibration"]
    assert found["roc"] == [[0, 0], [0, 0.5], [0.5, 1], [1, 1]]
    assert found["precision_recall"] == [[0.5, 1], [1, pytest.approx(2 / 3)], [1, 0.5]]
    assert found["gains"] == [[0, 0], [0.25, 0.5], [0.75, 1], [1, 1]]
    assert found["lift"] == [[0.25, 2], [0.75, pytest.approx(4 / 3)], [1, 1]]


def test_curves_of_thousands_stay_small_and_true() -> None:
    labels, probabilities = simulated(5_000)
    made = cells_of(labels, probabilities)
    assert len(made.bin) > 1_000
    found = curves(made)
    assert all(20 < len(points) <= 200 for name, points in found.items() if name != "calibration")
    x, y = np.array(found["roc"]).T
    assert np.trapezoid(y, x) == pytest.approx(roc_auc_score(labels, probabilities), abs=2e-4)
    alarms, hits, _ = roc_curve(labels, probabilities)
    assert np.interp(x, alarms, hits) == pytest.approx(y, abs=0.01)
    precision, recall, _ = precision_recall_curve(labels, probabilities)
    apart = [np.hypot(recall - r, precision - p).min() for r, p in found["precision_recall"]]
    assert max(apart) < 0.01
    gaps = np.diff(x) + np.diff(y)
    assert gaps.max() < 0.1  # the widest tie has its length, and nothing else is left out


def test_as_many_points_as_are_allowed() -> None:
    """Each of 2,000 customers has a score of their own."""
    probabilities = 1 / (1 + np.exp(-np.arange(-1_000.5, 999) / 250))
    found = curves(cells_of(np.tile([0, 1], 1_000), probabilities))
    assert [len(found[name]) for name in ("roc", "precision_recall", "gains", "lift")] == [200, 199, 200, 199]


some_rows = st.lists(
    st.tuples(st.integers(min_value=0, max_value=1), st.sampled_from([n / 20 for n in range(21)])), max_size=60
).map(lambda rows: [*rows, (1, 0.3), (0, 0.3)])


@settings(max_examples=60)
@given(rows=some_rows)
def test_curves_agree_with_the_measures(rows: Scored) -> None:
    made = hand_made(rows)
    found = curves(made)
    for name in ("roc", "gains"):
        points = np.array(found[name])
        assert (points[0].tolist(), points[-1].tolist()) == ([0, 0], [1, 1])
        assert (np.diff(points, axis=0) >= 0).all()
    x, y = np.array(found["roc"]).T
    assert np.trapezoid(y, x) == pytest.approx(measures.auc(made))
    recall, precision = np.array(found["precision_recall"]).T
    assert np.diff(recall, prepend=0) @ precision == pytest.approx(measures.average_precision(made))
    assert np.interp(0.1, *np.array(found["gains"]).T) * 10 == pytest.approx(measures.top_decile_lift(made))
    assert [[share, lift * share] for share, lift in found["lift"]] == [pytest.approx(p) for p in found["gains"][1:]]
    foretold, observed, low, high, number = np.array(found["calibration"]).T
    assert np.abs(foretold - observed).mean() == pytest.approx(measures.calibration_error(made))
    assert number.sum() == pytest.approx(len(rows))
    assert (low >= 0).all() and (low <= observed).all() and (observed <= high).all() and (high <= 1).all()


def test_the_interval_of_an_observed_share_is_wilsons() -> None:
    labels = np.tile([1, 0, 0, 0], 100)
    [*_, last] = curves(cells_of(labels, np.full(400, 0.3)))["calibration"]
    expected = binomtest(10, 40).proportion_ci(method="wilson")
    assert last == pytest.approx([0.3, 0.25, expected.low, expected.high, 40])


def test_one_score_for_all_is_the_diagonal() -> None:
    found = curves(hand_made([(1, 0.4), (0, 0.4), (0, 0.4), (0, 0.4)]))
    assert found["roc"] == found["gains"] == [[0, 0], [1, 1]]
    assert found["precision_recall"] == [[1, 0.25]]
    assert found["lift"] == [[1, 1]]


@pytest.mark.parametrize(
    ("rows", "drawn"),
    [
        ([], []),
        ([(0, 0.3), (0, 0.2)], ["calibration"]),
        ([(1, 0.3), (1, 0.2)], ["precision_recall", "gains", "lift", "calibration"]),
    ],
)
def test_a_curve_without_its_labels_has_no_points(rows: Scored, drawn: list[str]) -> None:
    found = curves(hand_made(rows))
    assert [name for name, points in found.items() if points] == drawn


def test_points_are_plain_json() -> None:
    found = curves(hand_made(ROWS))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
