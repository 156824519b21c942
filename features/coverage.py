"""Which days the logs cover, from the number of events of each kind and day alone.

A day is judged by the days next to it. What a day usually has is taken from up to four weeks on one side of it: for
each day of the week the median of its counts, or their mean where it is below MEDIAN_FROM (a median of small counts
says nothing). A day, or a run of days, is *low* if it has fewer events than half of the usual ones, and 3.5 standard
deviations fewer. Their variance is the usual number times the *spread* of the logs, which is 1 for events that are
independent of each other (Poisson) and more where they come in bursts; it is measured from the differences of a day and
the same day a week before. No day is low by itself in a shop with a few events a day: days are then judged together, as
many as have ENOUGH usual events, times the spread. So a shop with two purchases a day may have days without any, and a
shop that is closed on Sundays has usual Sundays of zero.

**Where the logs begin and end** (`log_days`). From the middle of all events the scan goes on day by day, to either
side. The logs go on with a day if one of these holds; the usual numbers are those next to the last day that went on:

- the day, with days before it if one day is not ENOUGH, is not low. After a hole of more than four weeks it takes
  OPEN_DAYS days and ENOUGH_FAR_AWAY to tell: one day far away is no logs, and an outage does not end them.
- it ends OPEN_DAYS days that all have events, at least a tenth of the usual ones: the volume has fallen.
- it ends four weeks half of whose days have events, at least a hundredth of the usual ones: it has fallen far.
- there are too few days or events to tell.
- towards the beginning: it is next to the day after it, since logs may begin slowly.

Days beyond are *set aside*: a line with a wrong date, or a last day that is delivered in part. A kind of event that
goes on by itself for a week longer, with many events on each day, moves the end too.

**Which days are missing in between** (`missing_days`). A day is compared with either side of it, and the lower one
counts, so that a fall or a rise of the volume is no hole. Missing are days that are low by themselves, and runs of days
without events in which ENOUGH were usual. The first day of the logs may begin within the day and is not judged.
"""

import itertools
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from math import ceil, sqrt
from statistics import median

from features.windows import Window

WEEK, MONTH = 7, 28  # days
MEDIAN_FROM = 8  # events a day
ENOUGH = 16  # usual events; a Poisson variable of this mean is low, below 2, in 2 of a million cases
ENOUGH_FAR_AWAY = 48  # the same after a hole of more than four weeks
FEWEST_EVENTS = 24  # of logs whose ends can be told
HALF = 0.5  # of the usual events
DEVIATIONS = 3.5
OPEN_DAYS = 4  # days that are not usually empty
LEAST_IN_OPEN_DAYS, LEAST_IN_A_MONTH = 0.1, 0.01  # of the usual events
FEWEST_DAYS = 7  # of logs on a side from which on it says what is usual
FEWEST_DAYS_AFTER = 3  # the same of the side that can only lower what is usual

WHOLE_PAIRS = 0.6  # share of days without a hole, a week before or after, of logs that have a few holes
KEPT_DIFFERENCES = 0.9  # share of the differences, the smallest, from which the spread is measured
MEAN_OF_KEPT = 0.62  # their mean for a spread of 1

Counts = Mapping[date, int]  # events by day; a day that is left out has none


@dataclass(frozen=True)
class _Line:
    """Events by day number, which runs backwards in the scan to the beginning; a day without events is left out."""

    events: Mapping[int, int]

    @classmethod
    def of(cls, counts: Counts) -> "_Line":
        """The line of some counts."""
        return cls({day.toordinal(): events for day, events in counts.items() if events > 0})

    def turned(self) -> "_Line":
        """The same days backwards."""
        return _Line({-day: events for day, events in self.events.items()})

    def on(self, day: int) -> int:
        """The events of a day."""
        return self.events.get(day, 0)

    @cached_property
    def spread(self) -> float:
        """The variance of the events of a day over their mean, at least 1; without holes and a tenth of the days."""
        days = {*self.events, *(day + WEEK for day in self.events)}
        # A day is not compared with one beyond the ends, where there are no logs.
        first, last = min(self.events) + WEEK, max(self.events)
        pairs = [(self.on(day), self.on(day - WEEK)) for day in sorted(days) if first <= day <= last]
        whole = [pair for pair in pairs if min(pair) or max(pair) < ENOUGH]  # of independent events none is empty
        if len(whole) >= WHOLE_PAIRS * len(pairs):  # else many days are empty: that is how the events come
            pairs = whole
        if not pairs:
            return 1.0
        squares = sorted((one - other) ** 2 / (one + other) for one, other in pairs)
        kept = squares[: ceil(KEPT_DIFFERENCES * len(squares))]
        return max(1.0, sum(kept) / len(kept) / MEAN_OF_KEPT)

    def is_low(self, events: float, usual: float) -> bool:
        """Whether these are too few events for days with so many usual ones."""
        return events < min(HALF * usual, usual - DEVIATIONS * sqrt(usual * self.spread))


@dataclass(frozen=True)
class LogDays:
    """The window of the logs, and the days with events outside it, in ascending order."""

    logs: Window
    set_aside: tuple[date, ...]


def log_days(kinds: Mapping[str, Counts]) -> LogDays:
    """Where the logs begin and end; see the text of the module.

    Args:
        kinds: by kind of event, the events of each day.

    Raises:
        ValueError: there are no events.
    """
    total: Counter[date] = Counter()
    for counts in kinds.values():
        total.update({day: events for day, events in counts.items() if events > 0})
    if not total:
        raise ValueError("no day has events")
    lines = [_Line.of(total), *(_Line.of(counts) for counts in kinds.values() if _has_full_days(counts))]
    start, end = _first(lines[0]), _last(lines[0])
    for line in lines[1:]:
        first, last = _first(line), _last(line)
        start = first if start - first >= WEEK else start
        end = last if last - end >= WEEK else end
    logs = Window(date.fromordinal(start), date.fromordinal(end + 1))
    return LogDays(logs, tuple(sorted(day for day in total if day not in logs)))


def missing_days(counts: Counts, logs: Window) -> set[date]:
    """The days of the logs on which the events of a kind are missing: all of them if there is no such event."""
    line = _Line.of({day: events for day, events in counts.items() if day in logs})
    if not line.events:
        return set(logs.dates())
    first, end = logs.start.toordinal(), logs.end.toordinal()
    usual = _usual_between(line, first, end)
    enough = ENOUGH * line.spread
    found = {day for day in range(first + 1, end) if usual[day] >= enough and line.is_low(line.on(day), usual[day])}
    for run in _empty_runs(line, first, end):
        if sum(usual[day] for day in run) >= enough:
            found |= {day for day in run if usual[day] > 0}
    return {date.fromordinal(day) for day in found}


def uncovered_days(window: Window, missing: Iterable[Collection[date]], closed: Collection[date | str]) -> list[date]:
    """The days of a window on which one of several kinds of event is missing, in ascending order.

    Args:
        missing: by kind, the days on which it is missing.
        closed: dates, and days of the week in English and lower case, on which nothing is expected.
    """
    lacking = {day for days in missing for day in days if day in window}
    return sorted(day for day in lacking if not is_closed(day, closed))


def is_closed(day: date, closed: Collection[date | str]) -> bool:
    """Whether nothing is expected on a day; closed: see `uncovered_days`."""
    return day in closed or f"{day:%A}".lower() in closed


# ---- the scan to one side ----


def _has_full_days(counts: Counts) -> bool:
    """Whether a kind has so many events on most days, of at least four weeks, that a day can be judged by itself."""
    found = [events for events in counts.values() if events > 0]
    return len(found) >= MONTH and median(found) >= ENOUGH


def _last(line: _Line) -> int:
    return _scan(line, keeps_neighbours=False)


def _first(line: _Line) -> int:
    return -_scan(line.turned(), keeps_neighbours=True)


def _scan(line: _Line, keeps_neighbours: bool) -> int:
    """The last day number with which the logs go on, from the middle of the events."""
    if sum(line.events.values()) < FEWEST_EVENTS:
        return max(line.events)
    at, since = _middle(line), min(line.events)
    for day in sorted(line.events):
        if day <= at:
            continue
        usual, span = _usual_before(line, at, since)
        if span < FEWEST_DAYS and day - at <= MONTH:  # too little is known
            at = day
            continue
        expected = _expected(usual, at, day)
        if _is_usual(line, expected, day) or (keeps_neighbours and _is_neighbour(expected)):
            at = day
        elif _is_sustained(line, expected, day):
            at, since = day, at + 1
    return at


def _middle(line: _Line) -> int:
    """The day by which half of the events have happened."""
    days = sorted(line.events)
    until = list(itertools.accumulate(line.events[day] for day in days))
    return days[bisect_left(until, until[-1] / 2)]


def _expected(usual: list[float], at: int, day: int) -> dict[int, float]:
    """The usual events of each day after `at`, up to a day with events, on which it is never nothing."""
    open_days = [events for events in usual if events]
    of_any = sum(open_days) / len(open_days) if open_days else 0.0
    return {other: usual[other % WEEK] for other in range(at + 1, day)} | {day: usual[day % WEEK] or of_any}


def _is_neighbour(expected: Mapping[int, float]) -> bool:
    """Whether no day before the last one is usually open."""
    *between, _ = expected.values()
    return not any(between)


def _is_usual(line: _Line, expected: Mapping[int, float], day: int) -> bool:
    """Whether the day, with as many before it as it takes to tell, is not low; or it cannot be told."""
    is_far = len(expected) > MONTH
    enough, least_days = (ENOUGH_FAR_AWAY, OPEN_DAYS) if is_far else (ENOUGH, 1)
    events, usual, open_days = 0, 0.0, 0
    for other in range(day, min(expected) - 1, -1):
        events += line.on(other)
        usual += expected[other]
        open_days += expected[other] > 0
        if usual >= enough * line.spread and open_days >= least_days:
            break
    return usual < ENOUGH * line.spread or not line.is_low(events, usual)


def _is_sustained(line: _Line, expected: Mapping[int, float], day: int) -> bool:
    """Whether the day ends a stretch of days with events, at a lower volume than before."""
    stretch = range(day, min(expected) - 1, -1)
    open_days = [other for other in stretch if expected[other] > 0][:OPEN_DAYS]
    month = stretch[:MONTH]
    seen = [other for other in month if other in line.events]
    return (
        len(open_days) == OPEN_DAYS
        and all(other in line.events for other in open_days)
        and _share(line, expected, open_days) >= LEAST_IN_OPEN_DAYS
    ) or (2 * len(seen) >= MONTH and _share(line, expected, month) >= LEAST_IN_A_MONTH)


def _share(line: _Line, expected: Mapping[int, float], days: Collection[int]) -> float:
    usual = sum(expected[day] for day in days)
    return sum(map(line.on, days)) / usual if usual else 1.0


# ---- what is usual ----


def _usual_before(line: _Line, last: int, since: int) -> tuple[list[float], int]:
    """By day number modulo 7, the usual events in the four weeks up to a day with events; and the days they span."""
    days = range(max(last - MONTH + 1, since), last + 1)
    if len(days) < 2 * WEEK:  # too few of each day of the week
        return [_typical([line.on(day) for day in days])] * WEEK, len(days)
    by_weekday: list[list[int]] = [[] for _ in range(WEEK)]
    for day in days:
        by_weekday[day % WEEK].append(line.on(day))
    return [_typical(counts) for counts in by_weekday], len(days)


def _typical(counts: list[int]) -> float:
    middle = float(median(counts))
    return middle if middle >= MEDIAN_FROM else sum(counts) / len(counts)


def _usual_between(line: _Line, first: int, end: int) -> dict[int, float]:
    """The usual events of each day by either side of it, the lower one where both sides tell, 0 where none does."""
    before = _usual_by_the_past(line, range(first, end))
    after = {-day: told for day, told in _usual_by_the_past(line.turned(), range(-end + 1, -first + 1)).items()}
    found = {}
    for day in range(first, end):
        usual_before, span_before = before[day]
        usual_after, span_after = after[
            max(min(day, end - 1 - FEWEST_DAYS_AFTER), first)
        ]  # the last days by themselves
        sides = []
        if span_before >= FEWEST_DAYS or (span_before >= FEWEST_DAYS_AFTER and span_after >= FEWEST_DAYS):
            sides.append(usual_before)
        if span_after >= FEWEST_DAYS or (span_after >= FEWEST_DAYS_AFTER and span_before >= FEWEST_DAYS):
            sides.append(usual_after)
        found[day] = min(sides, default=0.0)
    return found


def _usual_by_the_past(line: _Line, days: range) -> dict[int, tuple[float, int]]:
    """The usual events of each day, by the days up to the last one before it with events; and the days they span."""
    found = {}
    usual, span = [0.0] * WEEK, 0
    for day in days:
        if day - 1 in line.events:
            usual, span = _usual_before(line, day - 1, min(days))
        found[day] = (usual[day % WEEK], span)
    return found


def _empty_runs(line: _Line, first: int, end: int) -> list[list[int]]:
    """The runs of days without events."""
    runs: list[list[int]] = [[]]
    for day in range(first, end):
        if day in line.events:
            runs.append([])
        else:
            runs[-1].append(day)
    return [run for run in runs if run]
