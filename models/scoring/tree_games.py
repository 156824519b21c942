"""Shapley values of families of features in trees, as tables that are looked up by the tests that a row passes.

In the game of a row and a coalition of families, a test of the coalition's features goes the row's way, and any other
test goes both ways, in the shares of the training rows (path-dependent TreeSHAP). The worth of a coalition is then a
sum over the leaves, and what a leaf adds depends only on the tests above it. So a tree is cut into groups of leaves
with few tests inside and above them, and for each group a table holds what it adds for every outcome of these tests.

Source: Lundberg et al., From local explanations to global understanding with explainable AI for trees (2020).
"""

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod

import numpy as np
from numpy.typing import NDArray

from models.arrays import AnyFloats, Floats, Ints
from models.scoring.shapley import family_count, game_weights

EXACT_LEVELS = 5  # levels of tests; a deeper node counts as a leaf here
MOST_TESTS = 9  # of a table, which has two rows for one test, four for two, and so on


@dataclass(frozen=True)
class Nodes:
    """The nodes of the trees by number; see `Trees`."""

    feature: NDArray[np.int32]
    left: Ints
    right: Ints
    value: Floats
    cover: Floats
    family: Ints  # of each term

    def is_inner(self, node: int, level: int) -> bool:
        """Whether the node tests, at this level of its tree."""
        return bool(self.feature[node] >= 0) and level < EXACT_LEVELS

    def tests_below(self, node: int, level: int) -> list[int]:
        """The nodes of a subtree that test."""
        if not self.is_inner(node, level):
            return []
        children = (int(self.left[node]), int(self.right[node]))
        return [node, *(test for child in children for test in self.tests_below(child, level + 1))]


@dataclass(frozen=True)
class Step:
    """A step down from a test, and the share of the training rows that goes this way."""

    test: int
    goes_right: bool
    share: float


@dataclass(frozen=True)
class Table:
    """What some leaves of a tree add, by the outcome of tests: the first test counts 1, the second 2, and so on.

    added: (outcomes, 2 * families), `moved` and then `alone` of `Effects`.
    """

    tests: list[int]
    added: Floats


@dataclass(frozen=True)
class TreeGame:
    """A tree's tables, and all tests that they read, each once."""

    tables: list[Table]
    tests: list[int] = field(init=False)

    def __post_init__(self) -> None:
        """Collect the tests."""
        used = dict.fromkeys(test for table in self.tables for test in table.tests)
        object.__setattr__(self, "tests", list(used))


def tree_games(roots: Ints, nodes: Nodes) -> list[TreeGame]:
    """The games of the trees; a tree of a lone leaf has no tables."""
    return _tree_games(pickle.dumps((roots, nodes)))


@lru_cache(maxsize=2)  # a worker scores many parts of a table by one model, which it gets again with each of them
def _tree_games(pickled: bytes) -> list[TreeGame]:
    roots, nodes = pickle.loads(pickled)  # noqa: S301 - by the function above
    return [TreeGame(list(_tables(nodes, int(root), []))) for root in roots]


def _tables(nodes: Nodes, node: int, path: Sequence[Step]) -> Iterator[Table]:
    inside = nodes.tests_below(node, len(path))
    if len(path) + len(inside) > MOST_TESTS and inside:
        for step, child in _steps(nodes, node):
            yield from _tables(nodes, child, [*path, step])
    elif path or inside:
        yield _table(nodes, [*(step.test for step in path), *inside], list(_leaves(nodes, node, path)))


def _steps(nodes: Nodes, node: int) -> list[tuple[Step, int]]:
    """Both steps down from a test, and where they lead."""
    children = int(nodes.left[node]), int(nodes.right[node])
    cover = np.maximum(nodes.cover[list(children)], np.finfo(float).tiny)  # that of a saturated child is 0
    shares = cover / cover.sum()
    return [(Step(node, side == 1, float(shares[side])), child) for side, child in enumerate(children)]


def _leaves(nodes: Nodes, node: int, path: Sequence[Step]) -> Iterator[tuple[Sequence[Step], float]]:
    """The path to each leaf of a subtree, and the leaf's value."""
    if not nodes.is_inner(node, len(path)):
        yield path, float(nodes.value[node])
        return
    for step, child in _steps(nodes, node):
        yield from _leaves(nodes, child, [*path, step])


def _table(nodes: Nodes, tests: list[int], leaves: Sequence[tuple[Sequence[Step], float]]) -> Table:
    """Play the game of each leaf for every outcome of the tests; families not tested above the leaf add nothing."""
    place = {test: number for number, test in enumerate(tests)}
    family = {test: int(nodes.family[nodes.feature[test]]) for test in tests}
    outcomes = np.arange(2 ** len(tests))
    added = np.zeros((len(outcomes), 2, family_count(nodes.family)))
    for path, value in leaves:
        players = sorted({family[step.test] for step in path})
        own = np.arange(2 ** len(path))  # outcomes of the tests above this leaf alone
        worth = np.full((1, len(own)), value)
        for player in players:
            steps = [(number, step) for number, step in enumerate(path) if family[step.test] == player]
            tested = sum(1 << number for number, _ in steps)
            way = sum(step.goes_right << number for number, step in steps)
            share = prod(step.share for _, step in steps)
            worth = np.concatenate([worth * share, worth * (own & tested == way)])
        both = worth.T @ game_weights(len(players))
        which = sum((outcomes >> place[step.test] & 1) << number for number, step in enumerate(path))
        added[:, :, players] += both.reshape(len(own), 2, -1)[which]
    return Table(tests, added.reshape(len(outcomes), -1))


def add_up(
    games: Sequence[TreeGame], feature: NDArray[np.int32], limit: AnyFloats, columns: AnyFloats, width: int
) -> Floats:
    """(rows, width) the sum of what all tables add.

    Args:
        feature, limit: (nodes,) of each test; a row passes, to the right, if its input is greater.
        columns: (terms, rows) the inputs.
        width: of the tables.
    """
    rows = columns.shape[1]
    total, part = np.zeros((rows, width)), np.empty((rows, width))
    passes = np.empty((max((len(game.tests) for game in games), default=0), rows), bool)
    for game in games:
        place = {}
        for number, test in enumerate(game.tests):
            np.greater(columns[feature[test]], limit[test], out=passes[number])
            place[test] = number
        for table in game.tables:
            outcome = _outcome([passes[place[test]] for test in table.tests])
            np.take(table.added, outcome, axis=0, out=part, mode="clip")
            np.add(total, part, out=total)
    return total


def _outcome(passes: Sequence[NDArray[np.bool_]]) -> NDArray[np.uint16]:
    """(rows,) the number of the outcome of up to 16 tests."""
    outcome = _packed(passes[:8]).astype(np.uint16)
    return outcome + (_packed(passes[8:]).astype(np.uint16) << 8) if len(passes) > 8 else outcome


def _packed(passes: Sequence[NDArray[np.bool_]]) -> NDArray[np.uint8]:
    """(rows,) up to 8 tests as the bits of a number, the first test the lowest."""
    *others, last = passes
    packed = last.view(np.uint8).copy()
    for one in reversed(others):
        np.add(packed, packed, out=packed)
        np.bitwise_or(packed, one.view(np.uint8), out=packed)
    return packed
