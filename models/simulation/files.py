"""What all simulated services share: the parameters of a simulation with its random streams, and files."""

import gzip
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from html import escape

import numpy as np

COMPRESSION = 1  # three times as fast as 6, and a fifth larger

Tally = Counter[str]


@dataclass(frozen=True)
class Archive:
    """A file of a service: its name and its bytes."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Simulation:
    """The parameters of a simulation; the same values give the same bytes, on any machine and in any order."""

    customers: int
    days: int
    seed: int
    start: date

    def rng(self, *stream: int) -> np.random.Generator:
        """The random generator of a stream, independent of all other streams."""
        return np.random.default_rng([self.seed, *stream])

    def date_of(self, day: int) -> date:
        """The date of a day of the logs."""
        return self.start + timedelta(days=day)


def listing(archives: Sequence[tuple[str, int]]) -> Archive:
    """Make the HTML page that lists archives by name and size in bytes."""
    rows = "\n".join(f"<tr><td>{escape(name)}</td><td>{size}</td></tr>" for name, size in sorted(archives))
    page = f"<!DOCTYPE html>\n<title>simulated logs</title>\n<table>\n{rows}\n</table>\n"
    return Archive("list.html", page.encode())


def gz(data: bytes, last_day: date) -> bytes:
    """Compress data, with the midnight after its last day as the time, so that the bytes are always the same."""
    return gzip.compress(data, COMPRESSION, mtime=packed_at(last_day))


def packed_at(last_day: date) -> int:
    """The midnight after a day, in seconds since 1970."""
    return int(datetime.combine(last_day + timedelta(days=1), time(), UTC).timestamp())
