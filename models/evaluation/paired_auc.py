"""The difference of the AUCs of two scores of the same customers, with a paired interval."""

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from models.arrays import Floats
from models.evaluation.bootstrap import percentile_interval
from models.evaluation.histogram import (
    GROUPS,
    LABELS,
    collect_counts,
    customer_group,
    is_label,
    is_probability,
    log_odds,
)
from models.evaluation.intervals import Interval
from models.evaluation.measures import area_under_roc

# Bins of a score: about 0.03 wide in log odds at a probability of 1/2, and wider towards the ends at -16 and 16.
BINS = 400
BINS_PER_UNIT = 72


def auc_gain(scored: DataFrame, seed: int = 1, replicates: int = 200, repeats: bool = False) -> Interval:
    """The AUC of `probability` minus that of `other_probability` for `label`; NaN if only one label occurs.

    Both are resampled together (a paired Poisson bootstrap), which leaves out the chance that they share: the interval
    is narrower than those of the two AUCs suggest. One aggregation counts at most 400 x 400 rows; the coarse bins
    change either AUC by about 1e-4.

    Args:
        scored: the rows.
        seed, replicates: of the bootstrap.
        repeats: whether a `customer_id` may have several rows; then whole groups of customers are drawn.

    Raises:
        ValueError: a label or a probability is null or out of range.
    """
    names = ("probability", "other_probability")
    is_scored = is_label(F.col("label")) & is_probability(F.col(names[0])) & is_probability(F.col(names[1]))
    bins = [F.when(is_scored, _coarse_bin(F.col(name))).alias(name) for name in names]
    counts = [F.sum((F.col("label") == label).cast("bigint")).alias(f"rows_{label}") for label in LABELS]
    groups = [customer_group(F.col("customer_id")).alias("group")] if repeats else []
    keys = [*names, *(["group"] if repeats else [])]
    found = collect_counts(scored.groupBy(*bins, *groups).agg(*counts), keys)
    order = np.lexsort([found[name] for name in keys])  # engines return rows in any order, and the draws depend on it
    at = [found[name][order] for name in names]
    counted = np.array([found[f"rows_{label}"][order] for label in LABELS], dtype=float)

    def gain(rows: Floats) -> float:
        ours, other = (area_under_roc(*_counts(one, rows)) for one in at)
        return ours - other

    random = np.random.default_rng(seed)

    def resample() -> Floats:
        if repeats:
            return counted * random.poisson(1.0, GROUPS)[found["group"][order]]
        return random.poisson(counted).astype(float)

    drawn = np.array([gain(resample()) for _ in range(replicates)])
    return percentile_interval(gain(counted), drawn)


def _counts(bins: NDArray[np.int64], rows: Floats) -> tuple[Floats, Floats]:
    """(BINS,) negatives and positives by bin of one of the scores."""
    return np.bincount(bins, rows[0], BINS).astype(float), np.bincount(bins, rows[1], BINS).astype(float)


def _coarse_bin(p: Column) -> Column:
    number = F.floor(F.asinh(log_odds(p) / 2) * BINS_PER_UNIT) + BINS // 2
    return F.greatest(F.least(number, F.lit(BINS - 1)), F.lit(0))
