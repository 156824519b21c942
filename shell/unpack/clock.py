"""Converts a time, given as text, to a time zone.

python3 clock.py ZONE      exits with 0 if there is such a zone, otherwise with 2
"""

import re
import sys
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

TIME = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](?P<minute>[0-9]{2}:[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?P<fraction>[.,][0-9]+)?)?"
    r" ?(?P<offset>[Zz]|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)


def clock_of(name: str) -> tzinfo:
    """The time zone of an IANA name. Raises KeyError, ValueError or OSError if there is no such zone."""
    return UTC if name == "UTC" else ZoneInfo(name)  # UTC works even if no table of zones is installed


def on_clock(text: str, zone: tzinfo) -> str | None:
    """An ISO 8601 time as `YYYY-MM-DD HH:MM:SS`, with its fraction of a second as written; None if it is not a time.

    A time without an offset is in the zone already and stays unchanged, even if the zone skips it or has it twice. A
    time with an offset, in an hour that the zone has twice, keeps the offset that the zone has then: `+02:00`.
    """
    # Text of the most frequent shape stays unchanged, whether it is a time or not.
    if len(text) == 19 and text[10] == " " and text[13] == text[16] == ":":
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
        if offset:
            time = time.astimezone(zone)
            is_twice = time.utcoffset() != time.replace(fold=1 - time.fold).utcoffset()
            kept_offset = str(time)[19:] if is_twice else ""
    except (ValueError, OverflowError):  # 30 February, an offset of 25 hours, before the first year
        return None
    return str(time)[:19] + fraction.replace(",", ".") + kept_offset


def main(zone: str) -> int:
    """Whether there is a time zone of this name, as an exit code."""
    try:
        clock_of(zone)
    except (KeyError, ValueError, OSError):
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
