"""Measures of how good probabilities are, as functions of cells; NaN where one is not defined."""

import numpy as np

from models.arrays import Floats
from models.evaluation.histogram import TENTHS, Cells, first_bin_from, in_tenths

EVEN = 0.5


def auc(cells: Cells) -> float:
    """Area under the ROC curve."""
    return area_under_roc(cells.negatives, cells.positives)


def area_under_roc(negatives: Floats, positives: Floats) -> float:
    """Share of pairs of a positive and a negative that are in order, ties counting half; NaN without a pair.

    Args:
        negatives, positives: (scores,) counts, the lowest score first.

    Source: the Mann-Whitney form (Hanley & McNeil 1982).
    """
    below = np.cumsum(negatives) - negatives
    return _ratio(_dot(positives, below + negatives / 2), float(positives.sum() * negatives.sum()))


def average_precision(cells: Cells) -> float:
    """Precision at each score, weighted by the recall that it adds (scikit-learn's definition)."""
    hits, called = from_the_top(cells.positives), from_the_top(cells.rows)
    return _ratio(_dot(cells.positives[::-1], hits / np.maximum(called, 1)), float(cells.positives.sum()))


def accuracy(cells: Cells) -> float:
    """Share of customers on the right side of one half."""
    is_called = cells.bin >= first_bin_from(EVEN)
    right = cells.positives[is_called].sum() + cells.negatives[~is_called].sum()
    return _ratio(float(right), float(cells.rows.sum()))


def f1(cells: Cells, threshold: float) -> float:
    """Harmonic mean of precision and recall at the threshold, which is taken at the nearest edge of a bin."""
    is_called = cells.bin >= first_bin_from(threshold)
    hits = float(cells.positives[is_called].sum())
    return _ratio(2 * hits, float(cells.rows[is_called].sum() + cells.positives.sum()))


def log_loss(cells: Cells) -> float:
    """Mean of -log of the probability given to what happened, which is taken as 1e-15 at least."""
    total = _dot(cells.positives, cells.positive_loss) + _dot(cells.negatives, cells.negative_loss)
    return _ratio(total, float(cells.rows.sum()))


def brier(cells: Cells) -> float:
    """Mean squared difference of probability and label (Brier 1950), of the means per bin and label.

    That leaves out the variance of the probabilities in a bin, which is 6.3e-8 at most.
    """
    of_positives = _dot(cells.positives, (1 - cells.positive_probability) ** 2)
    of_negatives = _dot(cells.negatives, cells.negative_probability**2)
    return _ratio(of_positives + of_negatives, float(cells.rows.sum()))


def calibration_error(cells: Cells) -> float:
    """Mean absolute difference of mean probability and share of positives over ten groups of equal size by score.

    Source: Naeini et al. 2015, with the equal groups of Nguyen & O'Connor 2015.
    """
    return float(np.abs(calibration_differences(cells)).sum())


def calibration_differences(cells: Cells) -> Floats:
    """(10,) mean probability less share of positives in tenths of the customers by score, each divided by ten."""
    rows = cells.rows.sum()
    expected, positives = in_tenths(cells, cells.expected), in_tenths(cells, cells.positives)
    return (expected - positives) / rows if rows else np.full(TENTHS, np.nan)


def ks(cells: Cells) -> float:
    """Largest difference of the distribution functions of the scores of positives and negatives."""
    positives, negatives = np.cumsum(cells.positives), np.cumsum(cells.negatives)
    if not len(cells.bin) or not positives[-1] or not negatives[-1]:
        return np.nan
    return float(np.abs(positives / positives[-1] - negatives / negatives[-1]).max())


def top_decile_lift(cells: Cells) -> float:
    """Share of positives among the tenth with the highest scores, over that of all; part of a cell counts in part."""
    positives = in_tenths(cells, cells.positives)
    return _ratio(float(positives[-1]) * TENTHS, float(positives.sum()))


def from_the_top(counts: Floats) -> Floats:
    """(scores,) sums of all counts from the last, which has the highest score, down to each."""
    return np.cumsum(counts[::-1])


def _dot(some: Floats, others: Floats) -> float:
    """Their scalar product, without BLAS, whose threads take a hundred times as long where the cores are busy."""
    return float((some * others).sum())


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else np.nan
