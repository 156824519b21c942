"""What the events of a data folder are like: columns by day, heavy customers, what came and went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.events import Event

DAYS_BEFORE = 7  # with events, that say what a column usually has
USUALLY_GIVEN = 0.1  # of the events have a value, for a column that can be lost or new
FEWEST_EVENTS = 20  # of a day, and of the days before it, to tell
HEAVY_CUSTOMERS = 5


@dataclass(frozen=True)
class DayOfEvents:
    """A day of one kind of event; given: by column, the number of events with a value."""

    day: date
    events: int
    customers: int
    given: Mapping[str, int]


@dataclass(frozen=True)
class HeavyCustomer:
    """A customer with many events, and the days with one."""

    customer: str
    events: int
    days: int


@dataclass(frozen=True)
class Change:
    """A column that has values from a day on and had none in the days before, or the other way round."""

    column: str
    day: date
    is_new: bool


def days_of_events(rows: DataFrame, event: Event) -> list[DayOfEvents]:
    """The days of the events layer of one kind, in ascending order."""
    given = [F.count(name).alias(f"given_{name}") for name in event.columns]
    counts = rows.groupBy("date").agg(
        F.count("*").alias("events"), F.countDistinct("customer_id").alias("customers"), *given
    )
    return sorted((_day(row.asDict(), event) for row in counts.collect()), key=lambda one: one.day)


def _day(row: Mapping[str, Any], event: Event) -> DayOfEvents:
    given = {name: row[f"given_{name}"] for name in event.columns}
    return DayOfEvents(date.fromisoformat(str(row["date"])), row["events"], row["customers"], given)


def heavy_customers(rows: DataFrame) -> tuple[list[HeavyCustomer], int]:
    """The customers with most events, most first, and the number of all customers."""
    customers = rows.groupBy("customer_id").agg(F.count("*").alias("events"), F.countDistinct("date").alias("days"))
    most = customers.orderBy(F.col("events").desc(), "customer_id").limit(HEAVY_CUSTOMERS).collect()
    found = [HeavyCustomer(str(row["customer_id"]), row["events"], row["days"]) for row in most]
    return found, customers.count()


def changes(days: Sequence[DayOfEvents]) -> list[Change]:
    """The columns that were lost or are new on a day, against the days with events before it."""
    found = []
    for column in days[0].given if days else ():
        for at in range(1, len(days)):
            before, day = days[max(0, at - DAYS_BEFORE) : at], days[at]
            events = sum(one.events for one in before)
            if min(events, day.events) < FEWEST_EVENTS:
                continue
            was, now = sum(one.given[column] for one in before) / events, day.given[column] / day.events
            is_lost = was >= USUALLY_GIVEN and now == 0 and before[-1].given[column] > 0
            is_new = was == 0 and now >= USUALLY_GIVEN
            if is_lost or is_new:
                found.append(Change(column, day.day, is_new))
    return sorted(found, key=lambda one: (one.day, one.column))
