"""Numbers ids of customers and titles, as ALS and arrays need them, and draws random samples of rows."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

BUCKETS = 64
HASHES = 1_000_000  # resolution of a share


def number_ids(ids: DataFrame, key: str, number: str) -> DataFrame:
    """Number the distinct ids from 0 without gaps: `key`, `number` (int).

    Each worker sorts one bucket at a time, and nothing is collected. The ids must not be null; they are read twice.
    """
    distinct = ids.select(key).distinct().withColumn("bucket", F.pmod(F.xxhash64(F.col(key)), F.lit(BUCKETS)))
    sizes = distinct.groupBy("bucket").agg(F.count("*").alias("size"))
    earlier = Window.partitionBy(F.lit(0)).orderBy("bucket").rowsBetween(Window.unboundedPreceding, -1)  # of 64 rows
    starts = sizes.select("bucket", F.coalesce(F.sum("size").over(earlier), F.lit(0)).alias("start"))
    place = F.row_number().over(Window.partitionBy("bucket").orderBy(key))
    placed = distinct.withColumn("place", place).join(F.broadcast(starts), "bucket", "inner")
    return placed.select(key, (F.col("start") + F.col("place") - 1).cast("int").alias(number))


def draw(purpose: str, seed: int, *keys: str) -> Column:
    """A number from 0 to HASHES - 1 by a hash of the keys; draws for different purposes are independent."""
    texts = [F.col(key).cast("string") for key in keys]
    return F.pmod(F.xxhash64(*texts, F.lit(f"{purpose} {seed}")), F.lit(HASHES)).cast("int")


def is_drawn(column: str, share: float) -> Column:
    """Whether the draw in a column is within a share."""
    return F.col(column) < round(share * HASHES)
