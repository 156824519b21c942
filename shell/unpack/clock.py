"""Converts times, given as text in a declared format, to the clock of a time zone.

python3 clock.py ZONE      exits with 0 if there is such a zone, otherwise with 2
"""

import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

TIME = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](?P<minute>[0-9]{2}:[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?P<fraction>[.,][0-9]+)?)?"
    r" ?(?P<offset>[Zz]|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)
EPOCHS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}  # microseconds of a unit
MOST_DIGITS = 18
WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
OF_FLOAT = re.compile(r"[+-]?[0-9]{1,18}(?:[.,][0-9]*)?(?:[eE]\+?[0-9]{1,2})?")
BLOCK_SECONDS = 900  # no clock was changed within a quarter of an hour since 1970, but at its beginning
EPOCH = datetime(1970, 1, 1)
MOST_REMEMBERED = 100_000

Convert = Callable[[str], str | None]


def clock_of(name: str) -> tzinfo:
    """The time zone of an IANA name. Raises KeyError, ValueError or OSError if there is no such zone."""
    return UTC if name == "UTC" else ZoneInfo(name)  # UTC works even if no table of zones is installed


def on_clock(text: str, zone: tzinfo, source: tzinfo | None = None) -> str | None:
    """An ISO 8601 time as `YYYY-MM-DD HH:MM:SS`, with its fraction of a second as written; None if it is not a time.

    A time without an offset is in the zone `source`. Where that is None, it is in the zone already and stays unchanged,
    even if the zone skips it or has it twice. A time from elsewhere, in an hour that the zone has twice, keeps the
    offset that the zone has then: `+02:00`.
    """
    # Text of the most frequent shape stays unchanged, whether it is a time or not.
    if source is None and len(text) == 19 and text[10] == " " and text[13] == text[16] == ":":
        return text
    found = TIME.fullmatch(text.strip())
    if not found:
        return None
    day, minute, second, fraction, offset = found.groups("")
    if offset.isalpha():  # Z, UTC and GMT mean the same
        offset = "Z"
    kept_offset = ""
    try:
        time = datetime.fromisoformat(f"{day} {minute}:{second or '00'}{offset}")
        if offset or source:
            time = (time if offset else time.replace(tzinfo=source)).astimezone(zone)
            kept_offset = offset_if_twice(time)
    except (ValueError, OverflowError):  # 30 February, an offset of 25 hours, before the first year
        return None
    return str(time)[:19] + fraction.replace(",", ".") + kept_offset


def offset_if_twice(time: datetime) -> str:
    """The offset of a time in an hour that its zone has twice, such as `+02:00`; empty in any other hour."""
    is_twice = time.utcoffset() != time.replace(fold=1 - time.fold).utcoffset()
    return str(time.replace(microsecond=0))[19:] if is_twice else ""


class EpochClock:
    """Converts units since 1970 in UTC to a zone's clock, by tables of quarters of an hour, days and seconds."""

    def __init__(self, unit: str, zone: tzinfo) -> None:
        self._per_second = 1_000_000 // EPOCHS[unit]
        self._digits = len(str(self._per_second)) - 1  # of a fraction of a second
        self._zone = zone
        self._blocks: dict[int, tuple[int, str]] = {}
        self._days: dict[int, str] = {}
        self._clocks: dict[int, str] = {}

    def __call__(self, text: str) -> str | None:
        """The time on the clock; None if the text is no number, or no time of the years 1 to 9999."""
        text = text.strip()
        if (text.isdigit() and text.isascii() and len(text) <= MOST_DIGITS) or WHOLE.fullmatch(text):
            return self.shown(int(text))
        if OF_FLOAT.fullmatch(text):
            from decimal import Decimal

            micros = int(Decimal(text.replace(",", ".")) * 1_000_000 / self._per_second)
            return self._shown(micros, 1_000_000, 6)
        return None

    def shown(self, units: int) -> str | None:
        """The time of a number of units; None if it is not in the years 1 to 9999."""
        return self._shown(units, self._per_second, self._digits)

    def _shown(self, units: int, per_second: int, digits: int) -> str | None:
        seconds, fraction = divmod(units, per_second)
        block = seconds // BLOCK_SECONDS
        try:
            offset, shown_offset = self._blocks.get(block) or self._block(block)
            day, second = divmod(seconds + offset, 86_400)
            date = self._days.get(day) or self._day(day)
        except (OverflowError, ValueError):
            return None
        shown = f".{fraction:0{digits}}".rstrip("0") if fraction else ""
        return f"{date} {self._clocks.get(second) or self._clock(second)}{shown}{shown_offset}"

    def _block(self, block: int) -> tuple[int, str]:
        if len(self._blocks) >= MOST_REMEMBERED:  # the times are no times
            self._blocks.clear()
            self._days.clear()
        time = datetime.fromtimestamp(block * BLOCK_SECONDS, UTC).astimezone(self._zone)
        offset = time.utcoffset() or timedelta()
        self._blocks[block] = int(offset.total_seconds()), offset_if_twice(time)
        return self._blocks[block]

    def _clock(self, second: int) -> str:
        self._clocks[second] = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
        return self._clocks[second]

    def _day(self, day: int) -> str:
        self._days[day] = str(EPOCH + timedelta(days=day))[:10]
        return self._days[day]


def strptime_clock(form: str, zone: tzinfo, source: tzinfo | None) -> Convert:
    """How to convert times in a format of strptime; in the zone `source` where they have no offset (None: `zone`)."""
    date_form, blank, time_form = form.partition(" ")
    if source is None and blank and _has_date_alone(date_form) and _has_clock_alone(time_form):
        return _by_parts(date_form, time_form)

    def convert(text: str) -> str | None:
        try:
            time = datetime.strptime(text.strip(), form)
            if time.tzinfo is None and source is None:
                return str(time)
            time = (time if time.tzinfo else time.replace(tzinfo=source)).astimezone(zone)
            return f"{str(time.replace(tzinfo=None))}{offset_if_twice(time)}"
        except (ValueError, OverflowError):
            return None

    return convert


def _directives(form: str) -> set[str]:
    return {found[-1] for found in re.findall(r"%.", form)}


def _has_date_alone(form: str) -> bool:
    return _directives(form) <= set("YymbBdj")


def _has_clock_alone(form: str) -> bool:
    return _directives(form) <= set("HMSfIp")


def _by_parts(date_form: str, time_form: str) -> Convert:
    """Converts dates and times of the day on their own: there are few of each, so that most are in a table."""
    dates: dict[str, str | None] = {}
    times: dict[str, str | None] = {}

    def convert(text: str) -> str | None:
        date, _, time = text.strip().partition(" ")
        if date not in dates:
            if len(dates) >= MOST_REMEMBERED:
                dates.clear()
            dates[date] = _parsed(date, date_form, 0, 10)
        if time not in times:
            if len(times) >= MOST_REMEMBERED:  # with fractions of a second there are many
                times.clear()
            times[time] = _parsed(time, time_form, 11, None)
        day, clock = dates[date], times[time]
        return f"{day} {clock}" if day and clock else None

    return convert


def _parsed(text: str, form: str, begin: int, end: int | None) -> str | None:
    try:
        return str(datetime.strptime(text.strip(), form))[begin:end]
    except ValueError:
        return None


def main(zone: str) -> int:
    """Whether there is a time zone of this name, as an exit code."""
    try:
        clock_of(zone)
    except (KeyError, ValueError, OSError):
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
