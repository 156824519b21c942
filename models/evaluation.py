"""How good scores are, computed where the rows are: nothing that grows with customers is collected."""

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import Window as Partition
from pyspark.sql import functions as F

SMALLEST = 1e-15  # a probability is kept this far from 0 and 1 in the log loss
ROC_BUCKETS = 200


@dataclass(frozen=True)
class Metrics:
    """Quality of probabilities on labelled rows; accuracy is at a threshold of one half."""

    rows: int
    positives: int
    auc: float
    accuracy: float
    log_loss: float


def metrics(scored: DataFrame) -> Metrics:
    """Quality of `probability` for `label` (0 or 1). Both must be present among the labels for an AUC (else NaN)."""
    p = F.greatest(F.least(F.col("probability"), F.lit(1 - SMALLEST)), F.lit(SMALLEST))
    is_positive = F.col("label") == 1
    is_right = (F.col("probability") >= 0.5) == is_positive
    row = scored.agg(
        F.count("*").alias("rows"),
        F.count_if(is_positive).alias("positives"),
        F.avg(is_right.cast("double")).alias("accuracy"),
        F.avg(-F.when(is_positive, F.log(p)).otherwise(F.log(1 - p))).alias("log_loss"),
    ).first()
    assert row is not None  # an aggregation without keys always has its one row
    return Metrics(row["rows"], row["positives"], auc(scored), row["accuracy"], row["log_loss"])


def auc(scored: DataFrame) -> float:
    """Exact area under the ROC curve: the share of (positive, negative) pairs in order, ties counting half.

    Source: the Mann-Whitney form of the AUC (Hanley & McNeil 1982).
    """
    is_positive = (F.col("label") == 1).cast("bigint")
    per_score = scored.groupBy("probability").agg(
        F.sum(is_positive).alias("positives"), F.sum(1 - is_positive).alias("negatives")
    )
    below = Partition.orderBy("probability").rowsBetween(Partition.unboundedPreceding, -1)
    negatives_below = F.coalesce(F.sum("negatives").over(below), F.lit(0))
    in_order = F.col("positives") * (negatives_below + F.col("negatives") / 2)
    row = (
        per_score.withColumn("in_order", in_order)
        .agg(F.sum("in_order").alias("in_order"), F.sum("positives").alias("p"), F.sum("negatives").alias("n"))
        .first()
    )
    assert row is not None  # an aggregation without keys always has its one row
    return float(row["in_order"] / (row["p"] * row["n"])) if row["p"] and row["n"] else float("nan")


def roc_curve(scored: DataFrame) -> list[tuple[float, float]]:
    """Points (false positive rate, true positive rate) from (0, 0) to (1, 1), at most ROC_BUCKETS + 2 of them."""
    is_positive = (F.col("label") == 1).cast("bigint")
    bucket = F.floor(F.col("probability") * ROC_BUCKETS)
    counts = (
        scored.groupBy(bucket.alias("bucket"))
        .agg(F.sum(is_positive).alias("positives"), F.sum(1 - is_positive).alias("negatives"))
        .orderBy(F.desc("bucket"))
        .collect()
    )
    positives, negatives = sum(row["positives"] for row in counts), sum(row["negatives"] for row in counts)
    points, hits, alarms = [(0.0, 0.0)], 0, 0
    for row in counts:
        hits, alarms = hits + row["positives"], alarms + row["negatives"]
        points.append((alarms / max(negatives, 1), hits / max(positives, 1)))
    return points
