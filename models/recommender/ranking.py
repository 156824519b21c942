"""Metrics of ranked lists against what customers did next, computed over DataFrames, with 95 % intervals.

Intervals of means over customers are by the central limit theorem. Sources: Järvelin & Kekäläinen, Cumulated gain-based
evaluation of IR techniques (2002) for NDCG; Manning, Raghavan & Schütze, Introduction to Information Retrieval (2008),
chapter 8, for precision, recall and MAP; Zhou et al., Solving the apparent diversity-accuracy dilemma (2010) for
novelty.
"""

import math
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from models.evaluation.intervals import NORMAL_95, Interval

METRICS = {
    "ndcg": "How high the titles that customers took up next are ranked: 1 if they all stand first",
    "map": "Mean average precision: the share of hits in the list down to each hit, averaged over the hits",
    "precision": "Share of the titles of a list that the customer took up",
    "recall": "Share of the titles that the customer took up that are on the list",
    "novelty": "How unknown the titles of the lists are, in bits: one more for each halving of those who know a title",
}


@dataclass(frozen=True)
class RankingQuality:
    """How good ranked lists are.

    metrics: by the names of METRICS. customers: number of customers with a held-out title. coverage: share of the known
    titles that are on any list; it counts these very lists and so has no interval.
    """

    metrics: dict[str, Interval]
    customers: int
    coverage: float


def metrics_per_customer(recommended: DataFrame, held_out: DataFrame, number: int) -> DataFrame:
    """Compute metrics per customer with a held-out title: `customer`, `ndcg`, `map`, `precision`, `recall`.

    Args:
        recommended: `customer`, `title`, `rank` from 1; ranks above `number` are ignored.
        held_out: `customer`, `title`, each once.
        number: length of a list, k of precision@k. With r titles held out, the best list has min(r, k) hits.
    """
    hits = recommended.where(F.col("rank") <= number).join(held_out, ["customer", "title"], "inner")
    so_far = Window.partitionBy("customer").orderBy("rank")
    placed = hits.withColumn("hits_so_far", F.row_number().over(so_far))
    summed = placed.groupBy("customer").agg(
        F.count("*").alias("hits"),
        F.sum(F.lit(1.0) / F.log2(F.col("rank") + 1)).alias("gain"),
        F.sum(F.col("hits_so_far") / F.col("rank")).alias("precisions"),
    )
    relevant = held_out.groupBy("customer").agg(F.count("*").alias("relevant"))
    both = relevant.join(summed, "customer", "left").na.fill(0, ["hits", "gain", "precisions"])
    attainable = F.least(F.col("relevant"), F.lit(number))
    return both.select(
        "customer",
        (F.col("gain") / _best_gain(attainable, number)).alias("ndcg"),
        (F.col("precisions") / attainable).alias("map"),
        (F.col("hits") / F.lit(number)).alias("precision"),
        (F.col("hits") / F.col("relevant")).alias("recall"),
    )


def _best_gain(attainable: Column, number: int) -> Column:
    """The gain of a list whose first titles are all hits."""
    gains, total = [], 0.0
    for rank in range(1, number + 1):
        total += 1.0 / math.log2(rank + 1)
        gains.append(F.lit(total))
    return F.element_at(F.array(*gains), attainable.cast("int"))


def novelty(recommended: DataFrame, known_by: DataFrame, customers: int, number: int) -> DataFrame:
    """Compute the novelty of each customer's list: the mean of -log2 of the share of customers who know a title.

    Args:
        known_by: `title`, `customers` who liked it before, above 0.
        customers: number of all customers with interactions.

    Returns:
        `customer`, `novelty`.
    """
    share = F.col("customers") / F.lit(float(customers))
    known = recommended.where(F.col("rank") <= number).join(known_by.select("title", "customers"), "title", "inner")
    return known.groupBy("customer").agg(F.avg(-F.log2(share)).alias("novelty"))


def measure_ranking(
    measured: DataFrame, recommended: DataFrame, known_by: DataFrame, customers: int, number: int
) -> RankingQuality:
    """Measure the quality of lists.

    Args:
        measured: the rows of `metrics_per_customer`.
        recommended: the lists of the same customers.
        known_by, customers, number: see `novelty`.
    """
    means = means_of(measured, ("ndcg", "map", "precision", "recall"))
    surprise = means_of(novelty(recommended, known_by, customers, number), ("novelty",))
    shown = recommended.where(F.col("rank") <= number).select("title").distinct().count()
    return RankingQuality(means | surprise, measured.count(), shown / max(known_by.count(), 1))


def means_of(rows: DataFrame, columns: tuple[str, ...]) -> dict[str, Interval]:
    """The mean of each column with its interval; NaN without rows, and NaN at both ends with one row."""
    sums = [F.count("*").alias("rows")]
    for name in columns:
        sums += [F.avg(name).alias(name), F.stddev(name).alias(f"{name}_deviation")]
    (found,) = rows.agg(*sums).collect()
    return {name: _interval(found[name], found[f"{name}_deviation"], found["rows"]) for name in columns}


def _interval(mean: float | None, deviation: float | None, rows: int) -> Interval:
    if mean is None:
        return Interval(math.nan, math.nan, math.nan)
    half = NORMAL_95 * deviation / math.sqrt(rows) if deviation is not None and rows > 1 else math.nan
    return Interval(mean, mean - half, mean + half)


def paired_difference(of: DataFrame, over: DataFrame, metric: str = "ndcg") -> Interval:
    """The mean difference of a metric between two lists of the same customers, paired; see `metrics_per_customer`."""
    other = over.select("customer", F.col(metric).alias("other"))
    paired = of.join(other, "customer", "inner").select((F.col(metric) - F.col("other")).alias("difference"))
    return means_of(paired, ("difference",))["difference"]
