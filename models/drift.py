"""How far a table's features and scores are from those trained on: who is scored may not be who was learnt from.

For each feature the population stability index (PSI), sum of (q - p) ln(q / p) over bins that hold shares p of the
training customers and q of today's. Missing values are a bin, and so are values of a category that is not declared.
Under 0.1 little has changed, above 0.25 much has (Siddiqi 2006, Credit Risk Scorecards). Chance alone gives about
(bins - 1) * (1 / customers then + 1 / customers now).
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

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
EDGE_ROWS = 20_000  # a decile of so many is off by some two thousandths of the customers
MOST_VALUES = 100  # of a category, besides those declared
COUNTS = "feature int, bin int, customers bigint, total double"

Json = dict[str, Any]
# One column's bins: {"edges": [...]}, each the greatest value of its bin, or {"values": [...]} of a category. Behind
# them come one more bin, for greater or other values, and the bin of null.
Bins = Json


def reference(table: DataFrame, features: Sequence[NamedFeature]) -> Json:
    """What `drifted` compares with, as plain data: bins, and the share of training customers in each.

    Bins of a number end at its deciles, at most 10 of them. Counts are mostly 0, so equal deciles make one bin, and
    then values below the least one have a bin of their own.

    Args:
        table: the training rows: `customer_id`, the features and `probability`.

    Raises:
        ValueError: there are no rows.
    """
    bins = _bins(table, features)
    counts, means = _counted(table, bins)
    shares = {name: _shares(count) for name, count in counts.items()}
    described = {feature.name: {"meaning": feature.about, "kind": feature.kind} for feature in features}
    return {
        "customers": int(counts[SCORE].sum()),
        "features": {name: about | bins[name] | shares[name] for name, about in described.items()},
        "score": bins[SCORE] | shares[SCORE] | {"mean": means[SCORE]},
    }


def drifted(table: DataFrame, trained: Json, limits: Drift) -> Json:
    """Features and scores now against those at training, in one aggregation.

    A feature is above `limits.psi` by its index, above `limits.null_share` where its share of nulls has changed by
    more, and above `limits.new_category_share` by the share of values that are neither declared nor known from
    training (where training had more than 100 undeclared ones, by what their share has grown).

    Args:
        table: the features and `probability`; the score's quality needs no label.
        trained: what `reference` gave; a score compared with that of other customers says how many they were.

    Returns:
        `customers`, `limits`, `features` by falling index, `score`, and `above`: the names of what is above a limit.

    Raises:
        ValueError: there are no rows, or a feature of the training table is not a column.
    """
    columns = {**trained["features"], SCORE: trained["score"]}
    missing = sorted(set(columns) - set(table.columns))
    if missing:
        raise ValueError(f"the table has no column {missing[0]!r}, which the model was trained with")
    counts, means = _counted(table, columns)
    customers = int(counts[SCORE].sum())
    compared = {
        name: _compared(then, _shares(counts[name]), then.get("customers", trained["customers"]), customers, limits)
        for name, then in columns.items()
    }
    score = compared.pop(SCORE)
    described = [
        {"feature": name, "meaning": columns[name]["meaning"], "kind": columns[name]["kind"]} | found
        for name, found in compared.items()
    ]
    return {
        "customers": customers,
        "limits": limits.model_dump(),
        "features": sorted(described, key=lambda feature: (-feature["psi"], feature["feature"])),
        "score": {"psi": score["psi"], "mean": means[SCORE], "mean_at_training": trained["score"]["mean"]}
        | {"above": score["above"]},
        "above": sorted(name for name, found in {**compared, SCORE: score}.items() if found["above"]),
    }


def stability_index(then: Floats, now: Floats, customers_then: int, customers_now: int) -> float:
    """PSI of two arrays of shares, (bins,), each of so many customers.

    A share of 0 counts as half a customer, since the logarithm would be infinite; a bin empty on both sides as none.
    """
    is_occupied = (then > 0) | (now > 0)
    p = np.maximum(then, 0.5 / customers_then)[is_occupied]
    q = np.maximum(now, 0.5 / customers_now)[is_occupied]
    return float(np.sum((q - p) * np.log(q / p)))


def _compared(then: Json, now: Json, customers_then: int, customers_now: int, limits: Drift) -> Json:
    sides = [np.array([*side["shares"], side["null_share"]]) for side in (then, now)]
    new = max(now["shares"][-1] - then["shares"][-1], 0.0) if "values" in then else 0.0
    found = {
        "psi": stability_index(sides[0], sides[1], customers_then, customers_now),
        "null_share": now["null_share"],
        "null_share_at_training": then["null_share"],
        "new_category_share": new,
    }
    is_above = {
        "psi": found["psi"] > limits.psi,
        "null_share": abs(now["null_share"] - then["null_share"]) > limits.null_share,
        "new_category_share": new > limits.new_category_share,
    }
    return found | {"above": [name for name, above in is_above.items() if above]}


def _shares(counts: NDArray[np.int64]) -> Json:
    *shares, null_share = (counts / counts.sum()).tolist()
    return {"shares": shares, "null_share": null_share}


# ---- bins ----


def _bins(table: DataFrame, features: Sequence[NamedFeature]) -> dict[str, Bins]:
    categories = {feature.name: feature for feature in features if feature.kind == "category"}
    numbers = [feature.name for feature in features if feature.name not in categories] + [SCORE]
    rows = max(table.count(), 1)
    draw = F.pmod(F.xxhash64(F.col("customer_id").cast("string"), F.lit("edges")), F.lit(rows))
    some = table.where(draw < EDGE_ROWS).select(*(_number(name) for name in numbers)).toArrow()
    edges = {name: {"edges": _edges(np.asarray(some.column(name).to_numpy(), np.float64))} for name in numbers}
    values = {name: {"values": _values(table, feature)} for name, feature in categories.items()}
    return {name: (edges | values)[name] for name in (*(feature.name for feature in features), SCORE)}


def _edges(numbers: Floats) -> list[float]:
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return []
    edges = np.unique(np.quantile(known, TENTHS, method="inverted_cdf"))
    if edges[0] == known.min():
        edges = np.concatenate([[np.nextafter(edges[0], -np.inf)], edges])[: len(TENTHS)]
    return [float(edge) for edge in edges]


def _values(table: DataFrame, feature: NamedFeature) -> list[str]:
    """The declared levels, and the most frequent values that training had besides."""
    value = F.col(feature.name)
    others = table.where(value.isNotNull() & ~value.isin(list(feature.levels))).groupBy(value.alias("value")).count()
    most = others.orderBy(F.desc("count"), "value").limit(MOST_VALUES).collect()
    return [*feature.levels, *(row["value"] for row in most)]


# ---- counting ----


def _counted(table: DataFrame, columns: dict[str, Bins]) -> tuple[dict[str, NDArray[np.int64]], dict[str, float]]:
    """By column: customers per bin, that of null last, and the mean of the known numbers."""
    read = [_number(name) if "edges" in bins else _text(name) for name, bins in columns.items()]
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
    """One part of the table to its counts. By expressions this would be a thousand, more than Spark compiles well."""
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
    """(rows,) number of each row's bin, and what it adds to the column's sum."""
    last = _width(bins) - 1
    if "values" in bins:
        known = pc.fill_null(pc.index_in(values, pa.array(bins["values"], values.type)), last - 1)
        number = np.where(values.is_null().to_numpy(zero_copy_only=False), last, known.to_numpy())
        return number.astype(np.int64), np.zeros(len(number))
    numbers = np.asarray(values.to_numpy(zero_copy_only=False), np.float64)
    is_null = np.isnan(numbers)
    return np.where(is_null, last, np.searchsorted(bins["edges"], numbers)), np.where(is_null, 0.0, numbers)


def _width(bins: Bins) -> int:
    return len(bins["edges"] if "edges" in bins else bins["values"]) + 2


def _number(name: str) -> Column:
    return F.col(name).cast("double").alias(name)


def _text(name: str) -> Column:
    return F.col(name).cast("string").alias(name)
