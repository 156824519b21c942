"""What each model is tried with: the declared grid, as plain settings."""

import math
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any, Literal

from conf.recommender import RecommenderGrids, Weights

Engine = Literal["spark", "implicit"]
MODELS = {
    "als": "ALS",
    "item-item": "Item-item",
    "ease": "EASE",
    "popular": "Popular",
}
ALWAYS = ("item-item", "popular")  # judged beside whatever is chosen


@dataclass(frozen=True)
class Als:
    """One candidate of ALS; regularisation as its engine means it."""

    factors: int
    iterations: int
    alpha: float
    weights: Weights
    regularisation: float


@dataclass(frozen=True)
class ItemItem:
    """One candidate of item-item similarity."""

    neighbours: int
    weights: Weights
    history_titles: int


@dataclass(frozen=True)
class Ease:
    """One candidate of EASE."""

    regularisation: float
    weights: Weights


@dataclass(frozen=True)
class Popularity:
    """There is nothing to choose."""


Candidate = Als | ItemItem | Ease | Popularity


def candidates(model: str, engine: Engine, grids: RecommenderGrids) -> list[Candidate]:
    """Every combination of the declared values, the first ones first."""
    if model == "als":
        als = grids.als
        penalty = als.regularisation_per_interaction if engine == "spark" else als.regularisation
        lists = product(als.factors, [als.iterations], als.alpha, als.weights, penalty)
        return [Als(*values) for values in lists]
    if model == "item-item":
        grid = grids.item_item
        return [ItemItem(*values, grid.history_titles) for values in product(grid.neighbours, grid.weights)]
    if model == "ease":
        return [Ease(*values) for values in product(grids.ease.regularisation, grids.ease.weights)]
    return [Popularity()]


def on_share(candidate: Candidate, engine: Engine, share: float) -> Candidate:
    """The candidate as it is tried on a share of the customers, so that it is regularised as much as on all of them.

    With n customers the errors of ALS grow with n; of its penalty `a * |X|^2 + a * |Y|^2`, where X grows with n and Y
    does not, what counts is the geometric mean of both, since factors may be moved from one to the other for nothing:
    it grows with the square root of n. The Gram matrix of EASE grows with n, and Spark's penalty by itself.
    """
    if isinstance(candidate, Als) and engine == "implicit":
        return replace(candidate, regularisation=candidate.regularisation * math.sqrt(share))
    if isinstance(candidate, Ease):
        return replace(candidate, regularisation=candidate.regularisation * share)
    return candidate


def plainly(candidate: Candidate) -> dict[str, Any]:
    """The settings as plain data."""
    return asdict(candidate)
