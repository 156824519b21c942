"""Windows of dates around as-of dates. All ranges of dates are computed here.

All windows are half-open, so that no day is in both: the observation window is `[as_of - observation_days, as_of)`, the
outcome window `[as_of + gap_days, as_of + gap_days + outcome_days)`.
"""

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from conf.schema import Windows


@dataclass(frozen=True)
class Window:
    """The days from `start`, included, to `end`, not included."""

    start: date
    end: date

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.end - self.start).days

    def dates(self) -> list[date]:
        """Every day of the window, in ascending order."""
        return [self.start + timedelta(days=n) for n in range(self.days)]


@dataclass(frozen=True, order=True)
class Moment:
    """An as-of date with the lengths of its windows in days."""

    as_of: date
    observation_days: int
    gap_days: int
    outcome_days: int

    @classmethod
    def at(cls, as_of: date, windows: Windows) -> "Moment":
        """The moment at `as_of` with the lengths of windows of a service."""
        return cls(as_of, windows.observation_days, windows.gap_days, windows.outcome_days)

    @property
    def observation(self) -> Window:
        """The observation window: the days before as_of, from which features are computed."""
        return Window(self.as_of - timedelta(days=self.observation_days), self.as_of)

    @property
    def outcome(self) -> Window:
        """The outcome window: the days from as_of, or after the gap, which decide the label."""
        start = self.as_of + timedelta(days=self.gap_days)
        return Window(start, start + timedelta(days=self.outcome_days))

    def is_over(self, logs: Window) -> bool:
        """Whether the logs reach the end of the outcome window."""
        return self.outcome.end <= logs.end

    def is_inside(self, logs: Window) -> bool:
        """Whether as_of is after the first day of the logs, and at most one day after the last."""
        return logs.start < self.as_of <= logs.end

    def may_train_for(self, test: "Moment") -> bool:
        """Whether the labels of this moment were known by the as_of of `test`, so that a model may train on them."""
        return self.outcome.end <= test.as_of


def logs_window(days: Iterable[date]) -> Window:
    """The window from the first to the last of the days that have logs.

    Raises:
        ValueError: there are no days.
    """
    known = sorted(days)
    if not known:
        raise ValueError("no day has logs")
    return Window(known[0], known[-1] + timedelta(days=1))


def longest_hole(days: Iterable[date], window: Window) -> Window:
    """The longest run of days without logs in a window, the first one of equally long ones; empty if there is none.

    Args:
        days: the days that have logs.
    """
    edges = [window.start - timedelta(days=1), *sorted(day for day in set(days) if day in window), window.end]
    holes = [Window(before + timedelta(days=1), after) for before, after in itertools.pairwise(edges)]
    return max(holes, key=lambda hole: hole.days)


def default_moments(logs: Window, windows: Windows, is_covered: Callable[[Moment], bool]) -> list[Moment]:
    """The default as-of dates: the newest one, for scoring, and before it the latest one with mature labels, if any.

    Where the outcome of no date is covered, the latest one whose outcome is over takes its place.

    Args:
        is_covered: whether the logs cover the outcome of a moment.
    """
    newest = Moment.at(logs.end, windows)
    latest = logs.end - timedelta(days=windows.gap_days + windows.outcome_days)
    over = [
        Moment.at(day, windows) for day in Window(logs.start + timedelta(days=1), latest + timedelta(days=1)).dates()
    ]
    return [next((moment for moment in reversed(over) if is_covered(moment)), over[-1]), newest] if over else [newest]
