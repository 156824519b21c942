"""A number and its 95 % interval."""

import math
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator

NORMAL_95 = 1.959964  # a normal variable lies within this many standard deviations of its mean in 95 of 100 cases
# JSON has no NaN: records hold null in its place, which pydantic reads as NaN where a field is declared as Number.
Number = Annotated[float, BeforeValidator(lambda value: math.nan if value is None else value)]


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval; NaN where it is not defined."""

    value: Number
    low: Number
    high: Number
