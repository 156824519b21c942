"""Reads the lists of the landing layer: the files of each event and day, checked against the disk."""

import csv
from collections import defaultdict
from dataclasses import dataclass

from conf.errors import InputError
from jobs.storage.backend import matching
from jobs.storage.location import Place

LANDED = frozenset({"unpacked", "earlier", "refused"})  # statuses of archives that have lines here: see unpack.sh
NO_EVENTS = frozenset({"blank", "count_line", "comment"})  # reasons to reject a line that is no event at all
REPAIR = "run shell/unpack.sh (or `encore unpack`) again"


@dataclass(frozen=True)
class LandedFile:
    """One text file of one event and day, as `days.csv` lists it."""

    event: str
    day: str
    path: Place
    archive: str
    records: int
    bytes: int
    checksum: str


def landed_files(landing: Place) -> dict[tuple[str, str], list[LandedFile]]:
    """The files of each (event, day). Raises InputError if the folder and its lists differ."""
    archives = {row["archive"]: row for row in landed_archives(landing)}
    days: dict[tuple[str, str], list[LandedFile]] = defaultdict(list)
    for row in read_rows(landing / "days.csv"):
        file = LandedFile(
            event=row["event"],
            day=row["date"],
            path=landing / row["file"],
            archive=row["archive"],
            records=int(row["records"]),
            bytes=int(row["bytes"]),
            checksum=archives.get(row["archive"], {}).get("checksum", ""),
        )
        days[(file.event, file.day)].append(file)
    listed = {file.path: file.bytes for files in days.values() for file in files}
    found = {path: path.stat().st_size for path in matching(landing, "*/date=*/*") if path.is_file()}
    for path in sorted(listed.keys() | found.keys()):
        if listed.get(path) != found.get(path):
            raise InputError(f"{path}: this file differs from its entry in {landing / 'days.csv'}; {REPAIR}")
    return days


def landed_archives(landing: Place) -> list[dict[str, str]]:
    """The rows of `manifest.csv` of archives that have lines in the landing layer."""
    return [row for row in read_rows(landing / "manifest.csv") if row["status"] in LANDED]


def sample_rate(landing: Place) -> float:
    """The share of customers in the landing layer. Raises InputError if archives have different shares."""
    rates = {row["sample"] for row in landed_archives(landing)}
    if len(rates) != 1:
        problem = (
            f"archives were unpacked with different samples ({', '.join(sorted(rates))})"
            if rates
            else "no archive was unpacked"
        )
        raise InputError(f"{landing}: {problem}; empty the folder and {REPAIR}")
    return float(rates.pop())


def read_rows(path: Place) -> list[dict[str, str]]:
    """The rows of a small CSV file. Raises InputError if it is missing."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError:
        raise InputError(f"{path}: the list of unpacked archives is missing; {REPAIR}") from None
