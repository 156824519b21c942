"""How near explicit ratings are foretold: what published analyses quote, and nothing about how titles are ranked."""

from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from models.evaluation.intervals import Interval
from models.recommender.fitting import LINEAGE, blocks
from models.recommender.ranking import means_of

FACTORS, ITERATIONS, REGULARISATION = 10, 10, 0.1  # those of MLlib, which most analyses leave as they are


def rating_errors(known: DataFrame, held_out: DataFrame, seed: int) -> dict[str, Any]:
    """The root of the mean squared error of MLlib's ALS for explicit ratings, and of the mean rating, on the same rows.

    Args:
        known, held_out: `customer`, `title`, `rating`, of classic Spark.

    Returns:
        `rmse` and `rmse_of_mean` as Interval, `rows` that both foretell: those of customers and titles that are known.
    """
    from pyspark.ml.recommendation import ALS

    number = blocks(known.count())
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
    foretold = als.fit(known).transform(held_out)
    mean = known.agg(F.avg("rating").alias("mean"))
    errors = foretold.crossJoin(F.broadcast(mean)).select(
        F.pow(F.col("prediction") - F.col("rating"), 2).alias("rmse"),
        F.pow(F.col("mean") - F.col("rating"), 2).alias("rmse_of_mean"),
    )
    found: dict[str, Any] = {name: _root(one) for name, one in means_of(errors, ("rmse", "rmse_of_mean")).items()}
    return found | {"rows": errors.count()}


def _root(squared: Interval) -> Interval:
    return Interval(squared.value**0.5, max(squared.low, 0.0) ** 0.5, squared.high**0.5)
