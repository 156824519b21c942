"""A number and how sure it is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float
