"""Measures what contacting a share of the customers would have earned, on customers whose label is known.

This is a response model, not uplift: what a contact changes is declared (`models.targeting.response`), and is the same
for everybody. Whom a contact would really change has not been observed.

A contacted customer earns what a contact would have changed times the value, and costs a contact in any case. Customers
are counted in groups of neighbours in each order, so that what is collected does not grow with their number.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.schema import Label
from conf.targeting import Targeting
from models.arrays import Floats
from models.evaluation.bootstrap import percentile_interval
from models.evaluation.histogram import GROUPS as GROUPS_OF_CUSTOMERS
from models.evaluation.histogram import collect_counts, customer_group, fine_bin, is_label, is_probability
from models.evaluation.intervals import Interval
from models.targeting.response import customer_value, good, response, risk

SHARES = np.arange(1, 21) / 20
ORDERS = {"model": "probability", "recency": "recency_probability", "bgnbd": "bgnbd_probability"}
MODEL, RANDOM = "model", "random"
EXACT = "decimal(38,18)"
CUSTOMERS = "customers"  # the group of customers that are drawn together
# Groups of one order, by the number of orders; up to three times as many if many customers tie. The cells are those of
# all orders together.
GROUPS = {2: 100, 3: 40}


@dataclass(frozen=True)
class RuleAtShare:
    """What a rule achieves when the first customers in its order are contacted.

    profit: per 1,000 customers. reached: share of those the aim is about (who come back, or who leave) who are among
    the contacted; NaN where there are none.
    """

    profit: Interval
    reached: Interval


@dataclass(frozen=True)
class ProfitAtShare:
    """What each rule achieves when a share of the customers is contacted.

    customers: how many of the population the share is. rules: by name, `model`, `recency`, `bgnbd` where it is fitted,
    and `random`. over: by the same names but `model`, the profit of the model less that of the rule. saved: cost of
    contacting everybody less the cost of contacting this share, per 1,000 customers.
    """

    share: float
    customers: int
    rules: dict[str, RuleAtShare]
    over: dict[str, Interval]
    saved: float


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

    `scored` has one row per customer with label, the columns of ORDERS (each P(label = 1); that of `bgnbd` may be
    missing) and the features that the value reads. Each order is by expected profit, as its own probability says; ties
    count as the mean of all their orders, and `random` is the mean of all orders of all customers. What a customer
    earns is counted by the probability of the model, the same in all orders. Intervals are of a Poisson bootstrap of
    customers (Chamandy et al. 2012), which draws the same customers for all curves, so that the differences are paired.
    Where a `customer_id` has several rows, whole groups of customers are drawn.

    Raises:
        ValueError: there are no rows, or a label or a probability is null or out of range.
    """
    cells, scale = _cells(scored, label, economics)
    cost = economics.cost_of_contact
    names = [*cells.orders, RANDOM]
    measured = _Achieved.of(cells, cells.rows, cells.gain * cells.rows, scale, cost)
    resamples = cells.resamples(np.random.default_rng(seed), replicates)
    drawn = _stacked([_Achieved.of(cells, *resample, scale, cost) for resample in resamples])
    curve = [
        ProfitAtShare(
            float(share),
            round(float(share * cells.rows.sum())),
            {
                name: RuleAtShare(
                    percentile_interval(float(measured.profit[n, at]), drawn.profit[:, n, at]),
                    percentile_interval(float(measured.reached[n, at]), drawn.reached[:, n, at]),
                )
                for n, name in enumerate(names)
            },
            {
                name: percentile_interval(float(measured.over[n, at]), drawn.over[:, n, at])
                for n, name in enumerate(names[1:])
            },
            float(1_000 * cost * (1 - share)),
        )
        for at, share in enumerate(SHARES)
    ]
    best = int(np.argmax(measured.profit[0]))
    best_share = float(SHARES[best]) if measured.profit[0, best] > 0 else 0.0
    return ProfitCurve(curve, float(measured.profit[0, -1]), best_share)


@dataclass(frozen=True)
class _Cells:
    """Counts of customers by their groups in all orders; group 0 is contacted first.

    groups: (cells,) for each order. rows: (2, cells) customers whom the aim is about, and the others. gain, deviation:
    (2, cells) mean and standard deviation of what a contact would have changed times the value, as a share of the
    highest value. customers: (cells,) the group of customers of each cell, where customers have several rows.
    """

    orders: tuple[str, ...]
    groups: tuple[NDArray[np.int64], ...]
    rows: Floats
    gain: Floats
    deviation: Floats
    customers: NDArray[np.int64] | None

    def resamples(self, random: np.random.Generator, replicates: int) -> Iterator[tuple[Floats, Floats]]:
        """Rows and gains of Poisson bootstraps; the gain of a cell varies as a sum over its customers would."""
        for _ in range(replicates):
            if self.customers is not None:
                rows = self.rows * random.poisson(1.0, GROUPS_OF_CUSTOMERS)[self.customers]
                yield rows, self.gain * rows
                continue
            rows = random.poisson(self.rows).astype(float)
            noise = np.sqrt(rows) * self.deviation * random.standard_normal(rows.shape)
            yield rows, self.gain * rows + noise


@dataclass(frozen=True)
class _Achieved:
    """(orders and random, shares) profit and share reached; (orders but model and random, shares) differences.

    Of several resamples, all have one more axis in front.
    """

    profit: Floats
    reached: Floats
    over: Floats

    @classmethod
    def of(cls, cells: _Cells, rows: Floats, gain: Floats, scale: float, cost: float) -> "_Achieved":
        """For customers, (2, cells), and the gain of each cell."""
        everybody, wanted = float(rows.sum()), float(rows[0].sum())
        shape = (len(cells.orders) + 1, len(SHARES))
        if not everybody:  # a resample of very few customers may be empty
            return cls(np.full(shape, np.nan), np.full(shape, np.nan), np.full((shape[0] - 1, shape[1]), np.nan))
        both = [_up_to_shares(groups, rows, gain) for groups in cells.groups]
        both.append(np.outer((gain.sum(), wanted), SHARES))
        gained, reached = np.array(both).swapaxes(0, 1)
        profit = 1_000 * (scale * gained / everybody - cost * SHARES)
        return cls(profit, reached / (wanted or np.nan), profit[0] - profit[1:])


def _stacked(drawn: Sequence[_Achieved]) -> _Achieved:
    return _Achieved(*(np.array([getattr(one, name) for one in drawn]) for name in ("profit", "reached", "over")))


def _up_to_shares(groups: NDArray[np.int64], rows: Floats, gain: Floats) -> Floats:
    """(2, shares) gain and wanted customers of the first in order; a group across the border of a share is divided."""
    amounts = (rows.sum(axis=0), gain.sum(axis=0), rows[0])
    reached, *gathered = (np.append(0.0, np.cumsum(np.bincount(groups, each))) for each in amounts)
    return np.array([np.interp(SHARES * reached[-1], reached, each) for each in gathered])


def _cells(scored: DataFrame, label: Label, economics: Targeting) -> tuple[_Cells, float]:
    """The counts of customers, and the highest value of a customer."""
    worth, responds = customer_value(economics), response(economics)
    orders = {name: column for name, column in ORDERS.items() if column in scored.columns}
    has_ids = "customer_id" in scored.columns
    customers = F.countDistinct("customer_id") if has_ids else F.count("*")
    ((scale, rows, different),) = scored.agg(F.max(worth), F.count("*"), customers).collect()
    if scale is None:
        raise ValueError("there is no customer with a known label to measure the profit on")
    scale = scale or 1.0
    is_measured = is_label(F.col("label"))
    for column in orders.values():
        is_measured = is_measured & is_probability(F.col(column))
    share = worth / F.lit(scale)
    bins = []
    for name, column in orders.items():
        change = responds.expected(good(label, column), risk(label, column))
        bins.append(F.when(is_measured, fine_bin(change * share)).alias(name))
    is_good = F.col("label") == (0 if label.leaves_is_one else 1)
    is_wanted = is_good if responds.is_about_good else ~is_good
    gain = responds.counted(is_good, good(label)) * share
    groups = [customer_group(F.col("customer_id")).alias(CUSTOMERS)] if different < rows else []
    table = scored.select(*bins, is_wanted.alias("is_wanted"), gain.alias("gain"), *groups)
    for order in orders:
        table = _with_group(table, order, GROUPS[len(orders)])
    return _counted(table, tuple(orders)), scale


def _with_group(table: DataFrame, order: str, most: int) -> DataFrame:
    """Replace the bin of each row in an order by its group."""
    bins = collect_counts(table.groupBy(order).agg(F.count("*").alias("rows")), [order])
    in_order = np.argsort(-bins[order])
    pairs = np.column_stack([bins[order][in_order], _groups(bins["rows"][in_order], most)]).tolist()
    groups = table.sparkSession.createDataFrame(pairs, f"{order} bigint, {order}_group bigint")
    return table.join(F.broadcast(groups), order, "inner").drop(order)


def _groups(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """(bins,) the group of each bin: neighbours up to 1 / most of the rows; a larger bin is a group alone."""
    part = most * (np.cumsum(rows) - rows) // rows.sum()
    is_large = most * rows > rows.sum()
    begins = (np.diff(part) > 0) | is_large[1:] | is_large[:-1]
    return np.append(0, np.cumsum(begins))


def _counted(table: DataFrame, orders: tuple[str, ...]) -> _Cells:
    # Sums of decimals are exact: they do not depend on the order in which an engine adds up.
    gain = F.col("gain")
    amounts = {"rows": F.lit(1), "gain": gain.cast(EXACT), "square": (gain * gain).cast(EXACT)}
    keys = [*(f"{order}_group" for order in orders), *(name for name in table.columns if name == CUSTOMERS)]
    kinds = {"wanted": F.col("is_wanted"), "others": ~F.col("is_wanted")}
    sums = [
        F.sum(F.when(is_one, amount).otherwise(0)).cast("double").alias(f"{name}_{kind}")
        for name, amount in amounts.items()
        for kind, is_one in kinds.items()
    ]
    found = table.groupBy(*keys).agg(*sums).orderBy(*keys).toArrow()
    groups = tuple(found.column(f"{order}_group").to_numpy() for order in orders)
    customers = found.column(CUSTOMERS).to_numpy() if CUSTOMERS in keys else None
    rows, total, square = (
        np.array([found.column(f"{name}_{kind}").to_numpy() for kind in kinds], float) for name in amounts
    )
    mean, mean_square = total / np.maximum(rows, 1), square / np.maximum(rows, 1)
    return _Cells(orders, groups, rows, mean, np.sqrt(np.maximum(mean_square - mean**2, 0.0)), customers)
