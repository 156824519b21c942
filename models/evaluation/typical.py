"""What reasons compare with: the typical customer, and which way each feature alone goes with the label."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from models.arrays import Floats
from models.evaluation.explanation import drawn_rows
from models.evaluation.intervals import NORMAL_95
from models.scoring.portable import PortableModel

LEAST = 0.1  # standard deviations from the typical value, from which on a number is worth a word
ROWS = 20_000  # a median of so many has about 50 % +- 0.7 % of the customers below it
Value = float | str | None


@dataclass(frozen=True)
class TypicalTerm:
    """An input of a model: its value for the typical customer, its pull, and the least distance (see `TermFact`)."""

    typical: float
    pull: float
    least: float


@dataclass(frozen=True)
class Typical:
    """The typical customer.

    features: by feature, the median of a number, or the commonest level, of the customers who have a value; None where
    nobody has one.
    terms: by name of the model's input.
    """

    features: dict[str, Value]
    terms: dict[str, TypicalTerm]


@dataclass(frozen=True)
class TrainingSample:
    """Rows of the training set: labels (rows,), the model's inputs by name (rows,), and the values by feature."""

    labels: NDArray[np.int64]
    inputs: Mapping[str, Floats]
    raw: Mapping[str, Sequence[Any]]


def draw_training_sample(train: DataFrame, model: PortableModel, rows: int = ROWS) -> TrainingSample:
    """Draw at most `rows` rows, by a hash of the customer."""
    inputs = {one.name: one.value.alias(f"input_{number}") for number, one in enumerate(model.inputs)}
    raw = {name: F.col(name).alias(f"raw_{name}") for name in model.features}
    some = drawn_rows(train, rows).select("label", *inputs.values(), *raw.values()).toArrow()
    return TrainingSample(
        some.column("label").to_numpy().astype(np.int64),
        {name: some.column(f"input_{number}").to_numpy().astype(float) for number, name in enumerate(inputs)},
        {name: some.column(f"raw_{name}").to_pylist() for name in raw},
    )


def describe_typical(some: TrainingSample, model: PortableModel) -> Typical:
    """Find the typical value of each feature, and the direction of each input.

    A number is compared among the customers that have it, a level with the commonest level, and null with all values.
    Null has no direction where most customers have no value, since it is then what is typical.
    """
    features = {name: _typical_value(values) for name, values in some.raw.items()}
    terms = {one.name: _term(some, one.name, one.feature, features[one.feature]) for one in model.inputs}
    return Typical(features, terms)


def _typical_value(values: Sequence[Any]) -> Value:
    known = [value for value in values if value is not None]
    if not known:
        return None
    if isinstance(known[0], str):
        counts = Counter(known)
        return str(min(counts, key=lambda level: (-counts[level], level)))
    return float(np.quantile(np.array(known, float), 0.5, method="inverted_cdf"))


def _term(some: TrainingSample, name: str, feature: str, typical: Value) -> TypicalTerm:
    """The kind of an input shows in its name: that of the feature, `_is_missing`, or of a level of a category."""
    values, raw = some.inputs[name], some.raw[feature]
    is_known = np.array([value is not None for value in raw])
    if name == f"{feature}_is_missing":
        return TypicalTerm(0.0, pull(values, some.labels) if 2 * is_known.sum() > len(is_known) else 0.0, 0.0)
    if name != feature:
        is_level, is_typical = values == 1, np.array([value == typical for value in raw])
        is_compared = is_level | is_typical
        is_same = bool((is_level & is_typical).any())
        return TypicalTerm(0.0, 0.0 if is_same else pull(values[is_compared], some.labels[is_compared]), 0.0)
    known = values[is_known]
    if not len(known):
        return TypicalTerm(0.0, 0.0, 0.0)
    median = float(np.quantile(known, 0.5, method="inverted_cdf"))
    return TypicalTerm(median, pull(known, some.labels[is_known]), LEAST * float(known.std()))


def pull(values: Floats, labels: NDArray[np.int64]) -> float:
    """How far a unit of an input goes with label 1: 2 AUC - 1 over its standard deviation; 0 where chance explains it.

    Source: Mann & Whitney (1947); the error by chance alone is that of a mean of ranks drawn at random.
    """
    from scipy.stats import rankdata  # takes a second to import

    positives = int(labels.sum())
    negatives, deviation = len(labels) - positives, float(values.std()) if len(values) else 0.0
    if not positives or not negatives or not deviation:
        return 0.0
    ranks = rankdata(values)
    lean = (2 * ranks[labels == 1].mean() - positives - 1) / negatives - 1
    by_chance = 2 / negatives * np.sqrt(ranks.var(ddof=1) * negatives / (positives * len(labels)))
    return float(lean / deviation) if abs(lean) > NORMAL_95 * by_chance else 0.0
