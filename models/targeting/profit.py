"""Measures what contacting a share of the customers would have earned, on customers whose label is known.

This is a response model, not uplift: customers are ranked by risk to leave times value, and `kept_share`, the share of
contacted leavers who stay, is the same for everybody. Whom a contact would really keep has not been observed.

A contacted customer earns `kept_share * value` if they left, and costs a contact in any case. Customers are counted in
groups of neighbours in either order, so that what is collected does not grow with their number.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.learning import Targeting
from conf.schema import Label
from models.arrays import Floats
from models.evaluation.bootstrap import percentile_interval
from models.evaluation.histogram import GROUPS as GROUPS_OF_CUSTOMERS
from models.evaluation.histogram import collect_counts, customer_group, fine_bin, is_label, is_probability
from models.evaluation.intervals import Interval
from models.targeting.contact_list import customer_value, risk

SHARES = np.arange(1, 21) / 20
ORDERS = {"model": "probability", "recency": "recency_probability"}
EXACT = "decimal(38,18)"
CUSTOMERS = "customers"  # the group of customers that are drawn together
GROUPS = 100  # of one order; up to three times as many if many customers tie


@dataclass(frozen=True)
class ProfitAtShare:
    """Profit per 1,000 customers when a share of them is contacted.

    customers: how many of the population the share is. model, recency, random: the order in which customers are
    contacted. over_recency, over_random: the profit of the model less that of the other order.
    """

    share: float
    customers: int
    model: Interval
    recency: Interval
    random: Interval
    over_recency: Interval
    over_random: Interval


@dataclass(frozen=True)
class ProfitCurve:
    """Profit by the share of customers contacted.

    curve: a point for each of SHARES. all: profit per 1,000 customers when everybody is contacted. best_share: the
    share at which the model earns most; 0 where no share pays.
    """

    curve: list[ProfitAtShare]
    all: float
    best_share: float


def profit_curve(
    scored: DataFrame, label: Label, economics: Targeting, seed: int = 1, replicates: int = 200
) -> ProfitCurve:
    """Measure the profit per 1,000 customers when the first 5 %, 10 % ... 100 % of them are contacted.

    `scored` has one row per customer with label, probability and recency_probability (both P(label = 1)) and the
    features that the value reads. The order is by expected profit; ties count as the mean of all their orders, and
    `random` is the mean of all orders of all customers. Intervals are of a Poisson bootstrap of customers (Chamandy et
    al. 2012), which draws the same customers for all curves, so that the differences are paired. Where a `customer_id`
    has several rows, whole groups of customers are drawn.

    Raises:
        ValueError: there are no rows, or a label or a probability is null or out of range.
    """
    cells, scale = _cells(scored, label, economics)
    kept, cost = economics.kept_share * scale, economics.cost_of_contact
    measured = _with_differences(cells.profits(cells.rows, cells.value * cells.rows[0], kept, cost))
    resamples = cells.resamples(np.random.default_rng(seed), replicates)
    drawn = np.array([_with_differences(cells.profits(*resample, kept, cost)) for resample in resamples])
    curve = [
        ProfitAtShare(
            float(share),
            round(float(share * cells.rows.sum())),
            *(percentile_interval(float(measured[n, at]), drawn[:, n, at]) for n in range(len(measured))),
        )
        for at, share in enumerate(SHARES)
    ]
    best = int(np.argmax(measured[0]))
    best_share = float(SHARES[best]) if measured[0, best] > 0 else 0.0
    return ProfitCurve(curve, float(measured[0, -1]), best_share)


@dataclass(frozen=True)
class _Cells:
    """Counts of customers by their groups in both orders; group 0 is contacted first.

    groups: (cells,) for each order. rows: (2, cells) customers who left and who stayed. value, deviation: (cells,) mean
    and standard deviation of the value of those who left, as a share of the highest value. customers: (cells,) the
    group of customers of each cell, where customers have several rows.
    """

    groups: tuple[NDArray[np.int64], ...]
    rows: Floats
    value: Floats
    deviation: Floats
    customers: NDArray[np.int64] | None

    def profits(self, rows: Floats, value: Floats, kept: float, cost: float) -> Floats:
        """(3, shares) profit by model, recency and random order, for these customers and this value lost per cell."""
        everybody = float(rows.sum())
        if not everybody:  # a resample of very few customers may be empty
            return np.full((len(ORDERS) + 1, len(SHARES)), np.nan)
        lost = [_up_to_shares(groups, rows.sum(axis=0), value) for groups in self.groups]
        lost.append(SHARES * value.sum())
        return np.asarray(1_000 * (kept * np.array(lost) / everybody - cost * SHARES))

    def resamples(self, random: np.random.Generator, replicates: int) -> Iterator[tuple[Floats, Floats]]:
        """Rows and values of Poisson bootstraps; the value of a cell varies as a sum over its customers would."""
        for _ in range(replicates):
            if self.customers is not None:
                rows = self.rows * random.poisson(1.0, GROUPS_OF_CUSTOMERS)[self.customers]
                yield rows, self.value * rows[0]
                continue
            rows = random.poisson(self.rows).astype(float)
            noise = np.sqrt(rows[0]) * self.deviation * random.standard_normal(len(self.value))
            yield rows, self.value * rows[0] + noise


def _up_to_shares(groups: NDArray[np.int64], rows: Floats, amount: Floats) -> Floats:
    """(shares,) the amount of the customers first in order; a group across the border of a share is divided."""
    reached, gathered = (np.cumsum(np.bincount(groups, each)) for each in (rows, amount))
    return np.asarray(np.interp(SHARES * reached[-1], np.append(0.0, reached), np.append(0.0, gathered)))


def _with_differences(profits: Floats) -> Floats:
    """(5, shares) profits in the order of the fields of ProfitAtShare."""
    return np.vstack([profits, profits[0] - profits[1], profits[0] - profits[2]])


def _cells(scored: DataFrame, label: Label, economics: Targeting) -> tuple[_Cells, float]:
    """The counts of customers, and the highest value of a customer."""
    worth = customer_value(economics)
    has_ids = "customer_id" in scored.columns
    customers = F.countDistinct("customer_id") if has_ids else F.count("*")
    ((scale, rows, different),) = scored.agg(F.max(worth), F.count("*"), customers).collect()
    if scale is None:
        raise ValueError("there is no customer with a known label to measure the profit on")
    scale = scale or 1.0
    is_measured = is_label(F.col("label")) & is_probability(F.col("probability"))
    is_measured = is_measured & is_probability(F.col("recency_probability"))
    share = worth / F.lit(scale)
    bins = [F.when(is_measured, fine_bin(risk(label, column) * share)).alias(name) for name, column in ORDERS.items()]
    has_left = F.col("label") == (1 if label.leaves_is_one else 0)
    groups = [customer_group(F.col("customer_id")).alias(CUSTOMERS)] if different < rows else []
    table = scored.select(*bins, has_left.alias("has_left"), share.alias("share"), *groups)
    for order in ORDERS:
        table = _with_group(table, order)
    return _counted(table), scale


def _with_group(table: DataFrame, order: str) -> DataFrame:
    """Replace the bin of each row in an order by its group."""
    bins = collect_counts(table.groupBy(order).agg(F.count("*").alias("rows")), [order])
    in_order = np.argsort(-bins[order])
    pairs = np.column_stack([bins[order][in_order], _groups(bins["rows"][in_order])]).tolist()
    groups = table.sparkSession.createDataFrame(pairs, f"{order} bigint, {order}_group bigint")
    return table.join(F.broadcast(groups), order, "inner").drop(order)


def _groups(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """(bins,) the group of each bin: neighbours up to a hundredth of the rows; a larger bin is a group alone."""
    hundredth = GROUPS * (np.cumsum(rows) - rows) // rows.sum()
    is_large = GROUPS * rows > rows.sum()
    begins = (np.diff(hundredth) > 0) | is_large[1:] | is_large[:-1]
    return np.append(0, np.cumsum(begins))


def _counted(table: DataFrame) -> _Cells:
    # Sums of decimals are exact: they do not depend on the order in which an engine adds up.
    has_left, share = F.col("has_left").cast("bigint"), F.col("share")
    exact = {"value": share.cast(EXACT), "square": (share * share).cast(EXACT)}
    orders = [f"{order}_group" for order in ORDERS]
    keys = [*orders, *(name for name in table.columns if name == CUSTOMERS)]
    sums = [F.sum(F.when(F.col("has_left"), each).otherwise(0)).cast("double").alias(n) for n, each in exact.items()]
    counts = [F.sum(has_left).alias("left"), F.sum(1 - has_left).alias("stayed")]
    found = table.groupBy(*keys).agg(*counts, *sums).orderBy(*keys).toArrow()
    groups = tuple(found.column(key).to_numpy() for key in orders)
    customers = found.column(CUSTOMERS).to_numpy() if CUSTOMERS in keys else None
    left, stayed, value, square = (found.column(name).to_numpy().astype(float) for name in found.column_names[-4:])
    mean, mean_square = value / np.maximum(left, 1), square / np.maximum(left, 1)
    return _Cells(groups, np.array([left, stayed]), mean, np.sqrt(np.maximum(mean_square - mean**2, 0.0)), customers)
