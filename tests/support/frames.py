"""What tests begin with: raw lines, events and tiles from plain values, and a service small enough for paper."""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from conf.events import Event
from conf.schema import Service
from features.tiles import daily_tiles

AS_OF = date(2017, 5, 1)
Rows = list[dict[str, Any]]
Change = Callable[[dict[str, Any]], Any]  # of a declaration, before it is validated

# One visit log: whoever spends anything in the two days from as_of came back.
SHOP: dict[str, Any] = {
    "title": "Shop",
    "about": "Visits.",
    "windows": {"observation_days": 10, "outcome_days": 2},
    "events": {
        "visit": {
            "about": "One visit.",
            "landing": {"files": "*visit*", "fields": ["who", "spent"], "customer": "who", "day": "name"},
            "columns": {
                "customer_id": {"type": "bigint", "sql": "who", "required": True, "about": "Who"},
                "spent": {"type": "int", "sql": "spent", "about": "Coins"},
            },
            "duplicates": "drop",
            "measures": {"spent": {"sql": "sum(spent)", "about": "Coins"}},
        }
    },
    "bots": {"when": "events > 3", "about": "More than three visits in a day"},
    "features": {
        "days_{days}d": {
            "kind": "count",
            "unit": "days",
            "about": "Days with a visit",
            "from_tiles": "count(*)",
            "windows": [1, 3, 10],
            "fill": 0,
        },
        "spent_{days}d": {
            "kind": "count",
            "unit": "coins",
            "about": "Coins spent",
            "from_tiles": "sum(spent)",
            "windows": [1, 3, 10],
            "fill": 0,
        },
        "last_spending": {
            "kind": "days",
            "unit": "days",
            "about": "Days since coins were spent",
            "from_tiles": "min(age_days)",
            "where": "spent > 0",
            "null_means": "nothing spent",
        },
        "longest_gap": {
            "kind": "days",
            "unit": "days",
            "about": "Longest gap between days with a visit",
            "from_tiles": "max(gap_days)",
            "null_means": "one day only",
        },
    },
    "eligible": {"when": "days_3d > 0", "about": "Was here in the last three days"},
    "label": {"name": "came_back", "when": "spent > 0", "one_if": "present", "about": "Spends"},
    "recency_feature": "last_spending",
}


def shop(**windows: int) -> Service:
    """The small service, with other windows than its own where they are given."""
    return Service.model_validate(SHOP | {"windows": SHOP["windows"] | windows})


def before(days: int) -> date:
    """The day so many days before AS_OF; a negative number lies after it."""
    return AS_OF - timedelta(days=days)


def frame(spark: SparkSession, rows: Rows, types: dict[str, str]) -> DataFrame:
    """Rows as a DataFrame; a column that a row does not name is null in it."""
    schema = ", ".join(f"`{name}` {kind}" for name, kind in types.items())
    unknown = {name for row in rows for name in row} - set(types)
    assert not unknown, f"a row of this test names columns that there are not: {unknown}"
    return spark.createDataFrame([tuple(row.get(name) for name in types) for row in rows], schema)


def lines(spark: SparkSession, event: Event, rows: Rows, day: date = AS_OF) -> DataFrame:
    """Landed lines: the raw fields of the event as text, all of one day."""
    types = dict.fromkeys(event.landing.fields, "string") | {"date": "date"}
    return frame(spark, [{"date": day} | row for row in rows], types)


def events(spark: SparkSession, service: Service, rows: dict[str, Rows]) -> dict[str, DataFrame]:
    """The events layer; a kind of event that is not given has no rows."""
    return {
        name: frame(spark, rows.get(name, []), {"date": "date"} | {key: c.type for key, c in event.columns.items()})
        for name, event in service.events.items()
    }


def tiles(spark: SparkSession, service: Service, rows: dict[str, Rows]) -> DataFrame:
    """The daily layer of such events."""
    return daily_tiles(events(spark, service, rows), service)


def about(row: dict[str, Any]) -> dict[str, Any]:
    """The row as an expectation whose fractions may differ in the last digits."""
    return {name: pytest.approx(value, rel=1e-12) if isinstance(value, float) else value for name, value in row.items()}


def collected(table: DataFrame, keys: Iterable[str] = ("customer_id",)) -> dict[Any, dict[str, Any]]:
    """The rows of a table as dicts, by the values of `keys`; of one key, by its value."""
    names = list(keys)
    found: dict[Any, dict[str, Any]] = {}
    for row in table.collect():
        key = tuple(row[name] for name in names)
        assert key not in found, f"{key} stands twice"
        found[key if len(names) > 1 else key[0]] = row.asDict()
    return found


def put(path: str, value: Any) -> Change:
    """A change that sets one key; its path has slashes."""
    *parents, last = path.split("/")

    def change(declared: dict[str, Any]) -> None:
        for key in parents:
            declared = declared[key]
        declared[last] = value

    return change
