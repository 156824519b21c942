"""Shapley values of a game of few players, by the worth of every coalition; here the players are families of features.

Coalition number c holds player p if bit p of c is set: 0 is nobody, 2 ** players - 1 everybody.

Source: Shapley, A value for n-person games (1953).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import factorial

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Ints


@dataclass(frozen=True)
class Effects:
    """What families of features do to the margins of customers, compared with the average customer.

    margin: (rows,). moved: (rows, families) Shapley values, which sum to the difference from the average margin.
    alone: (rows, families) the difference where only this family is the customer's own: its partial dependence.
    """

    margin: Floats
    moved: Floats
    alone: Floats


Explainer = Callable[[Floats], Effects]  # of inputs (rows, terms)


def members(players: int) -> NDArray[np.bool_]:
    """(coalitions, players) whether the coalition holds the player."""
    return np.asarray((np.arange(2**players)[:, None] >> np.arange(players)) % 2 == 1)


@cache
def shapley_weights(players: int) -> Floats:
    """(coalitions, players): the worths of the coalitions times these weights are the Shapley values."""
    holds = members(players)
    size = holds.sum(axis=1)
    orders = np.array([factorial(n) * factorial(max(players - n - 1, 0)) for n in range(players + 1)], float)
    orders /= factorial(players)
    return np.asarray(np.where(holds, orders[size - 1][:, None], -orders[size][:, None]))


@cache
def alone_weights(players: int) -> Floats:
    """(coalitions, players): the worths of the coalitions times these weights are what each player adds to nobody."""
    weights = np.zeros((2**players, players))
    weights[0] = -1.0
    weights[2 ** np.arange(players), np.arange(players)] = 1.0
    return weights


@cache
def game_weights(players: int) -> Floats:
    """(coalitions, 2 * players): `shapley_weights` and then `alone_weights`."""
    return np.hstack([shapley_weights(players), alone_weights(players)])


def family_count(family: Ints) -> int:
    """The number of families; `family` holds the number of each term's family."""
    return int(family.max()) + 1 if len(family) else 0
