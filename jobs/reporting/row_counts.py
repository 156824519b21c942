"""Rows in and out of each layer, and where the difference went, told from the layers' records alone."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date

from features.windows import Moment
from jobs.context import Context
from jobs.formatting import plural
from jobs.reporting.rejections import Reason, ingest_reasons, landing_rejected, landing_repaired
from jobs.storage.landing import read_rows
from jobs.storage.layer import Record

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
class Flow:
    """The way of the rows from the archives to the scores."""

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


def archives(context: Context) -> Rows:
    """The rows of landing's manifest, none where it is not there."""
    manifest = context.data.landing / "manifest.csv"
    return read_rows(manifest) if manifest.is_file() else []


def flow(context: Context) -> Flow:
    """The flow through the layers that are there."""
    counted = _landed(archives(context))
    landed = {event: counted[event] for event in context.service.events if event in counted}
    days = {name: list(context.data.events(name).records().values()) for name in context.service.events}
    ingested = {name: records for name, records in days.items() if records}
    daily, features, scores = (
        context.data.daily.records(),
        context.data.features.records(),
        context.data.scores.records(),
    )
    return Flow(
        steps=[
            *(_landing_step(event, counts) for event, counts in landed.items()),
            *(_ingest_step(event, records) for event, records in ingested.items()),
            *([_rollup_step(daily)] if daily else []),
            *(_features_step(context, day, record, daily) for day, record in features.items()),
            *(_score_step(day, record, features) for day, record in scores.items()),
        ],
        rejected=[*landing_rejected(landed), *ingest_reasons(context, ingested, "reasons")],
        repaired=[*landing_repaired(landed), *ingest_reasons(context, ingested, "repaired")],
    )


def _landed(rows: Rows) -> dict[str, Counter[str]]:
    """The counts of the manifest, by event."""
    sums: dict[str, Counter[str]] = {}
    for row in rows:
        if row["status"] == "unpacked":
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


def _ingest_step(event: str, days: list[Record]) -> Step:
    sums = {key: sum(day[key] for day in days) for key in ("lines", "events", "rejected", "duplicates", "left_out")}
    rest = {
        "rejected": sums["rejected"],
        "duplicate": sums["duplicates"],
        "not in the sample": sums["left_out"],
    }
    return Step("events", event, sums["lines"], "records", sums["events"], "events", _some(rest))


def _rollup_step(daily: dict[str, Record]) -> Step:
    events = sum(record["events"] for record in daily.values())
    customer_days = sum(record["customers"] for record in daily.values())
    return Step("daily", plural(len(daily), "day"), events, "events", customer_days, "customer-days")


def _features_step(context: Context, day: str, record: Record, daily: dict[str, Record]) -> Step:
    if "source" in record:  # a finished table, which is taken as a whole
        return Step("features", f"as of {day}", record["source"]["rows"], "rows", record["customers"], "customers")
    observed = Moment.at(date.fromisoformat(day), context.service.windows).observation
    customer_days = sum(tile["customers"] for other, tile in daily.items() if date.fromisoformat(other) in observed)
    rest = {"left out as bots": record["bots_excluded"]}
    return Step(
        "features",
        f"as of {day}",
        customer_days,
        "customer-days",
        record["customers"],
        "customers",
        _some(rest),
    )


def _score_step(day: str, record: Record, features: dict[str, Record]) -> Step:
    customers = features.get(day, record)["customers"]
    rest = {"not eligible": customers - record["customers"]}
    return Step("scores", f"as of {day}", customers, "customers", record["customers"], "scores", _some(rest))


def _some(rest: dict[str, int]) -> dict[str, int]:
    return {what: number for what, number in rest.items() if number}
