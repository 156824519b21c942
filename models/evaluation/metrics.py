"""Metrics of probabilities: each declared once, with title, explanation and bootstrap interval."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.arrays import Floats
from models.evaluation import measures
from models.evaluation.bootstrap import basic_interval, interval_of_absolute_sum, percentile_interval
from models.evaluation.histogram import ScoreHistogram, lower_edge
from models.evaluation.intervals import Interval


@dataclass(frozen=True)
class Metric:
    """A metric of a scored table.

    about: an explanation for people who do not know it.
    value: computes the metric from a histogram and a threshold of probability; NaN if it is not defined.
    differences: computes from a histogram the differences whose absolute values add up to the metric.
    is_largest_difference: whether the metric is the largest of absolute differences.
    """

    title: str
    about: str
    better: Literal["higher", "lower"]
    value: Callable[[ScoreHistogram, float], float]
    differences: Callable[[ScoreHistogram], Floats] | None = None
    is_largest_difference: bool = False


def compute_metrics(
    histogram: ScoreHistogram, threshold: float, seed: int = 1, replicates: int = 200
) -> dict[str, Interval]:
    """Compute all METRICS with 95 % bootstrap intervals, F1 at the threshold; NaN if a metric is not defined.

    The bootstrap draws customers: of a histogram with `groups`, all rows of a customer together.
    """
    random = np.random.default_rng(seed)
    resamples = [histogram.resampled(random) for _ in range(replicates)]
    return {name: _interval(metric, histogram, resamples, threshold) for name, metric in METRICS.items()}


def best_threshold(histogram: ScoreHistogram) -> float:
    """The threshold of probability with the highest F1; of equal ones the highest threshold.

    Raises:
        ValueError: there are no positives, so that no threshold is better than another.
    """
    if not histogram.positives.sum():
        raise ValueError("there are no positives, so no threshold is better than another")
    hits, called = measures.from_the_top(histogram.positives), measures.from_the_top(histogram.rows)
    scores = 2 * hits / (called + hits[-1])
    best = int(np.argmax(scores))
    return lower_edge(int(histogram.bin[::-1][best]))


def _interval(
    metric: Metric, histogram: ScoreHistogram, resamples: Sequence[ScoreHistogram], threshold: float
) -> Interval:
    if metric.differences:
        return interval_of_absolute_sum(
            metric.differences(histogram), np.array([metric.differences(one) for one in resamples])
        )
    interval = basic_interval if metric.is_largest_difference else percentile_interval
    return interval(metric.value(histogram, threshold), np.array([metric.value(one, threshold) for one in resamples]))


METRICS: dict[str, Metric] = {
    "auc": Metric(
        "AUC",
        "How often a customer with the outcome has a higher score than one without it; 0.5 is chance, 1 is perfect.",
        "higher",
        lambda histogram, _: measures.auc(histogram),
    ),
    "average_precision": Metric(
        "Average precision",
        "Share of customers with the outcome among those with the highest scores, averaged over all cut-offs; chance "
        "gives the overall share.",
        "higher",
        lambda histogram, _: measures.average_precision(histogram),
    ),
    "accuracy": Metric(
        "Accuracy",
        "Share of customers whose outcome is predicted rightly at a threshold of one half.",
        "higher",
        lambda histogram, _: measures.accuracy(histogram),
    ),
    "f1": Metric(
        "F1",
        "Harmonic mean of two shares at the chosen threshold: of those selected, who had the outcome; of those who had "
        "it, who was selected.",
        "higher",
        measures.f1,
    ),
    "log_loss": Metric(
        "Log loss",
        "How improbable the true outcomes were by the predictions; sure and wrong predictions cost most. 0 is perfect.",
        "lower",
        lambda histogram, _: measures.log_loss(histogram),
    ),
    "brier": Metric(
        "Brier score",
        "Mean squared difference of the probability and the outcome (0 or 1). 0 is perfect.",
        "lower",
        lambda histogram, _: measures.brier(histogram),
    ),
    "calibration_error": Metric(
        "Calibration error",
        "Mean difference of predicted probability and observed share over ten equal groups by score. With few "
        "customers chance alone gives some.",
        "lower",
        lambda histogram, _: measures.calibration_error(histogram),
        differences=measures.calibration_differences,
    ),
    "ks": Metric(
        "KS",
        "Largest gap between customers with and without the outcome: at the best cut-off, the share of the former "
        "above it minus the share of the latter.",
        "higher",
        lambda histogram, _: measures.ks(histogram),
        is_largest_difference=True,
    ),
    "top_decile_lift": Metric(
        "Lift of the top tenth",
        "How many times as frequent the outcome is in the tenth with the highest scores as among all; 1 is chance.",
        "higher",
        lambda histogram, _: measures.top_decile_lift(histogram),
    ),
}
