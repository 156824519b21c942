"""What was read of sampled lines: raw texts beside typed values, what was unreadable, days, customers."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.declaration import RAW_PREFIX
from conf.events import Event
from conf.schema import Rejections
from conf.sql import columns_of
from features.events import UNREADABLE, masked_addresses

EXAMPLES = 3
LANDED_UNREADABLE = "unreadable: "  # begins a text that was no number or time, as the landing layer has it
Cells = Mapping[str, str | None]


@dataclass
class ColumnRead:
    """What was read of one column: values beside their raw texts, and raw texts that could not be read."""

    values: dict[str, str] = field(default_factory=dict)
    unreadable: int = 0
    unreadable_texts: list[str] = field(default_factory=list)
    nulls: int = 0


@dataclass
class EventRead:
    """What was read of the sampled lines of one event.

    reasons, repairs: number of lines by name of the rejection or the repair. texts: by name, some raw texts of them.
    lines, rejected: number of lines by day. customers: number of different customers by day.
    """

    columns: dict[str, ColumnRead]
    reasons: Counter[str] = field(default_factory=Counter)
    repairs: Counter[str] = field(default_factory=Counter)
    texts: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    lines: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    customers: dict[str, int] = field(default_factory=dict)
    customers_of_all_days: int = 0

    @property
    def days(self) -> list[str]:
        """The days of the lines."""
        return sorted(self.lines)

    @property
    def customers_per_day(self) -> tuple[int, float, int]:
        """The least, the median and the greatest number of customers of a day; all 0 where there are none."""
        counts = sorted(self.customers.values())
        return (counts[0], median(counts), counts[-1]) if counts else (0, 0, 0)

    def refused_days(self, limit: Rejections) -> list[str]:
        """The days on which more of the lines were rejected than the service allows."""
        return [day for day in self.days if limit.are_too_many(self.rejected[day], self.lines[day])]


def rows_as_text(tagged: DataFrame, event: Event) -> list[dict[str, Any]]:
    """The rows of `features.events.tagged` with all values as texts, and network addresses masked."""
    typed = [F.col(name).cast("string").alias(name) for name in event.columns]
    raw = [masked_addresses(F.col(f"{RAW_PREFIX}{name}")).alias(f"{RAW_PREFIX}{name}") for name in event.landing.names]
    rows = tagged.select(F.col("date").cast("string").alias("date"), "reason", "repairs", *typed, *raw)
    # Each engine returns rows in an order of its own, and the same examples are to be shown.
    return sorted(
        (row.asDict() for row in rows.collect()), key=lambda row: [str(value or "") for value in row.values()]
    )


def read_of(rows: Sequence[Cells], event: Event) -> EventRead:
    """What was read, from `rows_as_text`."""
    found = EventRead({name: ColumnRead() for name in event.columns})
    customers: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        day, reason = str(row["date"]), row["reason"]
        found.lines[day] += 1
        told = [reason] if reason else [one for one in (row["repairs"] or "").split(",") if one]
        (found.reasons if reason else found.repairs).update(told)
        found.rejected[day] += reason is not None
        for one in told:
            _add_example(found.texts[one], _raw_text(row, event, _read_by(event, one)))
        for name, column in found.columns.items():
            _add(column, name, row, event, told)
        if reason is None and row["customer_id"] is not None:
            customers[day].add(row["customer_id"])
    found.customers = {day: len(ids) for day, ids in sorted(customers.items())}
    found.customers_of_all_days = len(set().union(*customers.values()))
    return found


def _add(column: ColumnRead, name: str, row: Cells, event: Event, told: Sequence[str]) -> None:
    value, text = row[name], _raw_text(row, event, {name})
    if f"{name}{UNREADABLE}" in told:
        column.unreadable += 1
        _add_example(column.unreadable_texts, text)
    elif value is None:
        column.nulls += 1
    elif len(column.values) < EXAMPLES and value not in column.values.values():
        column.values[text] = value


def _add_example(texts: list[str], text: str) -> None:
    if len(texts) < EXAMPLES and text not in texts:
        texts.append(text)


def _read_by(event: Event, told: str) -> set[str]:
    """The columns that a reason or a repair reads."""
    if told in event.checks:
        return columns_of(event.checks[told].when) & set(event.columns)
    return {told.rpartition("_")[0]} & set(event.columns)


def _raw_text(row: Cells, event: Event, columns: set[str]) -> str:
    """The raw fields that columns are made of, as they were landed."""
    read = {field for column in columns for field in columns_of(event.columns[column].sql)}
    fields = [name for name in event.landing.names if name in read]
    texts = [(row[f"{RAW_PREFIX}{name}"] or "(empty)").removeprefix(LANDED_UNREADABLE) for name in fields]
    return ", ".join(texts) if len(texts) < 2 else ", ".join(map(": ".join, zip(fields, texts, strict=True)))
