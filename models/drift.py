"""Drift: how far features and scores of a table are from those of the training set.

For each feature this is the population stability index (PSI), sum of (q - p) ln(q / p) over bins that hold shares p of
the training customers and q of the customers now. Missing values have a bin, and so do values of a category that is not
declared. Below 0.1 little has changed, above 0.25 much has (Siddiqi 2006, Credit Risk Scorecards). Chance alone gives
about (bins - 1) * (1 / customers then + 1 / customers now).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.learning import Drift
from features.declared import NamedFeature
from models.arrays import Floats

SCORE = "probability"
TENTHS = np.arange(1, 10) / 10
EDGE_ROWS = 20_000  # a decile of so many is off by about two thousandths of the customers
MOST_VALUES = 100  # of a category, besides those declared
COUNTS = "feature int, bin int, customers bigint, total double"


@dataclass(frozen=True)
class NumberBins:
    """The bins of a number. edges: the greatest value of each bin; a bin of greater values and one of null follow."""

    edges: list[float]


@dataclass(frozen=True)
class CategoryBins:
    """The bins of a category: one for each value, then one of all other values and one of null."""

    values: list[str]


Bins = NumberBins | CategoryBins


@dataclass(frozen=True)
class NumberReference:
    """A number in the training set: its bins, and the shares of customers in them (see NumberBins)."""

    meaning: str
    kind: str
    edges: list[float]
    shares: list[float]
    null_share: float


@dataclass(frozen=True)
class CategoryReference:
    """A category in the training set: its bins, and the shares of customers in them (see CategoryBins)."""

    meaning: str
    kind: str
    values: list[str]
    shares: list[float]
    null_share: float


@dataclass(frozen=True)
class ScoreReference:
    """The scores of `customers` customers: bins, shares and mean."""

    edges: list[float]
    shares: list[float]
    null_share: float
    mean: float
    customers: int


@dataclass(frozen=True)
class Reference:
    """What `measure_drift` compares a table with: `customers` of the training set, their features, and scores."""

    customers: int
    features: dict[str, NumberReference | CategoryReference]
    score: ScoreReference


@dataclass(frozen=True)
class FeatureDrift:
    """The drift of a feature. above: the names of the limits that it exceeds."""

    feature: str
    meaning: str
    kind: str
    psi: float
    null_share: float
    null_share_at_training: float
    new_category_share: float
    above: list[str]


@dataclass(frozen=True)
class ScoreDrift:
    """The drift of the score. above: the names of the limits that it exceeds."""

    psi: float
    mean: float
    mean_at_training: float
    above: list[str]


@dataclass(frozen=True)
class TableDrift:
    """The drift of a table with so many customers.

    features: by falling PSI. above: the features, and `probability` for the score, that exceed a limit.
    """

    customers: int
    features: list[FeatureDrift]
    score: ScoreDrift
    above: list[str]


def make_reference(table: DataFrame, features: Sequence[NamedFeature]) -> Reference:
    """Describe a scored table, so that later tables can be compared with it.

    Bins of a number end at its deciles, at most 10 of them. Most counts are 0, so that several deciles are equal: they
    make one bin, and values below the least one then have a bin of their own.

    Args:
        table: the training rows: `customer_id`, the features and `probability`.

    Raises:
        ValueError: there are no rows.
    """
    bins = _bins(table, features)
    counts, means = _counted(table, bins)
    customers = int(counts[SCORE].sum())
    found: dict[str, NumberReference | CategoryReference] = {}
    for feature in features:
        own, shares = bins[feature.name], _shares(counts[feature.name])
        if isinstance(own, NumberBins):
            found[feature.name] = NumberReference(feature.about, feature.kind, own.edges, *shares)
        else:
            found[feature.name] = CategoryReference(feature.about, feature.kind, own.values, *shares)
    score = bins[SCORE]
    assert isinstance(score, NumberBins)  # as it is no category
    return Reference(customers, found, ScoreReference(score.edges, *_shares(counts[SCORE]), means[SCORE], customers))


def measure_drift(table: DataFrame, reference: Reference, limits: Drift) -> TableDrift:
    """Compare features and scores now with those at training, in one aggregation.

    A feature is above `limits.psi` by its index, above `limits.null_share` if its share of nulls has changed by more,
    and above `limits.new_category_share` by the share of values that are neither declared nor known from training
    (where training had more than 100 undeclared values, by the growth of their share).

    Args:
        table: the features and `probability`; no label is needed.

    Raises:
        ValueError: there are no rows, or the table lacks a feature of the reference.
    """
    known = {**reference.features, SCORE: reference.score}
    missing = sorted(set(known) - set(table.columns))
    if missing:
        raise ValueError(f"the table has no column {missing[0]!r}, which the model was trained with")
    counts, means = _counted(table, {name: _bins_of(one) for name, one in known.items()})
    customers = int(counts[SCORE].sum())
    features = [
        _feature_drift(name, then, counts[name], reference.customers, limits)
        for name, then in reference.features.items()
    ]
    then = reference.score
    psi = _index(then, counts[SCORE], then.customers)
    score = ScoreDrift(psi, means[SCORE], then.mean, _score_above(psi, then, counts[SCORE], limits))
    above = [one.feature for one in features if one.above] + ([SCORE] if score.above else [])
    return TableDrift(customers, sorted(features, key=lambda one: (-one.psi, one.feature)), score, sorted(above))


def stability_index(then: Floats, now: Floats, customers_then: int, customers_now: int) -> float:
    """PSI of two arrays of shares, (bins,), each of so many customers.

    A share of 0 counts as half a customer, since its logarithm is infinite; a bin that is empty on both sides is left
    out.
    """
    is_occupied = (then > 0) | (now > 0)
    p = np.maximum(then, 0.5 / customers_then)[is_occupied]
    q = np.maximum(now, 0.5 / customers_now)[is_occupied]
    return float(np.sum((q - p) * np.log(q / p)))


def _feature_drift(
    name: str,
    then: NumberReference | CategoryReference,
    counts: NDArray[np.int64],
    customers_then: int,
    limits: Drift,
) -> FeatureDrift:
    psi = _index(then, counts, customers_then)
    shares, null_share = _shares(counts)
    new = max(shares[-1] - then.shares[-1], 0.0) if isinstance(then, CategoryReference) else 0.0
    is_above = {
        "psi": psi > limits.psi,
        "null_share": abs(null_share - then.null_share) > limits.null_share,
        "new_category_share": new > limits.new_category_share,
    }
    return FeatureDrift(
        feature=name,
        meaning=then.meaning,
        kind=then.kind,
        psi=psi,
        null_share=null_share,
        null_share_at_training=then.null_share,
        new_category_share=new,
        above=[limit for limit, exceeds in is_above.items() if exceeds],
    )


def _score_above(psi: float, then: ScoreReference, counts: NDArray[np.int64], limits: Drift) -> list[str]:
    _, null_share = _shares(counts)
    is_above = {"psi": psi > limits.psi, "null_share": abs(null_share - then.null_share) > limits.null_share}
    return [limit for limit, exceeds in is_above.items() if exceeds]


def _index(
    then: NumberReference | CategoryReference | ScoreReference, counts: NDArray[np.int64], customers_then: int
) -> float:
    """PSI of today's counts against the shares at training."""
    shares = np.array([*then.shares, then.null_share])
    return stability_index(shares, counts / counts.sum(), customers_then, int(counts.sum()))


def _shares(counts: NDArray[np.int64]) -> tuple[list[float], float]:
    """The share of customers in each bin, and that of null."""
    *shares, null_share = (counts / counts.sum()).tolist()
    return shares, null_share


# ---- bins ----


def _bins_of(then: NumberReference | CategoryReference | ScoreReference) -> Bins:
    return CategoryBins(then.values) if isinstance(then, CategoryReference) else NumberBins(then.edges)


def _bins(table: DataFrame, features: Sequence[NamedFeature]) -> dict[str, Bins]:
    categories = {feature.name: feature for feature in features if feature.kind == "category"}
    numbers = [feature.name for feature in features if feature.name not in categories] + [SCORE]
    rows = max(table.count(), 1)
    draw = F.pmod(F.xxhash64(F.col("customer_id").cast("string"), F.lit("edges")), F.lit(rows))
    some = table.where(draw < EDGE_ROWS).select(*(_number(name) for name in numbers)).toArrow()
    found: dict[str, Bins] = {
        name: NumberBins(_edges(np.asarray(some.column(name).to_numpy(), np.float64))) for name in numbers
    }
    found |= {name: CategoryBins(_values(table, feature)) for name, feature in categories.items()}
    return {name: found[name] for name in (*(feature.name for feature in features), SCORE)}


def _edges(numbers: Floats) -> list[float]:
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return []
    edges = np.unique(np.quantile(known, TENTHS, method="inverted_cdf"))
    if edges[0] == known.min():
        edges = np.concatenate([[np.nextafter(edges[0], -np.inf)], edges])[: len(TENTHS)]
    return [float(edge) for edge in edges]


def _values(table: DataFrame, feature: NamedFeature) -> list[str]:
    """The declared levels, and the most frequent other values of the training set."""
    value = F.col(feature.name)
    others = table.where(value.isNotNull() & ~value.isin(list(feature.levels))).groupBy(value.alias("value")).count()
    most = others.orderBy(F.desc("count"), "value").limit(MOST_VALUES).collect()
    return [*feature.levels, *(row["value"] for row in most)]


# ---- counting ----


def _counted(table: DataFrame, columns: Mapping[str, Bins]) -> tuple[dict[str, NDArray[np.int64]], dict[str, float]]:
    """By column: customers per bin, null last, and the mean of the known numbers."""
    read = [_number(name) if isinstance(bins, NumberBins) else _text(name) for name, bins in columns.items()]
    count = partial(_count, list(columns.values()))
    parts = table.select(*read).mapInArrow(count, COUNTS)
    rows = parts.groupBy("feature", "bin").agg(F.sum("customers").alias("customers"), F.sum("total").alias("total"))
    empty = [np.zeros((2, _width(bins))) for bins in columns.values()]
    for row in rows.collect():
        empty[row["feature"]][:, row["bin"]] = row["customers"], row["total"]
    found = dict(zip(columns, empty, strict=True))
    if not found[SCORE][0].sum():
        raise ValueError("drift: there are no customers to compare")
    counts = {name: both[0].astype(np.int64) for name, both in found.items()}
    known = {name: max(count[:-1].sum(), 1) for name, count in counts.items()}
    return counts, {name: float(both[1].sum() / known[name]) for name, both in found.items()}


def _count(columns: list[Bins], batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Counts of one part of the table. As SQL this would be a thousand expressions, more than Spark compiles well."""
    found = [np.zeros((2, _width(bins))) for bins in columns]
    for batch in batches:
        for both, bins, values in zip(found, columns, batch.columns, strict=True):
            number, weight = _binned(values, bins)
            both[0] += np.bincount(number, minlength=both.shape[1])
            both[1] += np.bincount(number, weight, minlength=both.shape[1])
    feature = np.repeat(np.arange(len(columns), dtype=np.int32), [both.shape[1] for both in found])
    number = np.concatenate([np.arange(both.shape[1], dtype=np.int32) for both in found])
    customers, total = np.concatenate(found, axis=1)
    yield pa.RecordBatch.from_arrays(
        [pa.array(feature), pa.array(number), pa.array(customers.astype(np.int64)), pa.array(total)],
        names=["feature", "bin", "customers", "total"],
    )


def _binned(values: pa.Array, bins: Bins) -> tuple[NDArray[np.int64], Floats]:
    """(rows,) number of each row's bin, and the value that it adds to the sum of the column."""
    last = _width(bins) - 1
    if isinstance(bins, CategoryBins):
        known = pc.fill_null(pc.index_in(values, pa.array(bins.values, values.type)), last - 1)
        number = np.where(values.is_null().to_numpy(zero_copy_only=False), last, known.to_numpy())
        return number.astype(np.int64), np.zeros(len(number))
    numbers = np.asarray(values.to_numpy(zero_copy_only=False), np.float64)
    is_null = np.isnan(numbers)
    return np.where(is_null, last, np.searchsorted(bins.edges, numbers)), np.where(is_null, 0.0, numbers)


def _width(bins: Bins) -> int:
    """Number of bins, with those of other values and of null."""
    return len(bins.edges if isinstance(bins, NumberBins) else bins.values) + 2


def _number(name: str) -> Column:
    return F.col(name).cast("double").alias(name)


def _text(name: str) -> Column:
    return F.col(name).cast("string").alias(name)
