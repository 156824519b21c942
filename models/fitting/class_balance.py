"""Class balance: weights or undersampling for a rare label, in the training set only."""

from typing import Literal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from models.fitting.split import SHARES

Balance = Literal["none", "weights", "undersample"]
WEIGHT = "weight"


def balance_labels(train: DataFrame, positive_share: float, how: Balance, seed: int) -> DataFrame:
    """Add the column `weight` to training rows, so that both labels count the same.

    weights: by a weight for each label. undersample: by random rows of the commoner label, as many as there are of the
    rarer one. none: all rows weigh 1, and the labels stay as they are.
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
