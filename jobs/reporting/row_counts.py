"""Rows in and out of each layer, and where the difference went, from the layers' records alone."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date

from conf.schema import Service, Windows
from features.windows import Moment
from jobs.data_folder import DataFolder
from jobs.formatting import plural
from jobs.records.layers import EventsRecord, FeaturesRecord, TilesRecord
from jobs.records.scoring import ScoresRecord
from jobs.reporting.rejections import (
    Reason,
    ingest_rejected,
    ingest_repaired,
    landing_rejected,
    landing_repaired,
)
from jobs.storage.landing import LANDED, read_rows
from jobs.storage.location import Place

Rows = list[dict[str, str]]

COUNTS = frozenset({"lines", "header", "kept", "repaired", "left_out", "rejected", "records"})


@dataclass(frozen=True)
class Step:
    """Rows of one kind into a layer and out of it; `rest` says where the difference went."""

    layer: str
    what: str
    rows_in: int
    unit_in: str
    rows_out: int
    unit_out: str
    rest: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class RowCounts:
    """The rows from the archives to the scores."""

    steps: list[Step]
    rejected: list[Reason]
    repaired: list[Reason]

    @property
    def by_layer(self) -> dict[str, tuple[int, int]]:
        """Rows in and out by layer: over all events, or at the newest as-of date."""
        sums: dict[str, tuple[int, int]] = {}
        for step in self.steps:
            before = (0, 0) if step.layer in ("features", "scores") else sums.get(step.layer, (0, 0))
            sums[step.layer] = (before[0] + step.rows_in, before[1] + step.rows_out)
        return sums

    @property
    def rejected_share(self) -> float | None:
        """Share of the lines of the first layer that is there which were rejected on the way; None without lines."""
        lines = next((rows_in for layer, (rows_in, _) in self.by_layer.items() if layer in ("landing", "events")), 0)
        return sum(one.rows for one in self.rejected) / lines if lines else None


def archives(landing: Place) -> Rows:
    """The rows of landing's manifest, none where it is missing."""
    manifest = landing / "manifest.csv"
    return read_rows(manifest) if manifest.is_file() else []


def row_counts(data: DataFolder, service: Service) -> RowCounts:
    """The rows of the layers that are there."""
    counted = _landed(archives(data.landing))
    landed = {event: counted[event] for event in service.events if event in counted}
    days = {name: list(data.events(name).records().values()) for name in service.events}
    ingested = {name: records for name, records in days.items() if records}
    daily, features, scores = data.daily.records(), data.features.records(), data.scores.records()
    return RowCounts(
        steps=[
            *(_landing_step(event, counts) for event, counts in landed.items()),
            *(_ingest_step(event, records) for event, records in ingested.items()),
            *([_rollup_step(daily)] if daily else []),
            *(_features_step(service.windows, day, record, daily) for day, record in features.items()),
            *(_score_step(day, record, features) for day, record in scores.items()),
        ],
        rejected=[*landing_rejected(landed), *ingest_rejected(service.events, ingested)],
        repaired=[*landing_repaired(landed), *ingest_repaired(service.events, ingested)],
    )


def _landed(rows: Rows) -> dict[str, Counter[str]]:
    """The counts of the manifest, by event."""
    sums: dict[str, Counter[str]] = {}
    for row in rows:
        if row["status"] in LANDED:
            counted = {key: int(row[key]) for key in row if key in COUNTS or key.startswith("rejected_")}
            sums.setdefault(row["event"], Counter()).update(counted)
    return sums


def _landing_step(event: str, counts: Counter[str]) -> Step:
    rest = {
        "rejected": counts["rejected"],
        "header": counts["header"],
        "joined to the line before": counts["kept"] - counts["records"],
        "not in the sample": counts["left_out"],
    }
    return Step("landing", event, counts["lines"], "lines", counts["records"], "records", _some(rest))


def _ingest_step(event: str, days: list[EventsRecord]) -> Step:
    rest = {
        "rejected": sum(day.rejected for day in days),
        "duplicate": sum(day.duplicates for day in days),
        "not in the sample": sum(day.left_out for day in days),
        "of no event": sum(day.unclaimed for day in days),
    }
    lines, events = sum(day.lines_in for day in days), sum(day.events for day in days)
    return Step("events", event, lines, "records", events, "events", _some(rest))


def _rollup_step(daily: dict[str, TilesRecord]) -> Step:
    events = sum(record.events for record in daily.values())
    customer_days = sum(record.customers for record in daily.values())
    return Step("daily", plural(len(daily), "day"), events, "events", customer_days, "customer-days")


def _features_step(windows: Windows, day: str, record: FeaturesRecord, daily: dict[str, TilesRecord]) -> Step:
    if record.source:  # a finished table, which is taken as a whole
        return Step("features", f"as of {day}", record.source.rows, "rows", record.customers, "customers")
    observed = Moment.at(date.fromisoformat(day), windows).observation
    customer_days = sum(tile.customers for other, tile in daily.items() if date.fromisoformat(other) in observed)
    rest = {"left out as bots": record.bots_excluded}
    return Step("features", f"as of {day}", customer_days, "customer-days", record.customers, "customers", _some(rest))


def _score_step(day: str, record: ScoresRecord, features: dict[str, FeaturesRecord]) -> Step:
    customers = features[day].customers if day in features else record.customers
    rest = {"not eligible": customers - record.customers}
    return Step("scores", f"as of {day}", customers, "customers", record.customers, "scores", _some(rest))


def _some(rest: dict[str, int]) -> dict[str, int]:
    return {what: number for what, number in rest.items() if number}
