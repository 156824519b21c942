"""Measures of how good probabilities are, as functions of cells; NaN where one is not defined."""

import numpy as np

from models.arrays import Floats
from models.evaluation.histogram import TENTHS, ScoreHistogram, first_bin_from, in_tenths

EVEN = 0.5


def auc(histogram: ScoreHistogram) -> float:
    """Area under the ROC curve."""
    return area_under_roc(histogram.negatives, histogram.positives)


def area_under_roc(negatives: Floats, positives: Floats) -> float:
    """Share of pairs of a positive and a negative that are in order, ties counting half; NaN without a pair.

    Args:
        negatives, positives: (scores,) counts, the lowest score first.

    Source: the Mann-Whitney form (Hanley & McNeil 1982).
    """
    below = np.cumsum(negatives) - negatives
    return _ratio(_dot(positives, below + negatives / 2), float(positives.sum() * negatives.sum()))


def average_precision(histogram: ScoreHistogram) -> float:
    """Precision at each score, weighted by the recall that it adds (scikit-learn's definition)."""
    hits, called = from_the_top(histogram.positives), from_the_top(histogram.rows)
    return _ratio(_dot(histogram.positives[::-1], hits / np.maximum(called, 1)), float(histogram.positives.sum()))


def accuracy(histogram: ScoreHistogram) -> float:
    """Share of customers on the right side of one half."""
    is_called = histogram.bin >= first_bin_from(EVEN)
    right = histogram.positives[is_called].sum() + histogram.negatives[~is_called].sum()
    return _ratio(float(right), float(histogram.rows.sum()))


def f1(histogram: ScoreHistogram, threshold: float) -> float:
    """Harmonic mean of precision and recall at the threshold, which is taken at the nearest edge of a bin."""
    is_called = histogram.bin >= first_bin_from(threshold)
    hits = float(histogram.positives[is_called].sum())
    return _ratio(2 * hits, float(histogram.rows[is_called].sum() + histogram.positives.sum()))


def log_loss(histogram: ScoreHistogram) -> float:
    """Mean of -log of the probability given to what happened, which is taken as 1e-15 at least."""
    total = _dot(histogram.positives, histogram.positive_loss) + _dot(histogram.negatives, histogram.negative_loss)
    return _ratio(total, float(histogram.rows.sum()))


def brier(histogram: ScoreHistogram) -> float:
    """Mean squared difference of probability and label (Brier 1950), of the means per bin and label.

    That leaves out the variance of the probabilities in a bin, which is 6.3e-8 at most.
    """
    of_positives = _dot(histogram.positives, (1 - histogram.positive_probability) ** 2)
    of_negatives = _dot(histogram.negatives, histogram.negative_probability**2)
    return _ratio(of_positives + of_negatives, float(histogram.rows.sum()))


def calibration_error(histogram: ScoreHistogram) -> float:
    """Mean absolute difference of mean probability and share of positives over ten groups of equal size by score.

    Source: Naeini et al. 2015, with the equal groups of Nguyen & O'Connor 2015.
    """
    return float(np.abs(calibration_differences(histogram)).sum())


def calibration_differences(histogram: ScoreHistogram) -> Floats:
    """(10,) mean probability less share of positives in tenths of the customers by score, each divided by ten."""
    rows = histogram.rows.sum()
    expected, positives = in_tenths(histogram, histogram.expected), in_tenths(histogram, histogram.positives)
    return (expected - positives) / rows if rows else np.full(TENTHS, np.nan)


def ks(histogram: ScoreHistogram) -> float:
    """Largest difference of the distribution functions of the scores of positives and negatives."""
    positives, negatives = np.cumsum(histogram.positives), np.cumsum(histogram.negatives)
    if not len(histogram.bin) or not positives[-1] or not negatives[-1]:
        return np.nan
    return float(np.abs(positives / positives[-1] - negatives / negatives[-1]).max())


def top_decile_lift(histogram: ScoreHistogram) -> float:
    """Share of positives among the tenth with the highest scores, over that of all; part of a cell counts in part."""
    positives = in_tenths(histogram, histogram.positives)
    return _ratio(float(positives[-1]) * TENTHS, float(positives.sum()))


def from_the_top(counts: Floats) -> Floats:
    """(scores,) sums of all counts from the last, which has the highest score, down to each."""
    return np.cumsum(counts[::-1])


def _dot(some: Floats, others: Floats) -> float:
    """Their scalar product, without BLAS, whose threads take a hundred times as long where the cores are busy."""
    return float((some * others).sum())


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else np.nan
