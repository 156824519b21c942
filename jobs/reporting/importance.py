"""What matters most: the features that the chosen model leans on, and how its probability moves with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobs.reporting.model_comparison import Model, Verdict, interval
from models.evaluation.intervals import Interval

SHOWN = 15  # rows of the page's table; all are in the CSV


@dataclass(frozen=True)
class Driver:
    """A feature by what the AUC loses without it, and by its weights inside the models that have such weights."""

    feature: str
    meaning: str
    unit: str
    permutation: Interval
    coefficient: float | None
    tree_importance: float | None

    @property
    def is_sure(self) -> bool:
        """Whether the interval of its importance lies above nothing."""
        return self.permutation.low > 0


@dataclass(frozen=True)
class Dependence:
    """Mean probability if all customers had this value of the feature; values are numbers or levels."""

    feature: str
    meaning: str
    unit: str
    points: list[tuple[float | str, float]]

    @property
    def numbers(self) -> list[tuple[float, float]]:
        """The points whose value is a number, in its order."""
        return sorted((value, mean) for value, mean in self.points if not isinstance(value, str))

    @property
    def levels(self) -> list[tuple[str, float]]:
        """The points whose value is a word: a level, or that the value is not known."""
        return [(value, mean) for value, mean in self.points if isinstance(value, str)]


@dataclass(frozen=True)
class Drivers:
    """All features, the most important first, the models whose weights they show, and the first five's dependence."""

    features: list[Driver]
    coefficients_of: str
    trees_of: str
    dependence: list[Dependence]

    @property
    def shown(self) -> list[Driver]:
        """Those that the page has room for."""
        return self.features[:SHOWN]


def drivers(verdict: Verdict) -> Drivers:
    """Permutation importance of the chosen model; what it has no weights of its own for is taken from the next best."""
    models = [verdict.chosen, *(one for one in verdict.models if one is not verdict.chosen)]
    linear, coefficients = _weights(models, "coefficient")
    trees, importances = _weights(models, "tree_importance")
    features = [
        Driver(
            one["feature"],
            one["meaning"],
            one["unit"],
            interval(one["permutation"]),
            coefficients.get(one["feature"]),
            importances.get(one["feature"]),
        )
        for one in verdict.chosen.told["importance"]
    ]
    curves = [_dependence(one) for one in verdict.chosen.told["partial_dependence"]]
    return Drivers(features, linear, trees, curves)


def _weights(models: list[Model], key: str) -> tuple[str, dict[str, float]]:
    """The title of the first model that has such weights, and its weights by feature."""
    for model in models:
        weights = {one["feature"]: one[key] for one in model.told["importance"] if one[key] is not None}
        if weights:
            return model.title, weights
    return "", {}


def _dependence(told: Mapping[str, Any]) -> Dependence:
    points = [(value, float(mean)) for value, mean in told["points"]]
    return Dependence(told["feature"], told["meaning"], told["unit"], points)
