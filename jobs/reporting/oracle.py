"""The metrics of the true probabilities of simulated customers on the test set: no model can do better."""

import math
from dataclasses import dataclass

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.data_folder import DataFolder
from jobs.reporting.model_comparison import Evaluated, Model
from jobs.training.artifacts import ModelFolder
from models.evaluation.curves import curves
from models.evaluation.histogram import count_scores
from models.evaluation.metrics import best_threshold, compute_metrics


@dataclass(frozen=True)
class Oracle(Evaluated):
    """The truth as if it were a model, and the number of customers for whom it is known."""

    rows: int

    def share_reached(self, by: float) -> float:
        """The share of the way from chance to the best AUC that an AUC reaches; NaN where the best is chance."""
        return (by - 0.5) / (self.auc.value - 0.5) if self.auc.value != 0.5 else math.nan


def find_oracle(data: DataFolder, spark: SparkSession, chosen: Model) -> Oracle | None:
    """The truth for the test set of the chosen model; only a simulation has it."""
    as_of = chosen.record.split.test_as_of
    scores = ModelFolder(data.models).test_scores(chosen.name)
    if as_of not in data.truth.values() or not scores.is_dir():
        return None
    truth = spark.read.parquet(str(data.truth.partition(as_of)))  # the layer also holds files that are not Parquet
    [probability] = [name for name in truth.columns if name.endswith("_probability")]
    true = truth.select("customer_id", F.col(probability).alias("probability"))
    unseen = spark.read.parquet(str(scores)).select("customer_id", "label")
    judged = unseen.join(true, "customer_id", "inner")
    counted = count_scores(judged)
    if not counted.positives.sum() or not counted.negatives.sum():
        return None
    test = compute_metrics(counted, best_threshold(counted))
    return Oracle(
        "best", "best possible", "truth", {}, test, curves(counted), chosen.fitted_on, int(counted.rows.sum())
    )
