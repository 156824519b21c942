"""The recommenders and the settings that are tried for each: the combinations of the declared grid."""

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
ALWAYS = ("item-item", "popular")  # evaluated beside every other model


@dataclass(frozen=True)
class Als:
    """Settings of ALS; the meaning of `regularisation` depends on the engine (see AlsGrid)."""

    factors: int
    iterations: int
    alpha: float
    weights: Weights
    regularisation: float


@dataclass(frozen=True)
class ItemItem:
    """Settings of item-item similarity."""

    neighbours: int
    weights: Weights
    history_titles: int


@dataclass(frozen=True)
class Ease:
    """Settings of EASE."""

    regularisation: float
    weights: Weights


@dataclass(frozen=True)
class Popularity:
    """Popularity has no settings."""


RankerSettings = Als | ItemItem | Ease | Popularity
PlainSettings = dict[str, int | float | str]


def settings_grid(model: str, engine: Engine, grids: RecommenderGrids) -> list[RankerSettings]:
    """Every combination of the declared values of a model, in the order of declaration."""
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
    """The settings as plain data, for a record."""
    return asdict(candidate)
