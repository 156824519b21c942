"""Deciles of customers by score, 10 the highest, from a histogram of at most 16,000 counts.

The bins are those of `models.evaluation.histogram`, even in log odds: for a rare label too they are far narrower than a
tenth.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from models.evaluation.histogram import fine_bin, is_probability


def with_deciles(scored: DataFrame) -> DataFrame:
    """Add the column `decile` to the rows of `scored`, by `probability`; scores in the same fine bin share a decile.

    Raises:
        ValueError: a probability is null or not between 0 and 1.
    """
    p = F.col("probability")
    own_bin = fine_bin(p)
    # Without the condition a null would get a bin, since least and greatest ignore null.
    counts = scored.groupBy(F.when(is_probability(p), own_bin).alias("fine_bin")).count().collect()
    histogram = {row["fine_bin"]: row["count"] for row in counts}
    if None in histogram:
        raise ValueError(f"{histogram[None]} rows have no probability between 0 and 1")
    decile: Column = F.lit(1)
    for threshold in decile_thresholds(histogram):
        decile = decile + (own_bin >= threshold).cast("int")
    return scored.withColumn("decile", decile)


def decile_thresholds(histogram: dict[int, int]) -> list[int]:
    """The bins at which deciles 2 to 10 begin: the first bin whose middle row is past each tenth of the rows."""
    total = sum(histogram.values())
    thresholds: list[int] = []
    passed = 0
    for number, count in sorted(histogram.items()):
        middle = 10 * (passed + count / 2)
        while len(thresholds) < 9 and middle >= (len(thresholds) + 1) * total:
            thresholds.append(number)
        passed += count
    last = max(histogram, default=0) + 1
    return thresholds + [last] * (9 - len(thresholds))
