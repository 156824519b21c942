"""What the logs do not cover, in words: days that were set aside, uncertain labels, thin observations."""

from datetime import date

from features.windows import Moment
from jobs.formatting import plural, spans
from jobs.logs.coverage import LogCoverage
from jobs.storage.landing import read_rows
from jobs.storage.location import Place

MOST = 5  # days, spans or files that are named


def set_aside(root: Place, coverage: LogCoverage) -> list[str]:
    """A line for each day outside the logs, with the files and lines of its events, and one for the rest.

    root: the data folder.
    """
    logs, days = coverage.logs, coverage.found.set_aside
    if not days:
        return []
    events = sum(sum(coverage.events(day).values()) for day in days)
    first = (
        f"set aside: {plural(events, 'event')} on {plural(len(days), 'day')} outside the logs, which go from "
        f"{logs.start} to {logs.dates()[-1]}: no window reaches there, and no feature or label counts them"
    )
    lines = [f"set aside: {day}, {_events(coverage, day)}; {_where(root, day)}" for day in days[:MOST]]
    more = [f"set aside: {plural(len(days) - MOST, 'day')} more; see {root / 'landing' / 'days.csv'}"]
    return [first, *lines, *(more if len(days) > MOST else [])]


def caveats(coverage: LogCoverage, moment: Moment) -> list[str]:
    """A line if the labels of a moment are uncertain, and one if its observation is thin."""
    found, thin = [], coverage.thin_days(moment)
    if coverage.status(moment) == "uncertain":
        kinds, lacking = ", ".join(coverage.service.label_events), coverage.uncovered(moment)
        found.append(
            f"as of {moment.as_of}: no label, since logs that it reads ({kinds}) are missing on "
            f"{plural(len(lacking), 'day')} of the outcome ({some_days(lacking)}). Unpack them, or declare these days: "
            f"coverage: {{closed: [...], tolerated_missing_days: {len(lacking)}}}"
        )
    if not coverage.is_enough(thin):
        found.append(
            f"as of {moment.as_of}: features are thin, since logs are missing on {plural(len(thin), 'day')} of the "
            f"observation ({some_days(thin)})"
        )
    return found


def some_days(days: list[date]) -> str:
    """The first few runs of days, and how many more there are."""
    runs = spans(days)
    return ", ".join(runs[:MOST]) + (f" and {len(runs) - MOST} more" if len(runs) > MOST else "")


def _events(coverage: LogCoverage, day: date) -> str:
    """The events of a day, and why they are not of the logs where the day is next to them."""
    counted = ", ".join(f"{events:,} {kind}" for kind, events in coverage.events(day).items())
    is_next = (day - coverage.logs.end).days in range(7)
    return f"{counted}{' (less than half of a usual day: delivered in part?)' if is_next else ''}"


def _where(root: Place, day: date) -> str:
    """The landed files of a day with their lines, and the archives that they came from."""
    landing = root / "landing"
    listed = landing / "days.csv"
    rows = [row for row in read_rows(listed) if row["date"] == str(day)] if listed.is_file() else []
    if not rows:
        return f"look at {root / 'events'}"
    files = [f"{landing / row['file']} {_lines(int(row['records']))} (from {row['archive']})" for row in rows]
    return f"look at {', '.join(files[:MOST])}{f' and {len(files) - MOST} more' if len(files) > MOST else ''}"


def _lines(number: int) -> str:
    return "line 1" if number == 1 else f"lines 1 to {number}"
