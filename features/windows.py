"""The one place where a range of dates is computed.

An as-of date is the first moment of the outcome. All windows are half-open, so no instant is in two of them:
observation is `[as_of - observation_days, as_of)`, the outcome `[as_of + gap_days, as_of + gap_days + outcome_days)`.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from conf.schema import Windows


@dataclass(frozen=True)
class Window:
    """Days from `start` to, and not including, `end`."""

    start: date
    end: date

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    @property
    def days(self) -> int:
        """Length in days."""
        return (self.end - self.start).days

    def dates(self) -> list[date]:
        """Every day of the window, the first first."""
        return [self.start + timedelta(days=n) for n in range(self.days)]


@dataclass(frozen=True, order=True)
class Moment:
    """An as-of date, which yields the windows before and after it."""

    as_of: date
    observation_days: int
    gap_days: int
    outcome_days: int

    @classmethod
    def at(cls, as_of: date, windows: Windows) -> "Moment":
        """The moment `as_of` with the window lengths of a service."""
        return cls(as_of, windows.observation_days, windows.gap_days, windows.outcome_days)

    @property
    def observation(self) -> Window:
        """What may be known: it ends just before as_of."""
        return Window(self.as_of - timedelta(days=self.observation_days), self.as_of)

    @property
    def outcome(self) -> Window:
        """What is foretold: it begins at as_of, or after the gap."""
        start = self.as_of + timedelta(days=self.gap_days)
        return Window(start, start + timedelta(days=self.outcome_days))

    def is_mature(self, logs: Window) -> bool:
        """Whether the logs reach the end of the outcome, so that a label can be known."""
        return self.outcome.end <= logs.end

    def is_inside(self, logs: Window) -> bool:
        """Whether a day of the logs lies before as_of, and as_of is no later than the day after the last."""
        return logs.start < self.as_of <= logs.end

    def may_train_for(self, test: "Moment") -> bool:
        """Whether a model fitted on this moment's labels could have been fitted by the as_of of `test`."""
        return self.outcome.end <= test.as_of


def logs_window(days: Iterable[date]) -> Window:
    """From the first to the last of the days that have logs. Raises ValueError when there are none."""
    known = sorted(days)
    if not known:
        raise ValueError("no day has logs")
    return Window(known[0], known[-1] + timedelta(days=1))


def longest_hole(days: Iterable[date], window: Window) -> Window:
    """The longest run of days without logs inside a window, the first of equal ones; empty when every day has some."""
    edges = [window.start - timedelta(days=1), *sorted(day for day in set(days) if day in window), window.end]
    holes = [Window(before + timedelta(days=1), after) for before, after in itertools.pairwise(edges)]
    return max(holes, key=lambda hole: hole.days)


def default_moments(logs: Window, windows: Windows) -> list[Moment]:
    """The newest moment, at which to score, and before it the latest with a mature label, on which to train."""
    newest = Moment.at(logs.end, windows)
    span = windows.gap_days + windows.outcome_days
    mature = Moment.at(logs.end - timedelta(days=span), windows)
    return [mature, newest] if mature.is_inside(logs) else [newest]
