"""Errors of predicted explicit ratings, as published analyses quote them; they do not say how titles are ranked."""

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from models.evaluation.intervals import Interval
from models.recommender.ranking import means_of

FACTORS, ITERATIONS, REGULARISATION = 10, 10, 0.1  # the defaults of MLlib, which most analyses use


@dataclass(frozen=True)
class RatingErrors:
    """Root mean squared errors of predicted ratings.

    rmse: of MLlib's ALS for explicit ratings. rmse_of_mean: of the mean rating. rows: held-out ratings that both
    predict, which are those of known customers and titles.
    """

    rmse: Interval
    rmse_of_mean: Interval
    rows: int


def rating_errors(known: DataFrame, held_out: DataFrame, seed: int) -> RatingErrors:
    """Predict held-out ratings by ALS and by the mean of the known ratings, and measure the errors.

    Args:
        known, held_out: `customer`, `title`, `rating`, of classic Spark.
    """
    from pyspark.ml.recommendation import ALS

    from models.recommender.fitting import LINEAGE, block_count  # imports scipy, which reading a record does not need

    number = block_count(known.count())
    als = ALS(
        rank=FACTORS,
        maxIter=ITERATIONS,
        regParam=REGULARISATION,
        numUserBlocks=number,
        numItemBlocks=number,
        userCol="customer",
        itemCol="title",
        ratingCol="rating",
        coldStartStrategy="drop",
        checkpointInterval=LINEAGE,
        seed=seed,
    )
    predicted = als.fit(known).transform(held_out)
    mean = known.agg(F.avg("rating").alias("mean"))
    errors = predicted.crossJoin(F.broadcast(mean)).select(
        F.pow(F.col("prediction") - F.col("rating"), 2).alias("rmse"),
        F.pow(F.col("mean") - F.col("rating"), 2).alias("rmse_of_mean"),
    )
    roots = {name: _root(one) for name, one in means_of(errors, ("rmse", "rmse_of_mean")).items()}
    return RatingErrors(**roots, rows=errors.count())


def _root(squared: Interval) -> Interval:
    return Interval(squared.value**0.5, max(squared.low, 0.0) ** 0.5, squared.high**0.5)
