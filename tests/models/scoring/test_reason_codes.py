"""Reason codes beside paper and beside sorting each row by itself."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.scoring.reason_codes import NO_REASON, contributions_by_feature, reason_columns, strongest_reasons

NAMES = ["plays", "age", "device"]
TERM_FEATURES = ["plays", "age", "age", "device", "device"]  # age has an indicator beside it, device two levels


def test_by_hand() -> None:
    contributions = np.array([[0.5, -0.4, -0.3, 0.1, 0.0], [1.0, 2.0, -2.0, -3.0, 0.5]])
    places, effects = strongest_reasons(contributions, TERM_FEATURES, NAMES, most=2)
    assert places.tolist() == [[1, 0], [2, 0]]
    assert effects == pytest.approx(np.array([[-0.7, 0.5], [-2.5, 1.0]]))


def test_equal_effects_come_in_the_order_of_the_features() -> None:
    places, effects = strongest_reasons(np.array([[-1.0, 0.0, 1.0, 1.0, 0.0]]), TERM_FEATURES, NAMES)
    assert places.tolist() == [[0, 1, 2]]
    assert effects.tolist() == [[-1.0, 1.0, 1.0]]


def test_no_effect_is_no_reason() -> None:
    contributions = np.array([[-0.0, 0.25, -0.25, 0.0, 1e-8], [1e-10, 0.0, 0.0, 0.0, 0.0]])
    places, effects = strongest_reasons(contributions, TERM_FEATURES, NAMES)
    assert places.tolist() == [[2, NO_REASON, NO_REASON], [NO_REASON] * 3]
    assert effects.tolist() == [[1e-8, 0.0, 0.0], [0.0] * 3]


def test_effects_that_the_order_of_a_sum_makes_unequal_are_equal() -> None:
    """Else reasons of a model that was fitted elsewhere come in another order."""
    for age, device in ((0.3, 0.1 + 0.2), (0.1 + 0.2, 0.3)):
        places, effects = strongest_reasons(np.array([[0.0, age, 0.0, device, 0.0]]), TERM_FEATURES, NAMES)
        assert age != device and places.tolist() == [[1, 2, NO_REASON]]
        assert effects.tolist() == [[age, device, 0.0]]


def test_fewer_features_than_reasons_asked_for() -> None:
    places, effects = strongest_reasons(np.array([[2.0]]), ["plays"], ["plays"])
    assert places.tolist() == [[0, NO_REASON, NO_REASON]]
    assert effects.tolist() == [[2.0, 0.0, 0.0]]


def test_no_rows_and_no_terms() -> None:
    assert strongest_reasons(np.empty((0, 5)), TERM_FEATURES, NAMES)[0].shape == (0, 3)
    assert strongest_reasons(np.empty((2, 0)), [], NAMES)[0].tolist() == [[NO_REASON] * 3] * 2


def test_contributions_are_left_as_they_were() -> None:
    contributions = np.array([[1.0, -2.0, 0.0, 3.0, 0.0]])
    strongest_reasons(contributions, TERM_FEATURES, NAMES)
    assert contributions.tolist() == [[1.0, -2.0, 0.0, 3.0, 0.0]]


def test_term_of_an_unknown_feature_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown features: city"):
        contributions_by_feature(np.zeros((1, 2)), ["plays", "city"], NAMES)


@given(
    st.lists(st.lists(st.integers(-3, 3), min_size=5, max_size=5), min_size=1, max_size=6),
    st.lists(st.sampled_from(NAMES), min_size=5, max_size=5),
    st.integers(1, 4),
)
def test_like_sorting_each_row(rows: list[list[int]], term_features: list[str], most: int) -> None:
    places, effects = strongest_reasons(np.array(rows, float), term_features, NAMES, most)
    for row, found, moved in zip(rows, places.tolist(), effects.tolist(), strict=True):
        sums = [sum(term for term, of in zip(row, term_features, strict=True) if of == name) for name in NAMES]
        order = sorted((place for place in range(3) if sums[place]), key=lambda place: -abs(sums[place]))[:most]
        missing = most - len(order)
        assert found == order + [NO_REASON] * missing
        assert moved == [sums[place] for place in order] + [0] * missing


def test_columns() -> None:
    contributions = np.array([[0.0, 0.0, 0.0, 0.0, 2.0], [0.5, 0.0, -1.0, 0.0, 0.0]])
    columns = reason_columns(contributions, TERM_FEATURES, NAMES, most=2)
    assert {name: column.to_pylist() for name, column in columns.items()} == {
        "reason_1": ["device", "age"],
        "reason_1_effect": [2.0, -1.0],
        "reason_2": [None, "plays"],
        "reason_2_effect": [None, 0.5],
    }
    assert [column.type for column in columns.values()] == [pa.string(), pa.float64()] * 2
