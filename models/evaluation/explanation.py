"""Explains a model by a bounded sample of the test set: feature importance and partial dependence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.declared import NamedFeature
from models.arrays import Floats
from models.evaluation.importance import partial_dependence, permutation_importance
from models.evaluation.intervals import Interval
from models.scoring.portable import PortableModel

ROWS = 10_000
PARTIAL_ROWS = 2_000
QUANTILES = 10
MOST = 5
UNKNOWN = "not known"


@dataclass(frozen=True)
class Importances:
    """Importances of a model's inputs as its library gives them.

    measure: `coefficient`: standardised weights of a linear model; `tree_importance`: gains of the splits, summing to
    1. values: (inputs,).
    """

    measure: Literal["coefficient", "tree_importance"]
    values: Floats

    def of_feature(self, columns: Sequence[int]) -> float:
        """The importance of a feature with these inputs.

        That is the weight of its strongest input, since each level and a missing value have inputs of their own, or
        the sum of the gains.
        """
        values = self.values[list(columns)]
        return float(max(values, key=abs) if self.measure == "coefficient" else values.sum())


@dataclass(frozen=True)
class ExplanationSample:
    """Rows of the test set.

    inputs (rows, inputs) and labels (rows,): as many rows of one label as of the other, since a rare label would hardly
    occur; an AUC does not depend on the shares. background (rows, inputs), and raw, values by feature: rows of all.
    """

    inputs: Floats
    labels: NDArray[np.int64]
    background: Floats
    raw: Mapping[str, Sequence[Any]]


def draw_sample(test: DataFrame, model: PortableModel, rows: int = ROWS) -> ExplanationSample:
    """Draw at most `rows` rows of a labelled feature table, by a hash of the customer."""
    names = [f"input_{number}" for number in range(len(model.inputs))]
    inputs = [one.value.alias(name) for one, name in zip(model.inputs, names, strict=True)]
    halves = [drawn_rows(test.where(F.col("label") == label), rows // 2).select("label", *inputs) for label in (0, 1)]
    balanced = halves[0].unionByName(halves[1]).toArrow()
    raw = [F.col(name).alias(f"raw_{name}") for name in model.features]
    background = drawn_rows(test, PARTIAL_ROWS).select(*raw, *inputs).toArrow()
    return ExplanationSample(
        _matrix(balanced, names),
        balanced.column("label").to_numpy().astype(np.int64),
        _matrix(background, names),
        {name: background.column(f"raw_{name}").to_pylist() for name in model.features},
    )


def drawn_rows(table: DataFrame, rows: int) -> DataFrame:
    """Draw at most so many rows of a table, by a hash of the customer."""
    return table.orderBy(F.xxhash64(F.col("customer_id").cast("string"), F.lit("explain")), "customer_id").limit(rows)


def _matrix(table: pa.Table, names: Sequence[str]) -> Floats:
    return np.column_stack([table.column(name).to_numpy() for name in names]).astype(np.float64)


@dataclass(frozen=True)
class FeatureImportance:
    """How much a feature matters to a model.

    permutation: AUC that is lost when the feature is shuffled. coefficient, tree_importance: the library's own measure;
    None where it gives another one or none.
    """

    feature: str
    meaning: str
    unit: str
    permutation: Interval
    coefficient: float | None
    tree_importance: float | None


@dataclass(frozen=True)
class PartialDependence:
    """The mean predicted probability by the value of a feature. points: (value, mean probability)."""

    feature: str
    meaning: str
    unit: str
    points: list[tuple[float | str, float]]


@dataclass(frozen=True)
class Explanation:
    """The importance of every feature, the most important first, and the partial dependence on the first five."""

    importance: list[FeatureImportance]
    partial_dependence: list[PartialDependence]


def explain(
    some: ExplanationSample,
    model: PortableModel,
    importances: Importances | None,
    declared: Sequence[NamedFeature],
    seed: int,
) -> Explanation:
    """Explain a model by a sample of the test set.

    Args:
        importances: those of the library; None where it gives none.
        declared: at least the features of the model.
        seed: of the permutations.
    """
    groups, known = _groups(model), {feature.name: feature for feature in declared}
    permuted = permutation_importance(model.scorer, some.inputs, some.labels, groups, seed)
    ranked = [known[name] for name in sorted(groups, key=lambda name: -permuted[name].value)]
    return Explanation(
        [_importance(one, permuted[one.name], importances, groups[one.name]) for one in ranked],
        [
            PartialDependence(one.name, one.about, one.unit, _dependence(some, model, groups, one.name))
            for one in ranked[:MOST]
        ],
    )


def _importance(
    feature: NamedFeature, permutation: Interval, importances: Importances | None, columns: Sequence[int]
) -> FeatureImportance:
    own = {importances.measure: importances.of_feature(columns)} if importances else {}
    return FeatureImportance(
        feature=feature.name,
        meaning=feature.about,
        unit=feature.unit,
        permutation=permutation,
        coefficient=own.get("coefficient"),
        tree_importance=own.get("tree_importance"),
    )


def _groups(model: PortableModel) -> dict[str, list[int]]:
    """The numbers of the inputs of each feature."""
    found: dict[str, list[int]] = {}
    for number, one in enumerate(model.inputs):
        found.setdefault(one.feature, []).append(number)
    return found


def _dependence(
    some: ExplanationSample, model: PortableModel, groups: Mapping[str, Sequence[int]], name: str
) -> list[tuple[float | str, float]]:
    """The mean calibrated probability if all customers had the same value, for values that occur."""
    rows = _grid_rows(some.raw[name])
    grid = some.background[list(rows.values())]
    means = partial_dependence(model.probability, some.background, groups[name], grid)
    return list(zip(rows.keys(), means, strict=True))


def _grid_rows(values: Sequence[Any]) -> dict[float | str, int]:
    """Values spread evenly over the ranks of those that occur, and for each a row that has it."""
    rows: dict[Any, int] = {value: row for row, value in reversed(list(enumerate(values)))}
    unknown = {UNKNOWN: rows.pop(None)} if None in rows else {}
    if all(isinstance(value, str) for value in rows):
        return {value: rows[value] for value in sorted(rows)} | unknown
    known = np.sort(np.array([value for value in values if value is not None], float))
    at = np.unique(known[np.linspace(0, len(known) - 1, QUANTILES + 1).round().astype(int)])
    return {float(value): rows[value] for value in at} | unknown
