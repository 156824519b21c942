"""Compares an archive's new lines with those that it landed before, from their records.

    python3 compare.py OLD.record NEW.record

Prints what changed if the archive's bytes changed. Exit status 4 if the new version has lost lines: a day that the old
one has is missing, or has clearly fewer lines.
"""

import sys
from pathlib import Path

from landed import Landed, read_record

LEAST_SHARE = 0.95  # of the old lines of a day
MOST_DAYS = 3  # named


def lost_days(old: Landed, new: Landed) -> list[str]:
    """The days on which the new version has clearly fewer lines, in words."""
    now = new.records_by_day
    return [
        f"{day} has {now.get(day, 0)} of {before} lines"
        for day, before in sorted(old.records_by_day.items())
        if now.get(day, 0) < LEAST_SHARE * before
    ]


def main(old_file: str, new_file: str) -> int:
    """Say what changed; returns the exit code."""
    old, new = read_record(Path(old_file)), read_record(Path(new_file))
    if not old or not new or old.same_as or old.content == new.content or old.event != new.event:
        return 0
    lost = lost_days(old, new)
    if lost:
        more = f" and {len(lost) - MOST_DAYS} more days" if len(lost) > MOST_DAYS else ""
        print(f"{', '.join(lost[:MOST_DAYS])}{more}")
        return 4
    if old.content:  # records of earlier versions do not tell whether the bytes changed
        before, now = sum(old.records_by_day.values()), sum(new.records_by_day.values())
        print(f"{before} lines before, {now} lines now")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
