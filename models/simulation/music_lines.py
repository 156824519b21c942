"""Writes a day's downloads and searches as text lines, with defects at the rates of the real sample.

Defects that can be repaired are put into true events; defects that make a line unreadable are put into added copies
(see also play_lines). So the readable lines are exactly the events of the hidden process, and its truth stays exact.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.arrays import Ints
from models.simulation.audience import Audience
from models.simulation.catalogue import QUERY_FORMS, SONGS, Catalogue

DayCounts = NDArray[np.integer]
PART_SHARE = (0.27, 0.31, 0.42)
DUPLICATED_DOWN, DUPLICATED_SEARCH = 0.009, 0.018
NO_SINGER_DOWN = 0.134
BROKEN = 0.004
SEARCH_FORMS = (0.6, 0.2, 0.2)  # for a title, for title and singer, for a singer
# Cumulative shares of upper case, then lower case, on Android and on iPhone; the rest is not encoded.
ENCODING = np.array([[0.975, 0.989], [0.06, 0.99]])
SECONDS_PER_DAY = 86_400


@dataclass(frozen=True)
class DayText:
    """The text of one event on one day: three parts of whole UTF-8 lines, and counts by kind of line."""

    parts: list[bytes]
    counts: Counter[str]


def down_text(downs: DayCounts, audience: Audience, songs: Catalogue, rng: np.random.Generator) -> DayText:
    """Write the lines of a day's downloads; a record with a newline in its title is two lines."""
    who = np.repeat(np.arange(len(downs)), downs)
    events = len(who)
    song = songs.choose(who, audience.taste, audience.favourites, rng)
    unnamed, broken = rng.random(events) < NO_SINGER_DOWN, rng.random(events) < BROKEN
    variant = unnamed + 2 * broken
    title_singer = songs.title_singer.take(song + SONGS * variant)
    front = [audience.uid_device.take(who), songs.song_id.take(song)]
    lines = join_fields([*front, title_singer, songs.paid.take(song)])
    again = some_rows(events, DUPLICATED_DOWN, rng)
    rows = np.append(np.arange(events), again)
    counts = Counter(events=events, duplicate=len(again), broken=int(broken.sum()))
    counts["lines"] = len(rows) + int(broken[rows].sum())
    return DayText(split_parts(lines.take(rows), rng.random(len(rows)), rng), counts)


def search_text(
    searches: DayCounts, day: date, audience: Audience, songs: Catalogue, rng: np.random.Generator
) -> DayText:
    """Write the lines of a day's searches, in the order of time within each part."""
    who = np.repeat(np.arange(len(searches)), searches)
    events = len(who)
    song = songs.choose(who, audience.taste, audience.favourites, rng)
    second = rng.integers(0, SECONDS_PER_DAY, events)
    form = rng.choice(QUERY_FORMS, events, p=SEARCH_FORMS)
    upper, lower = ENCODING[audience.is_iphone[who].astype(int)].T
    draw = rng.random(events)
    encoding = (draw >= upper).astype(int) + (draw >= lower)
    query = (encoding * SONGS + song) * QUERY_FORMS + form
    time_stamp = pc.binary_join_element_wise(day.isoformat(), _clock().take(second), " ")
    lines = join_fields([audience.uid_device.take(who), time_stamp, songs.query.take(query)])
    again = some_rows(events, DUPLICATED_SEARCH, rng)
    rows = np.append(np.arange(events), again)
    counts = Counter(events=events, duplicate=len(again), lines=len(rows))
    return DayText(split_parts(lines.take(rows), second[rows], rng), counts)


def join_fields(fields: list[pa.StringArray]) -> pa.StringArray:
    """Join fields into lines, separated by tabs."""
    return pc.binary_join_element_wise(*fields, "\t")


def some_rows(events: int, rate: float, rng: np.random.Generator) -> Ints:
    """Draw about `rate` of the rows at random, with replacement."""
    return rng.integers(0, max(events, 1), rng.binomial(events, rate))


@cache
def _clock() -> pa.StringArray:
    """HH:MM:SS of every second of a day."""
    instants = np.datetime_as_string(np.arange(SECONDS_PER_DAY).astype("datetime64[s]"))
    return pc.utf8_slice_codeunits(pa.array(instants.tolist()), len("1970-01-01T"))


def split_parts(lines: pa.StringArray, order: NDArray[np.generic], rng: np.random.Generator) -> list[bytes]:
    """Distribute lines over the parts at random, sort them by `order`, and return the text of each part."""
    part = rng.choice(len(PART_SHARE), len(lines), p=PART_SHARE)
    arranged = lines.take(pa.array(np.lexsort((order, part))))
    if not len(lines):
        return [b""] * len(PART_SHARE)
    # Each line holds its newline, so that the array's character buffer is the text.
    ends = np.cumsum(np.bincount(part, minlength=len(PART_SHARE)))
    at = np.frombuffer(arranged.buffers()[1], np.int32)[[0, *ends]]
    text = memoryview(arranged.buffers()[2])
    return [bytes(text[start:end]) for start, end in pairwise(at)]
