"""What the logs of a data folder cover: computed from the records of the daily tiles, without reading a row."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from conf.schema import Service
from features.coverage import LogDays, log_days, missing_days, uncovered_days
from features.windows import Moment, Window, logs_window
from jobs.records.layers import LabelStatus, TilesRecord


@dataclass(frozen=True)
class LogCoverage:
    """The days of the logs by kind of event, with what the service declares about them."""

    records: Mapping[date, TilesRecord]
    service: Service

    @cached_property
    def found(self) -> LogDays:
        """Where the logs begin and end. Raises ValueError where there are no tiles."""
        return days_of_logs(self.records)

    @property
    def logs(self) -> Window:
        """The window of the logs. Raises ValueError where there are no tiles."""
        return self.found.logs

    def events(self, day: date) -> dict[str, int]:
        """By kind, the events of a day."""
        return {kind: counts[day] for kind, counts in self._counts.items() if day in counts}

    @cached_property
    def missing(self) -> dict[str, set[date]]:
        """By kind of event, the days of the logs on which events, or parts of their archives, are missing."""
        return {kind: missing_days(counts, self.logs) | self._lacking(kind) for kind, counts in self._counts.items()}

    def uncovered(self, moment: Moment) -> list[date]:
        """The days of an outcome on which logs are missing that the label reads; none while it is not over."""
        if not moment.is_over(self.logs):
            return []
        silent = not any(day in counts for counts in self._counts.values() for day in moment.outcome.dates())
        kinds = [set(moment.outcome.dates())] if silent else [self.missing[kind] for kind in self.service.label_events]
        return [day for day in self._uncovered(moment.outcome, kinds) if day in self.logs]

    def thin_days(self, moment: Moment) -> list[date]:
        """The days of an observation, since the logs begin, on which logs are missing of a kind that ever occurs."""
        kinds = [days for kind, days in self.missing.items() if self._counts[kind]]
        return self._uncovered(moment.observation, kinds)

    def is_enough(self, uncovered: list[date]) -> bool:
        """Whether no more days are missing than the service tolerates."""
        return len(uncovered) <= self.service.coverage.tolerated_missing_days

    def status(self, moment: Moment) -> LabelStatus:
        """What is known of the labels at a moment."""
        if not moment.is_over(self.logs):
            return "immature"
        return "mature" if self.is_enough(self.uncovered(moment)) else "uncertain"

    @cached_property
    def _counts(self) -> dict[str, dict[date, int]]:
        return {kind: _counts_of(kind, self.records) for kind in self.service.events}

    def _lacking(self, kind: str) -> set[date]:
        """The days that lack a part of a kind whose parts are declared."""
        if not self.service.events[kind].landing.parts_per_day:
            return set()
        there = {
            day
            for day, record in self.records.items()
            if not any(part.split(" ")[0] == kind for part in record.missing_parts)
        }
        return set(self.logs.dates()) - there

    def _uncovered(self, window: Window, missing: list[set[date]]) -> list[date]:
        return uncovered_days(window, missing, self.service.coverage.closed)


def log_coverage(records: Mapping[str, TilesRecord], service: Service) -> LogCoverage:
    """What the logs cover, from the records of the daily tiles by day."""
    return LogCoverage(_by_date(records), service)


def logs_of(records: Mapping[str, TilesRecord]) -> Window:
    """The window of the logs, from the same records. Raises ValueError where there are none."""
    return days_of_logs(_by_date(records)).logs


def days_of_logs(records: Mapping[date, TilesRecord]) -> LogDays:
    """Where the logs begin and end. Raises ValueError where there are no records."""
    kinds = {kind for record in records.values() for kind, events in record.by_kind.items() if events}
    if not kinds:  # every line was rejected
        return LogDays(logs_window(records), ())
    return log_days({kind: _counts_of(kind, records) for kind in sorted(kinds)})


def _by_date(records: Mapping[str, TilesRecord]) -> dict[date, TilesRecord]:
    return {date.fromisoformat(day): record for day, record in records.items()}


def _counts_of(kind: str, records: Mapping[date, TilesRecord]) -> dict[date, int]:
    """The events of a kind by day, of days that have some."""
    return {day: record.by_kind[kind] for day, record in records.items() if record.by_kind.get(kind)}
