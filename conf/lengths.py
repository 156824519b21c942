"""Lengths of time in days, which a service may also give by name: `4 weeks`, `3 months`, `2 years`."""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

LENGTH = re.compile(r" *([0-9]{1,5}) *(day|week|month|year)s? *")
MOST_DAYS = 36_500  # 100 years: such a window begins at a valid date


def days_of(value: object) -> object:
    """The days of a length such as `4 weeks`; a value that is no text as it is.

    A week has 7 days. A year has 365.25 days and a month a twelfth of it, rounded, and half a day is dropped: 3 months
    are 91 days, 6 months 183, 12 months and 1 year 365, 2 years 730.

    Raises:
        ValueError: the text is not a length.
    """
    if not isinstance(value, str):
        return value
    found = LENGTH.fullmatch(value)
    if not found:
        raise ValueError("Input should be a valid integer, a number of days, or a length such as 4 weeks or 3 months")
    number, unit = int(found[1]), found[2]
    if unit in ("day", "week"):
        return number * (7 if unit == "week" else 1)
    months = number * (12 if unit == "year" else 1)
    return (months * 487 + 7) // 16  # a month has 365.25 / 12 = 487 / 16 days


Days = Annotated[int, Field(gt=0, le=MOST_DAYS, json_schema_extra={"format": "days"}), BeforeValidator(days_of)]
DaysOrNone = Annotated[int, Field(ge=0, le=MOST_DAYS, json_schema_extra={"format": "days"}), BeforeValidator(days_of)]


def period(days: int) -> str:
    """A length of time in words: `a year`, `two years`, else its days."""
    return {365: "a year", 366: "a year", 730: "two years", 731: "two years"}.get(days, f"{days} days")
