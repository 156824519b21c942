"""How times are written: ISO 8601, an epoch, or a format of strptime, with day and month told apart by their values."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?"
    r" ?(?:[Zz]|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
OFFSET = re.compile(r".*[0-9] ?(?:[Zz]|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)")
PARTS = re.compile(
    r"([0-9]{1,4})([./-])([0-9]{1,2})\2([0-9]{1,4})"
    r"(?:([Tt ]| ?, ?| - )([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(\.[0-9]{1,6})?)?( ?)([AaPp][Mm])?)?"
)
CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?( ?)([AaPp][Mm])?")
COMPACT = re.compile(r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])")
WHOLE = re.compile(r"[0-9]{9,17}(?:\.[0-9]+)?")
EPOCHS = {"epoch_s": 1, "epoch_ms": 1_000, "epoch_us": 1_000_000}
FIRST, LAST = datetime(1995, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
NAMED = (  # formats with names of months, or of Apache
    "%d-%b-%Y", "%d-%b-%Y %H:%M", "%d-%b-%Y %H:%M:%S", "%d %b %Y", "%d %b %Y %H:%M", "%d %b %Y %H:%M:%S", "%d %B %Y",
    "%b %d, %Y", "%b %d, %Y %H:%M", "%b %d, %Y %I:%M %p", "%B %d, %Y", "%B %d, %Y %H:%M", "%d/%b/%Y:%H:%M:%S %z",
    "%a, %d %b %Y %H:%M:%S %z", "%a %b %d %H:%M:%S %Y", "%Y%m%d%H%M%S", "%Y%m%d %H:%M:%S", "%Y%m%dT%H%M%S",
)  # fmt: skip
ENOUGH = 0.9  # of the texts must be such a time
LOOKED_AT = 5_000


@dataclass(frozen=True)
class TimeFormat:
    """How the texts of a column are times.

    format: `iso`, `epoch_s`, `epoch_ms`, `epoch_us`, or a format of strptime.
    is_guess: whether day and month may be the other way round, since no value is above 12.
    example: a text that decided; why: what it decided.
    has_clock: whether it has hours and not a day alone. has_offset: whether the texts say their offset from UTC.
    """

    format: str
    example: str
    why: str = ""
    is_guess: bool = False
    has_clock: bool = True
    has_offset: bool = False

    @property
    def is_epoch(self) -> bool:
        """Whether it counts from 1970 in UTC."""
        return self.format in EPOCHS


def time_format(texts: Sequence[str], may_be_number: bool = True) -> TimeFormat | None:
    """How texts are times; None where they are none.

    Args:
        may_be_number: whether a number may count from 1970, which the name of the column decides.
    """
    shown = texts[:LOOKED_AT]
    if not shown:
        return None
    if _share(shown, lambda text: bool(ISO.fullmatch(text))) >= ENOUGH:
        first = next(text for text in shown if ISO.fullmatch(text))
        offset = _share(shown, lambda text: len(text) > 10 and bool(OFFSET.fullmatch(text))) > 0
        return TimeFormat("iso", first, has_clock=len(first) > 10, has_offset=offset)
    if _share(shown, lambda text: bool(COMPACT.fullmatch(text))) >= ENOUGH and may_be_number:
        return TimeFormat("%Y%m%d", shown[0], has_clock=False)
    if _share(shown, lambda text: bool(WHOLE.fullmatch(text))) >= ENOUGH and may_be_number:
        return _epoch(shown)
    if _share(shown, lambda text: bool(PARTS.fullmatch(text))) >= ENOUGH:
        return _of_parts([found for text in shown if (found := PARTS.fullmatch(text))])
    for named in NAMED:
        parses = partial(_parses, format=named)
        if any(map(parses, shown[:5])) and _share(shown[:200], parses) >= ENOUGH:
            has_clock = "%H" in named or "%I" in named
            return TimeFormat(named, shown[0], has_clock=has_clock, has_offset="%z" in named)
    return None


def clock_format(texts: Sequence[str]) -> str:
    """The format of times of day without a date; empty where texts are none."""
    shown = texts[:LOOKED_AT]
    found = [match for text in shown if (match := CLOCK.fullmatch(text))]
    if not shown or len(found) < ENOUGH * len(shown):
        return ""
    return _clock(found[0][3], found[0][4], found[0][5])


def instant(text: str, format: str) -> datetime | None:
    """The time that a text is; None where it is none. Times without an offset are taken as they are."""
    try:
        if format in EPOCHS:
            return datetime(1970, 1, 1) + timedelta(seconds=float(text) / EPOCHS[format])
        if format == "iso":
            plain = ISO.fullmatch(text)
            return datetime.fromisoformat(text[:19].upper().replace(" ", "T")) if plain else None
        return datetime.strptime(text, format).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


def _share(texts: Sequence[str], holds: Callable[[str], bool]) -> float:
    return sum(map(holds, texts)) / len(texts)


def _parses(text: str, format: str) -> bool:
    moment = instant(text, format)
    return moment is not None and FIRST.year - 50 <= moment.year <= LAST.year  # `1538352117` is no day of 1538


def _epoch(texts: Sequence[str]) -> TimeFormat | None:
    numbers = [float(text) for text in texts if WHOLE.fullmatch(text)]
    for name, unit in EPOCHS.items():
        if all(FIRST.timestamp() <= number / unit <= LAST.timestamp() for number in numbers):
            first = datetime.fromtimestamp(numbers[0] / unit, UTC)
            return TimeFormat(name, texts[0], f"it is {first:%Y-%m-%d %H:%M} in UTC", has_offset=True)
    return None


def _clock(seconds: str | None, blank: str, half: str | None) -> str:
    hours = "%I:%M" if half else "%H:%M"
    return hours + (":%S" if seconds else "") + (f"{blank}%p" if half else "")


def _of_parts(found: Sequence["re.Match[str]"]) -> TimeFormat:
    """The format of dates with a separator: the order of day and month from the values above 12."""
    first, mark, last = found[0], found[0][2], len(found[0][4])
    behind = f"{first[5]}{_clock(first[8], first[10], first[11])}" if first[5] else ""
    if first[9]:
        behind = behind.replace("%S", "%S.%f")
    if len(first[1]) == 4:
        return TimeFormat(f"%Y{mark}%m{mark}%d{behind}", first[0], has_clock=bool(first[5]))
    year = "%Y" if last == 4 else "%y"
    day_first, month_first = f"%d{mark}%m{mark}{year}{behind}", f"%m{mark}%d{mark}{year}{behind}"
    fronts = [one[0] for one in found if int(one[1]) > 12]
    backs = [one[0] for one in found if int(one[3]) > 12]
    has_clock = bool(first[5])
    if fronts or backs:
        is_day = len(fronts) >= len(backs)
        both = f"; but {(backs if is_day else fronts)[0]} has the other order" if fronts and backs else ""
        why = f"the {'day' if is_day else 'month'} is first{both}"
        format, example = (day_first, fronts[0]) if is_day else (month_first, backs[0])
        return TimeFormat(format, example, why, bool(both), has_clock)
    if mark == ".":
        return TimeFormat(day_first, first[0], "dates with points begin with the day", has_clock=has_clock)
    texts = [one[0] for one in found]
    shorter = min((day_first, month_first), key=lambda format: _span_days(texts, format))
    return TimeFormat(shorter, first[0], "no value above 12 tells day and month apart", True, has_clock)


def _span_days(texts: Sequence[str], format: str) -> int:
    """The days from the first to the last time: logs are more likely of days that are next to each other."""
    moments = [moment for text in texts if (moment := instant(text, format))]
    return (max(moments) - min(moments)).days if moments else 0
