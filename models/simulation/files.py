"""What every simulated service has: its four numbers with their random streams, and the files that it leaves."""

import gzip
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from html import escape

import numpy as np

COMPRESSION = 1  # three times faster than 6, and a fifth larger

Tally = Counter[str]


@dataclass(frozen=True)
class Archive:
    """A file as the service leaves it: its name and its bytes."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Simulation:
    """One simulation. The same four values give the same bytes, whatever computes them and in which order."""

    customers: int
    days: int
    seed: int
    start: date

    def rng(self, *stream: int) -> np.random.Generator:
        """Random numbers of one stream, independent of all others."""
        return np.random.default_rng([self.seed, *stream])

    def date_of(self, day: int) -> date:
        """The date of a day of the logs."""
        return self.start + timedelta(days=day)


def listing(archives: Sequence[tuple[str, int]]) -> Archive:
    """The page that lists the archives, given their names and bytes."""
    rows = "\n".join(f"<tr><td>{escape(name)}</td><td>{size}</td></tr>" for name, size in sorted(archives))
    page = f"<!DOCTYPE html>\n<title>simulated logs</title>\n<table>\n{rows}\n</table>\n"
    return Archive("list.html", page.encode())


def gz(data: bytes, last_day: date) -> bytes:
    """The data compressed at the midnight that ends its last day: the same bytes whenever they are simulated."""
    return gzip.compress(data, COMPRESSION, mtime=packed_at(last_day))


def packed_at(last_day: date) -> int:
    """The midnight that ends this day, in seconds since 1970."""
    return int(datetime.combine(last_day + timedelta(days=1), time(), UTC).timestamp())
