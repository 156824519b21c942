"""Shapley values by the weights of coalitions, beside paper and beside the mean over all orders."""

from itertools import permutations

import numpy as np
import pytest

from models.scoring.shapley import alone_weights, family_count, members, shapley_weights


def test_gloves_by_hand() -> None:
    """Player 0 has a left glove, players 1 and 2 a right one each; a pair is worth 1. Shapley gives 4/6, 1/6, 1/6."""
    worth = np.array([0, 0, 0, 1, 0, 1, 0, 1])  # nobody, 0, 1, 01, 2, 02, 12, 012
    assert worth @ shapley_weights(3) == pytest.approx([4 / 6, 1 / 6, 1 / 6])
    assert (worth @ alone_weights(3)).tolist() == [0, 0, 0]


def test_a_coalition_is_the_bits_of_its_number() -> None:
    assert members(2).tolist() == [[False, False], [True, False], [False, True], [True, True]]


@pytest.mark.parametrize("players", [1, 2, 4, 6])
def test_mean_over_all_orders(players: int) -> None:
    worth = np.random.default_rng(players).normal(size=2**players)
    orders = list(permutations(range(players)))
    expected = np.zeros(players)
    for order in orders:
        coalition = 0
        for player in order:
            expected[player] += (worth[coalition + 2**player] - worth[coalition]) / len(orders)
            coalition += 2**player
    assert worth @ shapley_weights(players) == pytest.approx(expected)
    alone = [worth[2**player] - worth[0] for player in range(players)]
    assert worth @ alone_weights(players) == pytest.approx(alone)


def test_nobody_plays() -> None:
    assert shapley_weights(0).shape == alone_weights(0).shape == (1, 0)
    assert family_count(np.zeros(0, int)) == 0 and family_count(np.array([0, 2, 1])) == 3
