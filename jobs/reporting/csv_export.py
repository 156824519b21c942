"""Cells of the CSV tables beside the page."""

import math

INTERVAL = ("value", "low", "high")  # columns of an interval


def known(number: float) -> float | None:
    """The number, an empty cell where it is NaN."""
    return None if math.isnan(number) else number
