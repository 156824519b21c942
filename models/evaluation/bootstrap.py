"""95 % intervals from a value and what resamples gave in its place; the value always lies inside."""

import numpy as np

from models.arrays import Floats
from models.evaluation.intervals import Interval

TAILS = (0.025, 0.975)
SURE_DEVIATIONS = 2.0  # standard deviations at which a difference is taken to be there


def percentile_interval(value: float, drawn: Floats) -> Interval:
    """The middle 95 % of the resamples (Efron 1979).

    Args:
        value: NaN where it is not defined; so is the interval then.
        drawn: (replicates,) values of resamples, NaN where it is not defined in one.
    """
    return _around(value, *_tails(drawn))


def basic_interval(value: float, drawn: Floats) -> Interval:
    """The percentile interval mirrored at the value, within 0 and 1 (Davison & Hinkley 1997, section 5.2).

    For the largest of absolute differences, which chance only makes larger: resamples lie above the value as the value
    lies above the truth.
    """
    low, high = _tails(drawn)
    return _around(value, max(2 * value - high, 0.0), min(2 * value - low, 1.0))


def interval_of_absolute_sum(differences: Floats, drawn: Floats) -> Interval:
    """The interval of the sum of absolute differences, each of which may be nothing but chance.

    Chance makes the sum larger, and in a resample once more, so that the percentile interval of a perfectly calibrated
    model hardly ever holds the true error, 0, and the basic one every second time. So the lower end takes a difference
    that is not sure for none, as moment selection does (Andrews & Soares 2010), and the upper end takes all as they
    are; in simulations it holds the truth 94 times in 100 and more.

    Args:
        differences: (parts,) all NaN where the sum is not defined.
        drawn: (replicates, parts) the same of resamples.
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
    """Not defined where the value is not; no wider than the value where no resample was defined."""
    if np.isnan(value):
        return Interval(np.nan, np.nan, np.nan)
    return Interval(value, float(np.fmin(low, value)), float(np.fmax(high, value)))
