"""Labels that are rare, weighed up or matched in number, in the training part only."""

from typing import Literal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from models.fitting.kinds import WEIGHT
from models.fitting.split import SHARES

Balance = Literal["none", "weights", "undersample"]


def balance_labels(train: DataFrame, positive_share: float, how: Balance, seed: int) -> DataFrame:
    """The training rows with a `weight`, after which both labels count the same, or as they come (`none`).

    `undersample` draws rows of the commoner label at random, as many as there are of the rarer.
    """
    is_positive = F.col("label") == 1
    if how == "weights":
        weight = F.when(is_positive, 0.5 / positive_share).otherwise(0.5 / (1.0 - positive_share))
        return train.withColumn(WEIGHT, weight)
    even = train.withColumn(WEIGHT, F.lit(1.0))
    if how == "none":
        return even
    rarer = min(positive_share, 1.0 - positive_share)
    kept = rarer / (1.0 - rarer)
    is_rarer = is_positive if positive_share <= 0.5 else ~is_positive
    draw = F.pmod(F.xxhash64(F.col("customer_id").cast("string"), F.col("as_of"), F.lit(f"draw {seed}")), F.lit(SHARES))
    return even.where(is_rarer | (draw < round(kept * SHARES)))
