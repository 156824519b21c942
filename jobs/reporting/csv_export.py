"""Cells of the CSV tables beside the page."""

import math
from typing import Any

INTERVAL = ("value", "low", "high")  # columns of an interval
FORMULAS = ("=", "+", "-", "@")  # what a cell begins with that spreadsheets compute


def known(number: float) -> float | None:
    """The number, an empty cell where it is NaN."""
    return None if math.isnan(number) else number


def inert(value: Any) -> Any:
    """A text of the data that a spreadsheet takes neither for a formula, `=1+1` -> `'=1+1`, nor for a second row."""
    if not isinstance(value, str):
        return value
    line = value.replace("\r", " ").replace("\n", " ")
    return f"'{line}" if line.lstrip().startswith(FORMULAS) else line
