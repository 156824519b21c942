"""Measures of probabilities as functions of a score histogram; NaN if a measure is not defined."""

import numpy as np

from models.arrays import Floats
from models.evaluation.histogram import TENTHS, ScoreHistogram, first_bin_from, in_tenths

EVEN = 0.5


def auc(histogram: ScoreHistogram) -> float:
    """Area under the ROC curve."""
    return area_under_roc(histogram.negatives, histogram.positives)


def area_under_roc(negatives: Floats, positives: Floats) -> float:
    """The share of pairs of a positive and a negative in the right order, ties counting half; NaN without a pair.

    Args:
        negatives, positives: (scores,) counts, the lowest score first.

    Source: the Mann-Whitney statistic (Hanley & McNeil 1982).
    """
    below = np.cumsum(negatives) - negatives
    return _ratio(_dot(positives, below + negatives / 2), float(positives.sum() * negatives.sum()))


def average_precision(histogram: ScoreHistogram) -> float:
    """Mean of the precision at each score, weighted by the recall that it adds (as in scikit-learn)."""
    hits, called = from_the_top(histogram.positives), from_the_top(histogram.rows)
    return _ratio(_dot(histogram.positives[::-1], hits / np.maximum(called, 1)), float(histogram.positives.sum()))


def accuracy(histogram: ScoreHistogram) -> float:
    """Share of customers whose label is predicted rightly at a threshold of one half."""
    is_called = histogram.bin >= first_bin_from(EVEN)
    right = histogram.positives[is_called].sum() + histogram.negatives[~is_called].sum()
    return _ratio(float(right), float(histogram.rows.sum()))


def f1(histogram: ScoreHistogram, threshold: float) -> float:
    """Harmonic mean of precision and recall at the edge of a bin nearest to the threshold."""
    is_called = histogram.bin >= first_bin_from(threshold)
    hits = float(histogram.positives[is_called].sum())
    return _ratio(2 * hits, float(histogram.rows[is_called].sum() + histogram.positives.sum()))


def log_loss(histogram: ScoreHistogram) -> float:
    """Mean of -log of the probability of the true label, which counts as at least 1e-15."""
    total = _dot(histogram.positives, histogram.positive_loss) + _dot(histogram.negatives, histogram.negative_loss)
    return _ratio(total, float(histogram.rows.sum()))


def brier(histogram: ScoreHistogram) -> float:
    """Mean squared difference of probability and label (Brier 1950), from the mean probability per bin and label.

    This ignores the variance of the probabilities in a bin, which is at most 6.3e-8.
    """
    of_positives = _dot(histogram.positives, (1 - histogram.positive_probability) ** 2)
    of_negatives = _dot(histogram.negatives, histogram.negative_probability**2)
    return _ratio(of_positives + of_negatives, float(histogram.rows.sum()))


def calibration_error(histogram: ScoreHistogram) -> float:
    """Mean absolute difference of mean probability and share of positives in tenths of the customers by score.

    Source: Naeini et al. 2015, with the equal groups of Nguyen & O'Connor 2015.
    """
    return float(np.abs(calibration_differences(histogram)).sum())


def calibration_differences(histogram: ScoreHistogram) -> Floats:
    """(10,) mean probability minus share of positives in tenths of the customers by score, each divided by ten."""
    rows = histogram.rows.sum()
    expected, positives = in_tenths(histogram, histogram.expected), in_tenths(histogram, histogram.positives)
    return (expected - positives) / rows if rows else np.full(TENTHS, np.nan)


def ks(histogram: ScoreHistogram) -> float:
    """Kolmogorov-Smirnov: the largest difference of the score distributions of positives and negatives."""
    positives, negatives = np.cumsum(histogram.positives), np.cumsum(histogram.negatives)
    if not len(histogram.bin) or not positives[-1] or not negatives[-1]:
        return np.nan
    return float(np.abs(positives / positives[-1] - negatives / negatives[-1]).max())


def top_decile_lift(histogram: ScoreHistogram) -> float:
    """Share of positives in the tenth with the highest scores, divided by the share of positives of all."""
    positives = in_tenths(histogram, histogram.positives)
    return _ratio(float(positives[-1]) * TENTHS, float(positives.sum()))


def from_the_top(counts: Floats) -> Floats:
    """(scores,) cumulative sums of the counts from the highest score, which is the last, down."""
    return np.cumsum(counts[::-1])


def _dot(some: Floats, others: Floats) -> float:
    """The scalar product, without BLAS, whose threads are a hundred times as slow while the cores are busy."""
    return float((some * others).sum())


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else np.nan
