"""A number and how sure it is."""

from dataclasses import dataclass

NORMAL_95 = 1.959964  # a normal variable lies this many deviations around its mean in 95 of 100 cases


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float
