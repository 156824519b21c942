"""`encore analyze`: look over the events: days, missing values, duplicates, heavy customers, lost columns."""

if __name__ == "__main__":
    from jobs.console.entry import run_script

    run_script(__file__)


from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pyspark.sql import SparkSession

from conf.events import Event
from features.coverage import LogDays, log_days, missing_days
from jobs.console.options import DATA, PROFILE, DataOption, EngineOption, ProfileOption, ServiceOption
from jobs.console.progress import start_step
from jobs.console.session import open_context
from jobs.console.tables import print_line, print_table
from jobs.context import Context
from jobs.engine import engine as start_engine
from jobs.formatting import percent, plural
from jobs.lineage.incremental import event_records, events_on
from jobs.logs.analysis import Change, DayOfEvents, HeavyCustomer, changes, days_of_events, heavy_customers
from jobs.logs.notices import some_days
from jobs.records.layers import EventsRecord

EXAMPLE = "encore analyze --data /data/music"


@dataclass(frozen=True)
class Analysis:
    """What the events of one kind are like; records: those of their days."""

    name: str
    event: Event
    records: Mapping[str, EventsRecord]
    days: Sequence[DayOfEvents]
    heavy: Sequence[HeavyCustomer]
    customers: int

    @property
    def events(self) -> int:
        """Number of events."""
        return sum(day.events for day in self.days)

    @property
    def counts(self) -> dict[date, int]:
        """The events by day."""
        return {day.day: day.events for day in self.days}


def command(
    data: DataOption = DATA,
    service: ServiceOption = None,
    engine: EngineOption = None,
    profile: ProfileOption = PROFILE,
) -> None:
    """Look over the events of a data folder, after `encore ingest`.

    Prints for each kind of event: the days from first to last, those that are missing or thin; rejected, repaired and
    equal lines; missing values by column, and columns that are new or lost against the days before; customers with
    most events. Writes nothing.
    """
    context = open_context(data, service, profile, engine)
    with start_step("analyze") as step, start_engine(context.engine, context.profile) as spark:
        found = analyze(context, spark)
        step.done(plural(sum(one.events for one in found), "event"))
    whole = log_days({one.name: one.counts for one in found})
    for one in found:
        _print(one, whole)
    print_line()
    print_line("New and lost are columns of the events; which columns the raw files had is not recorded.")


def analyze(context: Context, spark: SparkSession) -> list[Analysis]:
    """Look over each kind of event.

    Raises:
        UsageError: the service begins with a finished table.
        InputError: there are no events.
    """
    context.require_events()
    data, service = context.data, context.service
    records = event_records(data, list(service.events))
    found = []
    for name, event in service.events.items():
        rows = events_on(data, spark, name, event, list(records[name]))
        heavy, customers = heavy_customers(rows)
        found.append(Analysis(name, event, records[name], days_of_events(rows, event), heavy, customers))
    return found


# ---- what is printed ----


def _print(found: Analysis, whole: LogDays) -> None:
    print_line()
    print_line(f"{found.name}: {plural(found.events, 'event')} of {plural(found.customers, 'customer')}")
    if not found.days:
        return
    print_table("lines and days", ["what", "number", "details"], _facts(found, whole))
    came_and_went = changes(found.days)
    columns = [_column(found, name, came_and_went) for name in found.event.columns]
    print_table("columns", ["column", "type", "missing", "on most", "new or lost"], columns)
    mean = found.events / found.customers
    rows = [
        [one.customer, f"{one.events:,}", percent(one.events / found.events)]
        + [f"{one.events / mean:,.1f}", f"{one.days:,}"]
        for one in found.heavy
    ]
    print_table("customers with most events", ["customer", "events", "share", "times the mean", "days"], rows)


def _facts(found: Analysis, whole: LogDays) -> list[list[str]]:
    records = list(found.records.values())
    by_day = [record.lines - record.elsewhere for record in records]
    lines = sum(by_day)
    reasons: Counter[str] = sum((Counter(record.reasons) for record in records), Counter())
    repairs: Counter[str] = sum((Counter(record.repaired) for record in records), Counter())
    duplicates = sum(record.duplicates for record in records)
    low = sorted(missing_days(found.counts, whole.logs)) if whole.logs.days else []
    missing = [day for day in low if day not in found.counts]
    thin = [day for day in low if day in found.counts]
    days = found.days
    return [
        ["days", f"{len(days):,}", f"{days[0].day} to {days[-1].day}"],
        ["days without events", f"{len(missing):,}", some_days(missing)],
        ["thin days", f"{len(thin):,}", some_days(thin)],
        ["days set aside", f"{len(whole.set_aside):,}", some_days(list(whole.set_aside))],
        ["lines", f"{lines:,}", f"of a day {_span(by_day)}"],
        ["customers of a day", "", _span([day.customers for day in days])],
        ["rejected lines", _share(reasons.total(), lines), _most(reasons)],
        ["repaired events", _share(repairs.total(), found.events), _most(repairs)],
        ["equal lines", _share(duplicates, lines), f"`duplicates: {_kept(found.event)}`"],
    ]


def _kept(event: Event) -> str:
    return event.duplicates if isinstance(event.duplicates, str) else f"[{', '.join(event.duplicates)}]"


def _share(count: int, total: int) -> str:
    return f"{count:,} ({percent(count / total)})" if count else "0"


def _most(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.most_common(3))


def _span(numbers: Sequence[int]) -> str:
    ordered = sorted(numbers)
    return f"{ordered[0]:,} to {ordered[-1]:,}, median {ordered[len(ordered) // 2]:,}"


def _column(found: Analysis, name: str, came_and_went: Sequence[Change]) -> list[str]:
    given = sum(day.given[name] for day in found.days)
    worst = max(found.days, key=lambda day: 1 - day.given[name] / day.events)
    share = 1 - worst.given[name] / worst.events
    told = [f"{'new' if one.is_new else 'lost'} on {one.day}" for one in came_and_went if one.column == name]
    return [
        name,
        found.event.columns[name].type,
        percent(1 - given / found.events),
        f"{percent(share)} on {worst.day}" if share else "–",
        ", ".join(told[:3]) + (f" and {len(told) - 3} more" if len(told) > 3 else ""),
    ]
