"""Tenths of customers by score, 10 the highest, from a histogram of at most 10,001 counts."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

RESOLUTION = 10_000


def with_deciles(scored: DataFrame) -> DataFrame:
    """The rows of `scored` (with `probability`) and their `decile`; equal scores stand in the same one."""
    bucket = F.floor(F.col("probability") * RESOLUTION).cast("int")
    histogram = {row["bucket"]: row["count"] for row in scored.groupBy(bucket.alias("bucket")).count().collect()}
    decile: Column = F.lit(1)
    for threshold in decile_thresholds(histogram):
        decile = decile + (bucket >= threshold).cast("int")
    return scored.withColumn("decile", decile)


def decile_thresholds(histogram: dict[int, int]) -> list[int]:
    """The buckets at which deciles 2 to 10 begin: those whose middle row stands past each tenth of the rows."""
    total = sum(histogram.values())
    thresholds: list[int] = []
    passed = 0
    for bucket, count in sorted(histogram.items()):
        middle = 10 * (passed + count / 2)
        while len(thresholds) < 9 and middle >= (len(thresholds) + 1) * total:
            thresholds.append(bucket)
        passed += count
    last = max(histogram, default=0) + 1
    return thresholds + [last] * (9 - len(thresholds))
