"""How near explicit ratings are predicted."""

import numpy as np
import pytest
from pyspark.sql import SparkSession

from models.recommender.ratings import rating_errors


def test_ratings_of_two_tastes_are_foretold_better_than_by_their_mean(spark: SparkSession) -> None:
    """Customers give 5 to titles of their own kind and 1 to others: the mean, 3, is off by 2."""
    random = np.random.default_rng(1)
    rows = [(c, t, 5.0 if (c + t) % 2 == 0 else 1.0) for c in range(30) for t in range(20)]
    is_held = random.random(len(rows)) < 0.2
    schema = "customer int, title int, rating double"
    known = spark.createDataFrame([row for row, held in zip(rows, is_held, strict=True) if not held], schema)
    strangers = [(99, 1, 5.0)]  # of whom nothing can be foretold
    held = spark.createDataFrame([row for row, out in zip(rows, is_held, strict=True) if out] + strangers, schema)
    found = rating_errors(known, held, seed=1)
    assert found.rows == is_held.sum()
    # The mean is that of what is known: to know that of what is held out would be to know what is to be foretold.
    rating = np.array([row[2] for row in rows])
    wanted = np.sqrt(np.mean((rating[is_held] - rating[~is_held].mean()) ** 2))
    assert found.rmse_of_mean.value == pytest.approx(2.0, abs=0.02)
    assert found.rmse_of_mean.value == pytest.approx(wanted, rel=1e-6)
    assert 1.9 < found.rmse_of_mean.low < found.rmse_of_mean.high < 2.1  # ends of roots, not of squares
    assert found.rmse.value < 0.5
    assert found.rmse.low <= found.rmse.value <= found.rmse.high
