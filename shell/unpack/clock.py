"""One idea: a time as text, put on the clock of a zone."""

import re
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

TIME = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](?P<minute>[0-9]{2}:[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?P<fraction>[.,][0-9]+)?)?"
    r" ?(?P<offset>[Zz]|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)


def clock_of(name: str) -> tzinfo:
    """The zone of an IANA name. Raises KeyError, ValueError or OSError where there is none of that name."""
    return UTC if name == "UTC" else ZoneInfo(name)  # UTC is known even where no table of zones is installed


def on_clock(text: str, zone: tzinfo) -> str | None:
    """An ISO 8601 time as `YYYY-MM-DD HH:MM:SS`, with its fraction of a second as written; None: it is no such time.

    Without an offset it is on that clock already, even if the clock skips it or shows it twice, and stays as it is.
    """
    # The commonest shape stays as it came, whether it is a time or not.
    if len(text) == 19 and text[10] == " " and text[13] == text[16] == ":":
        return text
    found = TIME.fullmatch(text.strip())
    if not found:
        return None
    day, minute, second, fraction, offset = found.groups("")
    if offset.isalpha():  # Z, and the two names that are the same everywhere
        offset = "Z"
    try:
        time = datetime.fromisoformat(f"{day} {minute}:{second or '00'}{offset}")
        if offset:
            time = time.astimezone(zone)
    except (ValueError, OverflowError):  # 30 February, an offset of 25 hours, before the first year
        return None
    return str(time)[:19] + fraction.replace(",", ".")
