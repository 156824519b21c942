"""What matters most: the features that the chosen model uses most, and how its probability depends on them."""

from dataclasses import dataclass
from typing import Literal

from jobs.reporting.model_comparison import Model, ModelComparison
from models.evaluation.explanation import FeatureImportance, PartialDependence

SHOWN = 15  # rows of the page's table; all are in the CSV


class FeatureWeight(FeatureImportance):
    """A feature by what the AUC loses without it, and by its weights inside the models that have such weights."""

    @property
    def is_sure(self) -> bool:
        """Whether the interval of its importance lies above 0."""
        return self.permutation.low > 0


class Dependence(PartialDependence):
    """Partial dependence, its points apart by kind of value."""

    @property
    def numbers(self) -> list[tuple[float, float]]:
        """The points whose value is a number, in its order."""
        return sorted((value, mean) for value, mean in self.points if not isinstance(value, str))

    @property
    def levels(self) -> list[tuple[str, float]]:
        """The points whose value is a word: a level, or that the value is not known."""
        return [(value, mean) for value, mean in self.points if isinstance(value, str)]


@dataclass(frozen=True)
class FeatureImportances:
    """All features, the most important first, the models whose weights they show, and the first five's dependence."""

    features: list[FeatureWeight]
    coefficients_of: str
    trees_of: str
    dependence: list[Dependence]

    @property
    def shown(self) -> list[FeatureWeight]:
        """Those that the page has room for."""
        return self.features[:SHOWN]


def feature_importances(comparison: ModelComparison) -> FeatureImportances:
    """Permutation importance of the chosen model; weights that it has none of are taken from the next best."""
    models = [comparison.chosen, *(one for one in comparison.models if one is not comparison.chosen)]
    linear, coefficients = _weights(models, "coefficient")
    trees, importances = _weights(models, "tree_importance")
    features = [
        FeatureWeight(
            **vars(one)
            | {"coefficient": coefficients.get(one.feature), "tree_importance": importances.get(one.feature)}
        )
        for one in comparison.chosen.record.importance
    ]
    curves = [Dependence(**vars(one)) for one in comparison.chosen.record.partial_dependence]
    return FeatureImportances(features, linear, trees, curves)


def _weights(models: list[Model], key: Literal["coefficient", "tree_importance"]) -> tuple[str, dict[str, float]]:
    """The title of the first model that has such weights, and its weights by feature."""
    for model in models:
        weights = {one.feature: getattr(one, key) for one in model.record.importance if getattr(one, key) is not None}
        if weights:
            return model.title, weights
    return "", {}
