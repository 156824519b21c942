"""Cosine similarity between titles, computed over DataFrames, for data that does not fit on one machine."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from conf.recommender import Weights


def neighbours(liked: DataFrame, number: int, weights: Weights, history_titles: int) -> DataFrame:
    """Find the `number` titles most similar to each title, itself included.

    Source: Sarwar et al., Item-based collaborative filtering recommendation algorithms (2001), section 3.1.1.

    Args:
        liked: `customer`, `title`, `strength` above 0, each pair once.
        history_titles: only so many titles of a customer, the strongest, are used.

    Returns:
        `title`, `other`, `similarity` (above 0, at most 1); at most `number` rows per title.
    """
    strongest = Window.partitionBy("customer").orderBy(F.col("strength").desc(), F.xxhash64("title"))
    shortened = liked.withColumn("place", F.row_number().over(strongest)).where(F.col("place") <= history_titles)
    weight = {"binary": F.lit(1.0), "log": F.log1p("strength"), "linear": F.col("strength").cast("double")}[weights]
    weighted = shortened.select("customer", "title", weight.alias("weight"))
    other = weighted.select("customer", F.col("title").alias("other"), F.col("weight").alias("other_weight"))
    together = (
        weighted.join(other, "customer", "inner")
        .groupBy("title", "other")
        .agg(F.sum(F.col("weight") * F.col("other_weight")).alias("dot"))
    )
    norms = weighted.groupBy("title").agg(F.sqrt(F.sum(F.col("weight") * F.col("weight"))).alias("norm"))
    other_norms = norms.select(F.col("title").alias("other"), F.col("norm").alias("other_norm"))
    similarity = F.col("dot") / (F.col("norm") * F.col("other_norm"))
    compared = together.join(norms, "title", "inner").join(other_norms, "other", "inner")
    nearest = Window.partitionBy("title").orderBy(F.col("similarity").desc(), F.col("other"))
    ranked = compared.select("title", "other", similarity.alias("similarity"))
    return ranked.withColumn("place", F.row_number().over(nearest)).where(F.col("place") <= number).drop("place")
