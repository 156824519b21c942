"""The highest scores, against sorting everything."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.recommender.rankers import UNSCORED
from models.recommender.top_k import TopOfColumns, top_k


@given(rows=st.integers(1, 5), columns=st.integers(1, 200), number=st.integers(1, 12), seed=st.integers(0, 1_000))
def test_the_highest_of_each_row_come_first(rows: int, columns: int, number: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = np.where(random.random((rows, columns)) < 0.2, UNSCORED, random.integers(0, 9, (rows, columns)))
    scores = scores.astype(np.float32)
    places, found = top_k(scores, number)
    assert found.tolist() == [sorted(row, reverse=True)[:number] for row in scores.tolist()]
    assert np.array_equal(np.take_along_axis(scores, places, axis=1), found)


def test_a_title_is_not_named_twice() -> None:
    places, _ = top_k(np.zeros((3, 100), np.float32), 10)
    assert [len(set(row)) for row in places.tolist()] == [10, 10, 10]


def test_fewer_columns_than_asked_for() -> None:
    places, scores = top_k(np.array([[1.0, 3.0, 2.0]], np.float32), 10)
    assert (places.tolist(), scores.tolist()) == ([[1, 2, 0]], [[3.0, 2.0, 1.0]])


@pytest.mark.parametrize("block", [1, 7, 100, 300])
def test_the_highest_of_each_column_over_blocks_of_any_size(block: int) -> None:
    scores = np.random.default_rng(1).permutation(300 * 40).reshape(300, 40).astype(np.float32)
    best = TopOfColumns(columns=40, number=4)
    for start in range(0, 300, block):
        rows = np.arange(start, min(start + block, 300))
        best.add(1_000 + rows, scores[rows])
    assert best.rows.tolist() == (1_000 + np.argsort(-scores, axis=0)[:4].T).tolist()
    assert best.scores.tolist() == (-np.sort(-scores, axis=0)[:4].T).tolist()


def test_what_is_unscored_is_never_the_best_of_a_column() -> None:
    best = TopOfColumns(columns=2, number=2)
    best.add(np.array([5, 6, 7]), np.array([[1, UNSCORED], [UNSCORED, UNSCORED], [2, UNSCORED]], np.float32))
    assert best.rows.tolist() == [[7, 5], [-1, -1]]
