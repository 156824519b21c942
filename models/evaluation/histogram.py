"""A histogram of scores by label: all that evaluation needs, and bounded however many customers there are."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from models.arrays import Floats
from models.scoring.linear import sigmoid

BINS_PER_LOG_ODDS = 500
LEAST_BIN, GREATEST_BIN = -8_000, 7_999  # log odds from -16 to 16; values beyond are in the outer bins
SMALLEST = 1e-15  # a probability is kept this far from 0 and 1
# Sums are of integers, in this unit: they do not depend on the order in which an engine adds up, so that two runs give
# the same figures to the last bit. They do not overflow for 900 million customers with the greatest possible loss.
UNIT = 2.0**-28
LABELS = (0, 1)
GROUPS = 200  # of customers; the width of an interval from so many groups varies by about 5 %
TENTHS = 10


@dataclass(frozen=True)
class CustomerGroups:
    """The rows of a histogram by bin and group of customers; arrays of shape (cells,).

    A customer with rows at several as-of dates has all of them in one of GROUPS random groups, and a bootstrap draws
    whole groups: rows of one customer are not independent.

    at: number of the bin in the histogram. group: from 0. negatives, positives: rows with label 0 and 1.
    """

    at: NDArray[np.int64]
    group: NDArray[np.int64]
    negatives: Floats
    positives: Floats


@dataclass(frozen=True)
class ScoreHistogram:
    """Counts of customers by fine bin of log odds; arrays of shape (bins,), the lowest score first; no bin is empty.

    A bin is 0.002 wide: its probabilities differ by 0.0005 at most. Scores in a bin count as tied, which changes an AUC
    by about 1e-5 for 3,000 customers and 2e-6 for 30,000.

    bin: number of the bin; its lower edge is at log odds of bin / 500, so that bin 0 begins at a probability of 1/2.
    negatives, positives: customers with label 0 and 1.
    negative_probability, positive_probability: their mean probability, 0 without customers.
    negative_loss, positive_loss: their mean of -log P(own label), 0 without customers.
    groups: where customers have several rows, the same counts by group of customers.
    """

    bin: NDArray[np.int64]
    negatives: Floats
    positives: Floats
    negative_probability: Floats
    positive_probability: Floats
    negative_loss: Floats
    positive_loss: Floats
    groups: CustomerGroups | None = None

    @property
    def rows(self) -> Floats:
        """(bins,) customers."""
        return self.negatives + self.positives

    @property
    def expected(self) -> Floats:
        """(bins,) sum of the probabilities."""
        return self.negatives * self.negative_probability + self.positives * self.positive_probability

    @property
    def probability(self) -> Floats:
        """(bins,) mean probability; NaN in a bin that a resample has left empty."""
        return self.expected / np.where(self.rows > 0, self.rows, np.nan)

    def resampled(self, random: np.random.Generator) -> "ScoreHistogram":
        """The same bins with counts drawn by a Poisson bootstrap.

        Each customer counts Poisson(1) times, so that n equal customers together count Poisson(n) times: the rows are
        not read again. Where customers have several rows, groups of customers are drawn in the same way.
        Source: Hanley & MacGibbon 2006; Chamandy et al. 2012; of groups: Cameron, Gelbach & Miller 2008.
        """
        if self.groups:
            return self._with_groups(self.groups, random.poisson(1.0, GROUPS).astype(float))
        drawn = random.poisson([self.negatives, self.positives]).astype(float)
        return replace(self, negatives=drawn[0], positives=drawn[1])

    def _with_groups(self, groups: CustomerGroups, times: Floats) -> "ScoreHistogram":
        """The same bins, with each group so many times."""
        drawn = [
            np.bincount(groups.at, rows * times[groups.group], len(self.bin)).astype(float)
            for rows in (groups.negatives, groups.positives)
        ]
        return replace(self, negatives=drawn[0], positives=drawn[1], groups=None)


def count_scores(scored: DataFrame, repeats: bool = False) -> ScoreHistogram:
    """Count rows by `label` (0 or 1) and `probability` (0 to 1) in one aggregation, which has at most 16,000 rows.

    Args:
        scored: the rows.
        repeats: whether a `customer_id` may have several rows; then the aggregation has up to GROUPS times as many.

    Raises:
        ValueError: a label or a probability is null or out of range.
    """
    p = F.col("probability")
    is_scored = is_label(F.col("label")) & is_probability(p)
    bin_number = F.when(is_scored, fine_bin(p)).alias("bin")
    keys = [bin_number, customer_group(F.col("customer_id")).alias("group")] if repeats else [bin_number]
    names = ["bin", "group"][: len(keys)]
    cells = collect_counts(scored.groupBy(*keys).agg(*_sums(p)), names)
    order = np.lexsort([cells[name] for name in reversed(names)])
    cells = {name: values[order] for name, values in cells.items()}
    bins, at = np.unique(cells["bin"], return_inverse=True)
    found = {name: _added(at, values, len(bins)) for name, values in cells.items() if name not in names}
    rows = [found[f"rows_{label}"].astype(float) for label in LABELS]
    probability, loss = (
        [found[f"{name}_{label}"] * UNIT / np.maximum(rows[label], 1) for label in LABELS]
        for name in ("probability", "loss")
    )
    groups = CustomerGroups(at, cells["group"], *_floats(cells["rows_0"], cells["rows_1"])) if repeats else None
    return ScoreHistogram(bins, rows[0], rows[1], probability[0], probability[1], loss[0], loss[1], groups)


def customer_group(customer_id: Column) -> Column:
    """The group of a customer, 0 to GROUPS - 1, by a hash of the id."""
    return F.pmod(F.xxhash64(customer_id.cast("string"), F.lit("bootstrap")), F.lit(GROUPS))


def _floats(negatives: NDArray[np.int64], positives: NDArray[np.int64]) -> tuple[Floats, Floats]:
    return negatives.astype(np.float64), positives.astype(np.float64)


def _added(at: NDArray[np.int64], values: NDArray[np.int64], bins: int) -> NDArray[np.int64]:
    """(bins,) sums of whole numbers by bin."""
    sums = np.zeros(bins, np.int64)
    np.add.at(sums, at, values)
    return sums


def _sums(p: Column) -> list[Column]:
    """Sums of customers, probabilities and losses by label, the latter two in UNIT."""
    sums = []
    for label, chance in {0: 1.0 - p, 1: p}.items():
        has_label = (F.col("label") == label).cast("bigint")
        loss = -F.log(F.greatest(chance, F.lit(SMALLEST)))
        amounts = {"rows": has_label, "probability": has_label * _in_units(p), "loss": has_label * _in_units(loss)}
        sums += [F.sum(amount).alias(f"{name}_{label}") for name, amount in amounts.items()]
    return sums


def collect_counts(grouped: DataFrame, keys: list[str]) -> dict[str, NDArray[np.int64]]:
    """Collect an aggregation with integer columns; raises ValueError if a key is null."""
    table = grouped.toArrow()
    if any(table.column(key).null_count for key in keys):
        raise ValueError(
            "every label must be 0 or 1 and every probability between 0 and 1; some are null or out of range"
        )
    return {name: table.column(name).to_numpy().astype(np.int64) for name in table.column_names}


def is_label(label: Column) -> Column:
    """Whether a label is 0 or 1; false for null."""
    return label.isNotNull() & label.isin(*LABELS)


def is_probability(p: Column) -> Column:
    """Whether a probability is between 0 and 1; false for null."""
    return p.isNotNull() & (p >= 0.0) & (p <= 1.0)


def log_odds(p: Column) -> Column:
    """log(p / (1 - p)), finite for 0 and 1."""
    inside = F.greatest(F.least(p, F.lit(1 - SMALLEST)), F.lit(SMALLEST))
    return F.log(inside / (1.0 - inside))


def fine_bin(p: Column) -> Column:
    """The number of the bin of a probability, or of another value between 0 and 1."""
    number = F.floor(log_odds(p) * BINS_PER_LOG_ODDS)
    return F.greatest(F.least(number, F.lit(GREATEST_BIN)), F.lit(LEAST_BIN))


def in_tenths(histogram: ScoreHistogram, amounts: Floats) -> Floats:
    """(10,) sums of amounts, (bins,), over tenths of the customers by score, the lowest first.

    A bin across the border of two tenths is divided between them in proportion.
    """
    if not len(histogram.bin):
        return np.zeros(TENTHS)
    rows = np.concatenate([[0.0], np.cumsum(histogram.rows)])
    borders = rows[-1] * np.arange(TENTHS + 1) / TENTHS
    return np.diff(np.interp(borders, rows, np.concatenate([[0.0], np.cumsum(amounts)])))


def lower_edge(bin_number: int) -> float:
    """The lowest probability of a bin."""
    return 0.0 if bin_number == LEAST_BIN else float(sigmoid(np.array(bin_number / BINS_PER_LOG_ODDS)))


def first_bin_from(threshold: float) -> int:
    """The bin whose lower edge is nearest to a threshold of probability."""
    inside = min(max(threshold, SMALLEST), 1 - SMALLEST)
    nearest = round(float(np.log(inside / (1 - inside))) * BINS_PER_LOG_ODDS)
    return min(max(nearest, LEAST_BIN), GREATEST_BIN)


def _in_units(value: Column) -> Column:
    return F.floor(value / UNIT + 0.5)
