"""Measures what a treatment changed, if it is known who was treated: the qini coefficient and uplift by decile.

This is the effect of the treatment alone only if the treated were drawn at random.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from models.arrays import Floats
from models.evaluation.bootstrap import percentile_interval
from models.evaluation.deciles import decile_thresholds
from models.evaluation.histogram import collect_counts, fine_bin
from models.evaluation.intervals import Interval

TREATED, UNTREATED = 0, 1
SHARES = np.arange(101) / 100


@dataclass(frozen=True)
class DecileUplift:
    """Uplift in a tenth of the customers by risk; decile 10 has the highest risk.

    treated, untreated: customers. uplift: share of good outcomes of the treated less that of the untreated.
    """

    decile: int
    treated: int
    untreated: int
    uplift: Interval


@dataclass(frozen=True)
class Uplift:
    """What a treatment changed.

    qini: the qini coefficient. curve: 101 points [share of customers, qini value]. deciles: the tenths with treated and
    untreated customers, the highest risk first.
    """

    qini: Interval
    curve: list[list[float]]
    deciles: list[DecileUplift]


def measure_uplift(scored: DataFrame, seed: int = 1, replicates: int = 200) -> Uplift:
    """Compare the treated with the untreated, in order of `risk` (0 to 1), the highest first.

    `scored` has one row per customer with label_good (1: good outcome, 0: not), treated (boolean; rows with null are
    left out) and risk. One aggregation counts at most 16,000 rows; customers in the same bin of 0.002 of log odds count
    as tied.

    The qini curve at a share of the customers is (good treated - good untreated * treated / untreated) among them,
    divided by the number of all treated: the good outcomes that treating that share added, per treated customer. It is
    0 while the share has no untreated customers. The qini coefficient is the area between the curve and the straight
    line to its end (Radcliffe 2007, Using control groups to target on predicted lift), not divided by the area of the
    best possible curve. Its interval is of a Poisson bootstrap of customers.

    Raises:
        ValueError: nobody was treated or everybody was, or a label or a risk is null or out of range.
    """
    bins, rows, good = _counted(scored)
    if not rows.sum(axis=1).all():
        raise ValueError(
            "there is nobody to compare: of the customers whose treatment is known, "
            f"{rows[TREATED].sum():.0f} were treated and {rows[UNTREATED].sum():.0f} were not"
        )
    shares, values = _qini_curve(rows, good)
    random = np.random.default_rng(seed)
    drawn = []
    for _ in range(replicates):
        good_drawn, other_drawn = random.poisson([good, rows - good]).astype(float)
        drawn.append(_area(*_qini_curve(good_drawn + other_drawn, good_drawn)))
    return Uplift(
        qini=percentile_interval(_area(shares, values), np.array(drawn)),
        curve=np.column_stack([SHARES, np.interp(SHARES, shares, values)]).tolist(),
        deciles=_by_decile(bins, rows, good),
    )


def difference_interval(good: Floats, rows: Floats) -> Interval:
    """The 95 % interval of the share of good outcomes in the first of two groups minus that in the second.

    good, rows: (2,). It holds for few customers too. Source: Newcombe 1998, Interval estimation for the difference
    between independent proportions, method 10.
    """
    from scipy.stats import binomtest  # takes a second to import

    first, second = (binomtest(int(k), int(n)).proportion_ci(method="wilson") for k, n in zip(good, rows, strict=True))
    p, q = good / rows
    low = p - q - np.hypot(p - first.low, second.high - q)
    high = p - q + np.hypot(first.high - p, q - second.low)
    return Interval(float(p - q), float(low), float(high))


def _counted(scored: DataFrame) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Bins by falling risk, (bins,), then their customers and good outcomes, (2, bins) each, treated first."""
    is_counted = F.col("label_good").isin(0, 1) & F.col("risk").between(0.0, 1.0)
    is_treated, is_good = F.col("treated").cast("bigint"), F.col("label_good").cast("bigint")
    amounts = (is_treated, 1 - is_treated, is_treated * is_good, (1 - is_treated) * is_good)
    sums = [F.sum(amount).alias(f"sum_{number}") for number, amount in enumerate(amounts)]
    known = scored.where(F.col("treated").isNotNull())
    found = collect_counts(known.groupBy(F.when(is_counted, fine_bin(F.col("risk"))).alias("bin")).agg(*sums), ["bin"])
    in_order = np.argsort(-found["bin"])
    counts = np.array([found[f"sum_{number}"][in_order] for number in range(len(amounts))], dtype=float)
    return found["bin"][in_order], counts[:2], counts[2:]


def _qini_curve(rows: Floats, good: Floats) -> tuple[Floats, Floats]:
    """Shares of the customers and values of the curve, (1 + bins,) each, from 0."""
    reached, gathered = (np.pad(np.cumsum(each, axis=1), ((0, 0), (1, 0))) for each in (rows, good))
    treated, untreated = reached
    per_untreated = np.divide(treated, untreated, out=np.zeros_like(treated), where=untreated > 0)
    gained = np.where(untreated > 0, gathered[TREATED] - gathered[UNTREATED] * per_untreated, 0.0)
    total = reached.sum(axis=0)
    return total / max(total[-1], 1.0), gained / max(treated[-1], 1.0)


def _area(shares: Floats, values: Floats) -> float:
    """The area between the curve and the straight line to its end."""
    return float(np.trapezoid(values - shares * values[-1], shares))


def _by_decile(bins: NDArray[np.int64], rows: Floats, good: Floats) -> list[DecileUplift]:
    """The deciles with treated and untreated customers, the highest risk first."""
    histogram = {int(number): int(count) for number, count in zip(bins, rows.sum(axis=0), strict=True)}
    decile = 1 + np.searchsorted(decile_thresholds(histogram), bins, side="right")
    found = []
    for tenth in range(10, 0, -1):
        counted, well = (each[:, decile == tenth].sum(axis=1) for each in (rows, good))
        if counted.all():
            treated, untreated = (int(count) for count in counted)
            found.append(DecileUplift(tenth, treated, untreated, difference_interval(well, counted)))
    return found
