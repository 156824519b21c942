"""Numbers and names as people read them, on the page and in its figures."""

import math
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from conf.words import in_words
from models.evaluation.intervals import Interval

NOTHING = "–"
UNBREAKABLE = "\u00a0"
MINUS = "\u2212"


def count(value: float | None) -> str:
    """12345 -> '12,345'; None -> a dash."""
    return NOTHING if value is None else f"{value:,.0f}"


def short_count(value: float) -> str:
    """At most four characters: 712 -> '712', 71234 -> '71k', 1234567 -> '1.2M'."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= 0.9995 * size:
            scaled = value / size
            return f"{scaled:.1f}{letter}" if scaled < 9.95 else f"{scaled:.0f}{letter}"
    return f"{value:.0f}"


def percent(share: float | None) -> str:
    """0.5739 -> '57.4 %'. A share above 0 and below 1 is never shown as 0 or 100."""
    if share is None or math.isnan(share):
        return NOTHING
    shown = f"{100 * share:.1f}"
    if shown == "0.0" and share > 0:
        shown = "<\u20090.1"
    elif shown == "100.0" and share < 1:
        shown = ">\u200999.9"
    return f"{shown}{UNBREAKABLE}%"


def fixed(value: float | None, decimals: int = 3) -> str:
    """-0.81688 -> '−0.817'; None or NaN -> a dash. What rounds to 0 has no sign."""
    if value is None or math.isnan(value):
        return NOTHING
    shown = f"{value:,.{decimals}f}"
    return shown.lstrip("-") if not float(shown.replace(",", "")) else shown.replace("-", MINUS)


def signed(value: float | None, decimals: int = 3) -> str:
    """0.5 -> '+0.500', -0.5 -> '−0.500'."""
    shown = fixed(value, decimals)
    return shown if value is None or math.isnan(value) or value <= 0 else f"+{shown}"


def span(interval: Interval | None, decimals: int = 3) -> str:
    """The ends of an interval: '0.905 to 0.919'; nothing where they are not known."""
    if interval is None or math.isnan(interval.low) or math.isnan(interval.high):
        return ""
    return f"{fixed(interval.low, decimals)}{UNBREAKABLE}to{UNBREAKABLE}{fixed(interval.high, decimals)}"


def money(amount: float | None, currency: str, decimals: int | None = None) -> str:
    """12345.6 -> '12,346 EUR', 1.5 -> '1.50 EUR': by default small amounts have two decimals."""
    if amount is None or math.isnan(amount):
        return NOTHING
    is_whole = abs(amount) >= 100 or amount == round(amount)
    return f"{fixed(amount, (0 if is_whole else 2) if decimals is None else decimals)}{UNBREAKABLE}{currency}"


def brief(meaning: str) -> str:
    """'Days since the last visit (1: the day before)' -> 'Days since the last visit'."""
    return meaning.partition(" (")[0]


def settings(params: Mapping[str, Any]) -> str:
    """{'depth': 5, 'rounds': 50} -> 'depth 5, rounds 50'."""
    return ", ".join(f"{in_words(name)}{UNBREAKABLE}{value}" for name, value in params.items()) or NOTHING


def plural(number: int, one: str, many: str = "") -> str:
    """(1, 'day') -> '1 day', (1200, 'day') -> '1,200 days'."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def spans(days: list[date]) -> list[str]:
    """Sorted days as runs: three days in a row -> '2017-04-01 to 2017-04-03'."""
    runs: list[tuple[date, date]] = []
    for day in days:
        if runs and day - runs[-1][1] == timedelta(days=1):
            runs[-1] = (runs[-1][0], day)
        else:
            runs.append((day, day))
    return [f"{first}" if first == last else f"{first} to {last}" for first, last in runs]


FILTERS: dict[str, Callable[..., str]] = {
    "brief": brief,
    "count": count,
    "fixed": fixed,
    "money": money,
    "percent": percent,
    "settings": settings,
    "signed": signed,
    "span": span,
    "words": in_words,
}
