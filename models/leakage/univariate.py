"""The AUC of one feature alone, from counts of its values."""

from typing import Literal

import numpy as np

from models.arrays import Floats, Ints
from models.evaluation.intervals import NORMAL_95, Interval
from models.leakage.value_counts import ValueCounts

Direction = Literal["higher", "lower"]


def auc_of_numbers(values: ValueCounts) -> tuple[Interval, Direction]:
    """The AUC of the values, and its direction; null counts as lowest or highest, whichever separates more."""
    negatives, positives = values.negatives, values.positives
    orders = [auc_of_counts(negatives, positives)]
    if values.is_null.any():
        orders.append(auc_of_counts(np.roll(negatives, 1), np.roll(positives, 1)))
    auc = max(orders, key=lambda one: abs(one.value - 0.5))
    return (auc, "higher") if not auc.value < 0.5 else (_turned(auc), "lower")


def auc_of_levels(values: ValueCounts) -> Interval:
    """The AUC of the levels, with null as a level, in the order of their shares of label 1."""
    order = np.argsort(values.positives / (values.negatives + values.positives), kind="stable")
    return auc_of_counts(values.negatives[order], values.positives[order])


def of_customers(auc: Interval, rows_per_customer: float) -> Interval:
    """The AUC of rows with the interval of that many times fewer, as if all rows of a customer said the same."""
    if rows_per_customer == 1:
        return auc
    wider = np.sqrt(rows_per_customer)
    low, high = (auc.value + wider * (end - auc.value) for end in (auc.low, auc.high))
    return Interval(auc.value, float(np.maximum(low, 0)), float(np.minimum(high, 1)))


def _turned(auc: Interval) -> Interval:
    return Interval(1 - auc.value, 1 - auc.high, 1 - auc.low)


def auc_of_counts(negatives: Ints, positives: Ints) -> Interval:
    """The share of pairs of a positive and a negative in the right order, ties counting half, with 95 % interval.

    Args:
        negatives, positives: (values,) counts, the lowest value first.

    Returns:
        NaN without a pair; without two of each label the ends are NaN.

    Source: DeLong, DeLong & Clarke-Pearson (1988).
    """
    all_negatives, all_positives = negatives.sum(), positives.sum()
    if not all_negatives or not all_positives:
        return Interval(np.nan, np.nan, np.nan)
    below = (np.cumsum(negatives) - negatives / 2) / all_negatives
    above = 1 - (np.cumsum(positives) - positives / 2) / all_positives
    value = float((positives * below).sum() / all_positives)
    reach = NORMAL_95 * np.sqrt(_variance_of_mean(below, positives) + _variance_of_mean(above, negatives))
    return Interval(value, float(np.maximum(value - reach, 0)), float(np.minimum(value + reach, 1)))


def _variance_of_mean(component: Floats, counts: Ints) -> float:
    """The variance of a mean over `counts` of each value; NaN for fewer than two rows."""
    rows = counts.sum()
    mean = (counts * component).sum() / rows
    return float((counts * (component - mean) ** 2).sum() / (rows - 1) / rows) if rows > 1 else np.nan
