"""How far the data can be trusted: unused archives, missing days and parts, bots, the sample, corrected tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from conf.schema import Service
from features.coverage import is_closed
from features.windows import Moment, Window
from jobs.data_folder import DataFolder
from jobs.logs.coverage import days_of_logs
from jobs.records.layers import FeaturesRecord, LabelStatus, TableSource, TilesRecord
from jobs.reporting.row_counts import Rows, archives

STATUSES = ("failed", "undated", "duplicate", "not_a_log", "unpacked")  # the worst first


@dataclass(frozen=True)
class Table:
    """A feature table by its counts, the days that its windows lack, and by feature the customers above its cap.

    uncovered_days, thin_days, thin: see FeaturesRecord.
    """

    as_of: date
    customers: int
    eligible: int
    bots_excluded: int
    status: LabelStatus
    positives: int
    missing_days: list[date]
    days_lacking_parts: int
    capped: Mapping[str, int]
    uncovered_days: list[date]
    thin_days: list[date]
    thin: bool

    @property
    def is_mature(self) -> bool:
        """Whether the outcome is known."""
        return self.status == "mature"

    @property
    def positive_share(self) -> float | None:
        """Share of eligible customers with label 1, where that is known."""
        return self.positives / self.eligible if self.is_mature and self.eligible else None


@dataclass(frozen=True)
class File:
    """The file of a finished table, and in words what was corrected in it."""

    as_of: date
    name: str
    rows: int
    has_header: bool
    warnings: list[str]


@dataclass(frozen=True)
class DataQuality:
    """How far the data can be trusted; `logs` and `sample` are None where no layer has them.

    set_aside: days with events outside the logs.
    """

    archives: dict[str, list[str]]
    logs: Window | None
    set_aside: list[date]
    missing_days: list[date]
    missing_parts: dict[str, list[date]]
    bot_days: int
    tables: list[Table]
    files: list[File]
    sample: float | None

    @property
    def days_lacking_parts(self) -> int:
        """How many days lack a part of some event."""
        return len({day for days in self.missing_parts.values() for day in days})

    @property
    def mature(self) -> Table | None:
        """The newest table whose outcome is known."""
        return max((table for table in self.tables if table.is_mature), key=lambda table: table.as_of, default=None)


def data_quality(data: DataFolder, service: Service) -> DataQuality:
    """What the records of the layers that are there say; a day that the service declares closed is not missing."""
    daily, features, scores = data.daily.records(), data.features.records(), data.scores.records()
    found = days_of_logs({date.fromisoformat(day): record for day, record in daily.items()}) if daily else None
    logs = found.logs if found else None
    closed = service.coverage.closed
    samples = [one.sample for layer in (daily, features, scores) for one in layer.values()]
    return DataQuality(
        archives=_by_status(archives(data.landing)),
        logs=logs,
        set_aside=list(found.set_aside) if found else [],
        missing_days=[day for day in logs.dates() if str(day) not in daily and not is_closed(day, closed)]
        if logs
        else [],
        missing_parts=_missing_parts(daily),
        bot_days=sum(record.bots for record in daily.values()),
        tables=[_table(service, date.fromisoformat(day), record) for day, record in features.items()],
        files=[_file(date.fromisoformat(day), one.source) for day, one in features.items() if one.source],
        sample=samples[0] if samples else None,
    )


def _missing_parts(daily: dict[str, TilesRecord]) -> dict[str, list[date]]:
    """The days that lack a part, by what they lack."""
    lacking: dict[str, list[date]] = {}
    for day, record in sorted(daily.items()):
        for part in record.missing_parts:
            lacking.setdefault(part, []).append(date.fromisoformat(day))
    return lacking


def _by_status(rows: Rows) -> dict[str, list[str]]:
    names = {status: [row["archive"] for row in rows if row["status"] == status] for status in STATUSES}
    return {status: some for status, some in names.items() if some}


def _file(as_of: date, source: TableSource) -> File:
    return File(as_of, source.file, source.rows, source.header, source.warnings)


def _table(service: Service, as_of: date, record: FeaturesRecord) -> Table:
    outcome, closed = Moment.at(as_of, service.windows).outcome, service.coverage.closed
    is_over = record.label_status != "immature"
    return Table(
        as_of,
        record.customers,
        record.eligible,
        record.bots_excluded,
        record.label_status,
        record.positives,
        # Days of an outcome that is not over are not missing yet.
        [day for day in record.missing_days if (is_over or day not in outcome) and not is_closed(day, closed)],
        len(record.missing_parts),
        {name: customers for name, customers in record.capped.items() if customers},
        record.uncovered_days,
        record.thin_days,
        record.thin,
    )
