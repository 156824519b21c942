"""Measures against scikit-learn and scipy on thousands of rows, and against figures worked out by hand."""

from math import isnan, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from scipy.stats import ks_2samp
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    f1_score,
    roc_auc_score,
)
from sklearn.metrics import log_loss as log_loss_score

from models.arrays import Floats
from models.evaluation import measures
from models.evaluation.histogram import count_scores
from tests.support.scored_tables import Scored, cells_of, hand_made, scored, simulated


def theirs(labels: Floats, probabilities: Floats, threshold: float) -> dict[str, float]:
    """What scikit-learn and scipy say."""
    return {
        "auc": roc_auc_score(labels, probabilities),
        "average_precision": average_precision_score(labels, probabilities),
        "accuracy": accuracy_score(labels, probabilities >= 0.5),
        "f1": f1_score(labels, probabilities >= threshold),
        "log_loss": log_loss_score(labels, np.clip(probabilities, 1e-15, 1 - 1e-15)),
        "brier": brier_score_loss(labels, probabilities),
        "ks": ks_2samp(probabilities[labels == 1], probabilities[labels == 0]).statistic,
    }


def test_measures_are_those_of_scikit_learn(engine: SparkSession) -> None:
    """With ties, scores that differ by less than a bin, and certain ones that are wrong."""
    labels, probabilities = simulated(3_000, shift=0.3)
    made = count_scores(scored(engine, list(zip(labels.tolist(), probabilities.tolist(), strict=True))))
    expected = theirs(labels, probabilities, 0.5)
    ours = {name: getattr(measures, name)(made) for name in expected if name != "f1"}
    for name in ("accuracy", "log_loss", "brier"):
        assert ours[name] == pytest.approx(expected[name], abs=1e-6)  # it clips 1 - p with less precision
    for name in ("auc", "average_precision", "ks"):  # depend on the order, which is lost within a bin
        assert ours[name] == pytest.approx(expected[name], abs=1e-4)
    assert measures.f1(made, 0.5) == pytest.approx(expected["f1"], abs=1e-12)


# Each of these scores is a bin of its own, so that nothing is lost.
some_scores = st.lists(
    st.tuples(st.integers(min_value=0, max_value=1), st.sampled_from([n / 20 for n in range(1, 20)])), max_size=80
).map(lambda rows: [*rows, (1, 0.3), (0, 0.3)])


@pytest.mark.filterwarnings("ignore:ks_2samp")  # its p-value
@settings(max_examples=60)
@given(rows=some_scores, threshold=st.sampled_from([0.05, 0.3, 0.5, 0.95]))
def test_measures_of_scores_apart_are_exact(rows: Scored, threshold: float) -> None:
    labels, probabilities = (np.array(column) for column in zip(*rows, strict=True))
    made = hand_made(rows)
    between = threshold - 0.01
    expected = theirs(labels, probabilities, between)
    ours = {name: getattr(measures, name)(made) for name in expected if name != "f1"} | {
        "f1": measures.f1(made, between)
    }
    assert ours == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_brier_of_a_full_bin_is_off_by_less_than_is_said() -> None:
    """The worst case: half of the customers at either end of the widest bin, at one half."""
    probabilities = np.tile([0.5, 0.5004999], 500)
    labels = np.tile([0, 0, 1, 1], 250)
    made = cells_of(labels, probabilities)
    assert len(made.bin) == 1
    difference = brier_score_loss(labels, probabilities) - measures.brier(made)
    assert 5e-8 < difference < 6.3e-8


def test_brier_knows_who_of_a_bin_had_the_outcome() -> None:
    """Scores of positives and negatives have means of their own in each bin."""
    labels, probabilities = np.array([0, 1]), np.array([0.5, 0.5004999])
    assert measures.brier(cells_of(labels, probabilities)) == pytest.approx(brier_score_loss(labels, probabilities))


def test_auc_with_ties_by_hand() -> None:
    """Of the 3 x 2 pairs, 0.8 stands above both negatives; either 0.5 ties with one and stands above the other."""
    rows = [(1, 0.8), (1, 0.5), (1, 0.5), (0, 0.5), (0, 0.2)]
    assert measures.auc(hand_made(rows)) == pytest.approx((2 + 1.5 + 1.5) / 6)


@pytest.mark.parametrize(
    ("rows", "area"),
    [([(1, 0.9), (0, 0.1)], 1.0), ([(1, 0.1), (0, 0.9)], 0.0), ([(1, 0.3), (0, 0.3), (0, 0.3)], 0.5)],
)
def test_auc_at_its_ends(rows: Scored, area: float) -> None:
    assert measures.auc(hand_made(rows)) == area


def test_certain_and_wrong_costs_much_but_not_everything() -> None:
    assert measures.log_loss(hand_made([(1, 0.0), (0, 1.0), (1, 1.0), (0, 0.0)])) == pytest.approx(15 * log(10) / 2)


def test_calibration_error_by_hand() -> None:
    """Ten customers, a tenth each: two are foretold with 0.1 and none comes; eight with 0.25, and four come."""
    rows = [(0, 0.1), (0, 0.1), *[(1, 0.25)] * 4, *[(0, 0.25)] * 4]
    assert measures.calibration_error(hand_made(rows)) == pytest.approx(0.2 * 0.1 + 0.8 * 0.25)


def test_calibration_error_is_that_of_ten_groups_of_rows() -> None:
    random = np.random.default_rng(3)
    probabilities = 1 / (1 + np.exp(-(random.permutation(1_000) - 400.5) / 200))  # each in a bin of its own
    labels = (random.random(1_000) < probabilities**2).astype(int)
    groups = np.array_split(np.argsort(probabilities), 10)
    expected = np.mean([abs(probabilities[group].mean() - labels[group].mean()) for group in groups])
    assert measures.calibration_error(cells_of(labels, probabilities)) == pytest.approx(expected, rel=1e-9)


def test_lift_of_the_top_tenth_by_hand() -> None:
    """Of 20 customers, 4 come. The top 2: the best one, who comes, and one of the next four, of whom two come."""
    rows = [(1, 0.9), (1, 0.6), (1, 0.6), (0, 0.6), (0, 0.6), (1, 0.2), *[(0, 0.2)] * 14]
    assert measures.top_decile_lift(hand_made(rows)) == pytest.approx(((1 + 0.5) / 2) / (4 / 20))


def test_ks_looks_at_both_directions() -> None:
    assert measures.ks(hand_made([(1, 0.1), (1, 0.2), (0, 0.2), (0, 0.9)])) == 0.5


def test_f1_by_hand() -> None:
    """From 0.4 on three are called, two of them rightly; one who comes is not called."""
    made = hand_made([(1, 0.8), (1, 0.5), (0, 0.4), (1, 0.2), (0, 0.1)])
    assert measures.f1(made, 0.39) == pytest.approx(2 * (2 / 3) * (2 / 3) / (2 / 3 + 2 / 3))


NEEDS_BOTH, NEEDS_POSITIVES = ("auc", "ks"), ("average_precision", "top_decile_lift")


def test_what_is_not_defined_with_one_class() -> None:
    only_positives, only_negatives = hand_made([(1, 0.9), (1, 0.2)]), hand_made([(0, 0.9), (0, 0.2)])
    assert all(isnan(getattr(measures, name)(only_positives)) for name in NEEDS_BOTH)
    assert all(isnan(getattr(measures, name)(only_negatives)) for name in NEEDS_BOTH + NEEDS_POSITIVES)
    assert isnan(measures.f1(only_negatives, 0.95)) and measures.f1(only_negatives, 0.5) == 0
    assert [getattr(measures, name)(only_positives) for name in NEEDS_POSITIVES] == pytest.approx([1, 1])
    assert measures.accuracy(only_negatives) == 0.5
    assert measures.brier(only_negatives) == pytest.approx((0.81 + 0.04) / 2)


def test_nothing_is_defined_without_rows() -> None:
    empty = hand_made([])
    names = ("auc", "average_precision", "accuracy", "log_loss", "brier", "calibration_error", "ks", "top_decile_lift")
    assert all(isnan(getattr(measures, name)(empty)) for name in names)
    assert isnan(measures.f1(empty, 0.5))
