"""Evaluation of a model's probabilities on the training set and on the test set."""

from dataclasses import dataclass

from pyspark.sql import DataFrame

from models.evaluation.curves import Points, curves
from models.evaluation.histogram import count_scores
from models.evaluation.intervals import Interval
from models.evaluation.metrics import best_threshold, compute_metrics


@dataclass(frozen=True)
class Evaluation:
    """How good a model's probabilities are.

    threshold: the probability from which on customers count as positive; it has the highest F1 on the training set.
    metrics: `train` and `test`, in each a 95 % interval by the names of METRICS.
    curves: points of the test set by the names of CURVES.
    """

    threshold: float
    metrics: dict[str, dict[str, Interval]]
    curves: dict[str, Points]


def evaluate(train: DataFrame, test: DataFrame, seed: int, repeats: bool = False) -> Evaluation:
    """Evaluate probabilities on both sets; the test set is never used to choose the threshold.

    Args:
        train: `label` and `probability` of the training set.
        test: the same of the test set, with labels in the shares in which they occur.
        seed: of the bootstrap.
        repeats: whether customers have rows of several as-of dates in the training set; then `customer_id` is there.
    """
    trained, tested = count_scores(train, repeats), count_scores(test)
    threshold = best_threshold(trained)
    metrics = {"train": compute_metrics(trained, threshold, seed), "test": compute_metrics(tested, threshold, seed)}
    return Evaluation(threshold, metrics, curves(tested))
