"""95 % intervals from a value and its bootstrap resamples; the value is always inside."""

import numpy as np

from models.arrays import Floats
from models.evaluation.intervals import Interval

TAILS = (0.025, 0.975)
SURE_DEVIATIONS = 2.0  # standard deviations from which on a difference is taken as real


def percentile_interval(value: float, drawn: Floats) -> Interval:
    """The percentile interval: the middle 95 % of the resamples (Efron 1979).

    Args:
        value: NaN if it is not defined; then so is the interval.
        drawn: (replicates,) values of the resamples, NaN where one is not defined.
    """
    return _around(value, *_tails(drawn))


def basic_interval(value: float, drawn: Floats) -> Interval:
    """The basic interval: the percentile interval mirrored at the value (Davison & Hinkley 1997, section 5.2).

    It is for the largest of absolute differences between 0 and 1, which chance can only increase: resamples lie above
    the value as the value lies above the truth.
    """
    low, high = _tails(drawn)
    return _around(value, max(2 * value - high, 0.0), min(2 * value - low, 1.0))


def interval_of_absolute_sum(differences: Floats, drawn: Floats) -> Interval:
    """The interval of a sum of absolute differences, each of which may be due to chance alone.

    Chance increases the sum, and a resample increases it again. So for a perfectly calibrated model the percentile
    interval hardly ever covers the true error, 0, and the basic interval covers it every second time. Here the lower
    end counts a difference that is not sure as 0, as moment selection does (Andrews & Soares 2010), and the upper end
    counts all differences as they are. In simulations the interval covers the truth at least 94 times in 100.

    Args:
        differences: (terms,) all NaN if the sum is not defined.
        drawn: (replicates, terms) the same of the resamples.
    """
    chance = drawn - differences
    along = np.sign(differences) * chance
    is_sure = np.abs(differences) > SURE_DEVIATIONS * chance.std(axis=0)
    _, most_raised = _tails(np.where(is_sure, along, np.abs(chance)).sum(axis=1))
    most_lowered, _ = _tails(along.sum(axis=1))
    value = float(np.abs(differences).sum())
    return _around(value, max(value - most_raised, 0.0), min(value - most_lowered, 1.0))


def _tails(drawn: Floats) -> tuple[float, float]:
    defined = drawn[np.isfinite(drawn)]
    low, high = np.quantile(defined, TAILS) if len(defined) else (np.nan, np.nan)
    return float(low), float(high)


def _around(value: float, low: float, high: float) -> Interval:
    """The interval widened to hold the value; NaN if the value is NaN, the value alone if no resample is defined."""
    if np.isnan(value):
        return Interval(np.nan, np.nan, np.nan)
    return Interval(value, float(np.fmin(low, value)), float(np.fmax(high, value)))
