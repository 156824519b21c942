"""Events to daily tiles: one row per customer and day, of measures that can be merged.

A new day touches only its own tiles, and every feature is computed from tiles alone.
"""

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType

from conf.schema import Event, Service

GRAIN = ("customer_id", "date")


def daily_tiles(events: dict[str, DataFrame], service: Service) -> DataFrame:
    """One row per customer and day with an event.

    Args:
        events: the events layer of some days by the name of the event, each event of the service among them.

    Returns:
        `customer_id`, `date`, `events` (number of events of any kind), the measures of the service, `is_bot`.
        A count or sum over nothing is 0; any other measure over nothing is null.
    """
    parts = [_part(events[name], event) for name, event in service.events.items()]
    types = {field.name: field.dataType for part in parts for field in part.schema.fields}
    united = reduce(DataFrame.unionByName, (_with_columns(part, types) for part in parts))
    merged = united.groupBy(*GRAIN).agg(
        F.sum("events").alias("events"),
        *(_merged(name, measure.merged_by) for name, measure in service.measures.items()),
    )
    is_bot = F.coalesce(F.expr(service.bots.when), F.lit(False)) if service.bots else F.lit(False)
    return merged.select(*GRAIN, "events", *service.measures, is_bot.alias("is_bot"))


def _part(events: DataFrame, event: Event) -> DataFrame:
    measures = [F.expr(measure.sql).alias(name) for name, measure in event.measures.items()]
    return events.groupBy(*GRAIN).agg(F.count("*").alias("events"), *measures)


def _with_columns(part: DataFrame, types: dict[str, DataType]) -> DataFrame:
    """The part with typed nulls for the measures of other events (Sail's unionByName would add untyped ones)."""
    missing = {name: F.lit(None).cast(kind) for name, kind in types.items() if name not in part.columns}
    return part.withColumns(missing) if missing else part  # Connect refuses to add no column


def _merged(name: str, function: str) -> Column:
    merged = F.expr(f"{function}({name})")
    if function == "sum":
        return F.coalesce(merged, F.lit(0)).alias(name)
    # A union of no sketches would be an empty one of the default size, which unites with no other.
    return F.when(F.count(name) > 0, merged).alias(name)
