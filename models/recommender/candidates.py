"""What each model is tried with: the declared grid, as plain settings."""

from dataclasses import asdict, dataclass
from itertools import product
from typing import Literal

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
    """One candidate of ALS; `regularisation` as its engine means it (see AlsGrid)."""

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


RankerSettings = Als | ItemItem | Ease | Popularity
PlainSettings = dict[str, int | float | str]


def settings_grid(model: str, engine: Engine, grids: RecommenderGrids) -> list[RankerSettings]:
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


def settings_of(candidate: RankerSettings) -> PlainSettings:
    """The settings of a candidate as plain data, for a record."""
    return asdict(candidate)
