"""An ensemble of binary decision trees as plain arrays: scored and explained without the library that fitted it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from models.arrays import AnyFloats, Floats, Ints
from models.scoring.linear import sigmoid
from models.scoring.shapley import Effects, Explainer, family_count
from models.scoring.tree_games import EXACT_LEVELS, Nodes, add_up, tree_games

BLOCK_ROWS = 8192  # so many rows that their inputs, transposed, fit into the processor's cache
ARRAYS = {
    "roots": np.int64,
    "feature": np.int32,
    "threshold": float,
    "left": np.int64,
    "right": np.int64,
    "value": float,
    "cover": float,
}


@dataclass(frozen=True, eq=False)
class Trees:
    """An ensemble of trees, their nodes one after another in flat arrays; a row goes left if `input <= threshold`.

    `base` is the mean margin of the training rows. Each tree adds the value of the row's leaf minus the value of its
    root, so that only differences of values within a tree count.
    """

    roots: Ints  # (trees,) node at which a tree begins
    feature: NDArray[np.int32]  # (nodes,) column of the input that is tested, -1 at a leaf
    threshold: Floats  # (nodes,) threshold of the test; at a leaf any number
    left: Ints  # (nodes,) next node if `input <= threshold`
    right: Ints  # (nodes,) next node otherwise
    value: Floats  # (nodes,) mean prediction of the training rows in the node, times the tree's weight
    cover: Floats  # (nodes,) weight of the training rows in the node
    base: float
    terms: int  # columns of the inputs
    link: Literal["log_odds", "share"]  # what the margin is; "share": P(label = 1) itself
    single_precision: bool = False  # inputs are rounded to 32 bits before they are compared

    def margin(self, inputs: Floats) -> Floats:
        """(rows,) log odds, or the mean share of label 1 over the trees."""
        found = np.empty(len(inputs))
        for rows, columns in self._blocks(inputs):
            found[rows] = self._margin(columns)
        return found

    def probability(self, inputs: Floats) -> Floats:
        """(rows,) P(label = 1)."""
        return self.probability_of(self.margin(inputs))

    def probability_of(self, margin: Floats) -> Floats:
        """(rows,) P(label = 1) by the margin."""
        return sigmoid(margin) if self.link == "log_odds" else np.clip(margin, 0.0, 1.0)

    def explainer(self, family: Ints) -> Explainer:
        """Effects of families by path-dependent TreeSHAP, exact down to EXACT_LEVELS levels of tests (see tree_games).

        Below them, a step from a node to its child adds the difference of their values to the family that is tested.

        Source: of the steps, Saabas, Interpreting random forests (2014).
        """
        nodes = Nodes(self.feature, self.left, self.right, self.value, self.cover, family)
        games, families = tree_games(self.roots, nodes), family_count(family)

        def explain(inputs: Floats) -> Effects:
            margin, both = np.empty(len(inputs)), np.empty((len(inputs), 2, families))
            for rows, columns in self._blocks(inputs):
                added = add_up(games, self.feature, self._limit, columns, 2 * families)
                both[rows] = added.reshape(-1, 2, families)
                below = np.zeros((families, columns.shape[1]))
                margin[rows] = self._margin(columns, below, family)
                both[rows, 0] += below.T
            return Effects(margin, both[:, 0], both[:, 1])

        return explain

    @cached_property
    def tested(self) -> NDArray[np.bool_]:
        """(terms,) whether any tree tests the term; the other terms cannot change a score."""
        return np.isin(np.arange(self.terms), self.feature)

    def to_json(self) -> dict[str, Any]:
        """Plain data, for `from_json`."""
        arrays = {name: getattr(self, name).tolist() for name in ARRAYS}
        names = ("base", "terms", "link", "single_precision")
        return arrays | {name: getattr(self, name) for name in names}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Trees":
        """The scorer of `to_json`."""
        return cls(**(data | {name: np.array(data[name], kind) for name, kind in ARRAYS.items()}))

    def _margin(self, columns: AnyFloats, below: Floats | None = None, family: Ints | None = None) -> Floats:
        """Margins; steps below EXACT_LEVELS are added to `below`, (families, rows)."""
        cells, row = columns.ravel(), np.arange(columns.shape[1])
        first_cell = self._tested_column * len(row)
        margin = np.full(len(row), self.base - self.value[self.roots].sum())
        for root, depth in zip(self.roots, self._depths, strict=True):
            node = np.full(len(row), root)
            for level in range(depth):
                parent, node = node, self._child(node, cells.take(first_cell.take(node) + row))
                if below is not None and family is not None and level >= EXACT_LEVELS:
                    # Each row has one cell here, so that no cell occurs twice.
                    added = self.value.take(node) - self.value.take(parent)
                    below[family.take(self._tested_column.take(parent)), row] += added
            margin += self.value.take(node)
        return margin

    def _child(self, node: Ints, tested: AnyFloats) -> Ints:
        """The next node of rows at `node`, whose tested inputs are `tested`; a row at a leaf stays there."""
        goes_right = tested > self._limit.take(node)
        return self._children.take(2 * node + goes_right)

    def _blocks(self, inputs: Floats) -> Iterator[tuple[slice, AnyFloats]]:
        """Blocks of rows with their inputs, transposed: (terms, rows of the block)."""
        if inputs.shape[1] != self.terms:
            raise ValueError(f"the trees were fitted on {self.terms} inputs and cannot score {inputs.shape[1]}")
        for start in range(0, len(inputs), BLOCK_ROWS):
            rows = slice(start, start + BLOCK_ROWS)
            with np.errstate(over="ignore"):  # a number too large for 32 bits becomes infinite and goes right
                yield rows, np.ascontiguousarray(inputs[rows].T, dtype=self._limit.dtype)

    @cached_property
    def _limit(self) -> AnyFloats:
        """(nodes,) thresholds in the precision in which they are compared."""
        return self.threshold.astype(np.float32) if self.single_precision else self.threshold

    @cached_property
    def _tested_column(self) -> Ints:
        return np.maximum(self.feature, 0).astype(np.int64)

    @cached_property
    def _children(self) -> Ints:
        """(2 * nodes,) left and right child of each node in turn; a leaf is its own child."""
        both = np.stack([self.left, self.right], axis=1)
        own = np.arange(len(self.feature))[:, None]
        return np.where(self.feature[:, None] >= 0, both, own).ravel()

    @cached_property
    def _depths(self) -> list[int]:
        """The number of tests on the longest path of each tree."""
        depths = np.zeros(len(self.roots), int)
        for level, trees in enumerate(self._trees_by_level()):
            depths[trees] = level
        return [int(depth) for depth in depths]

    def _trees_by_level(self) -> Iterator[Ints]:
        """For each level, the trees of its nodes."""
        node, tree = self.roots, np.arange(len(self.roots))
        while len(node):
            yield tree
            is_inner = self.feature[node] >= 0
            node, tree = node[is_inner], np.tile(tree[is_inner], 2)
            node = np.concatenate([self.left[node], self.right[node]])
