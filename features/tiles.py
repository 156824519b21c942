"""Events to daily tiles: one row per customer and day, with measures that can be merged.

A new day changes only its own tiles, and features are computed only from tiles.
"""

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType

from conf.events import Event
from conf.schema import Service

GRAIN = ("customer_id", "date")
SKETCH_MERGE = "hll_union_agg"


def daily_tiles(events: dict[str, DataFrame], service: Service) -> DataFrame:
    """Aggregate events to one row per customer and day with an event.

    Args:
        events: by name of the event, the events layer of some days; it has all events of the service.

    Returns:
        `customer_id`, `date`, `events` (number of events of any kind), the measures of the service, `is_bot`. Without
        an event of its kind, a count or sum is 0 and any other measure is null.
    """
    parts = [part for name, event in service.events.items() for part in _parts(events[name], event)]
    tiles = (
        united(parts)
        .groupBy(*GRAIN)
        .agg(
            F.sum("events").alias("events"),
            *(merged(name, _merge_function(name, service)) for name in service.measures),
        )
    )
    is_bot = F.coalesce(F.expr(service.bots.when), F.lit(False)) if service.bots else F.lit(False)
    return tiles.select(*GRAIN, "events", *service.measures, is_bot.alias("is_bot"))


def _parts(events: DataFrame, event: Event) -> list[DataFrame]:
    """The tiles of one event; sketches are in separate tiles, which count no events.

    Both engines build sketches several times faster if the rows of a customer are adjacent. Sorting for it is worth its
    time only for the few columns of the sketches.
    """
    measures = {name: F.expr(measure.sql).alias(name) for name, measure in event.measures.items()}
    sketches = [measures.pop(name) for name, measure in event.measures.items() if measure.merged_by == SKETCH_MERGE]
    parts = [events.groupBy(*GRAIN).agg(F.count("*").alias("events"), *measures.values())]
    if sketches:
        adjacent = events.sortWithinPartitions("customer_id").groupBy(*GRAIN)
        parts.append(adjacent.agg(F.lit(0).cast("bigint").alias("events"), *sketches))
    return parts


def united(parts: list[DataFrame]) -> DataFrame:
    """The rows of all parts; a column that a part does not have is null in its rows."""
    types = {field.name: field.dataType for part in parts for field in part.schema.fields}
    return reduce(DataFrame.unionByName, (_with_columns(part, types) for part in parts))


def _with_columns(part: DataFrame, types: dict[str, DataType]) -> DataFrame:
    """Add typed nulls for the columns of other parts; Sail's `unionByName` would add nulls without a type."""
    missing = {name: F.lit(None).cast(kind) for name, kind in types.items() if name not in part.columns}
    return part.withColumns(missing) if missing else part  # Spark Connect refuses an empty dict


def _merge_function(name: str, service: Service) -> str:
    """The aggregate that merges a measure of several events.

    A sketch of only one event is not merged but taken as it is, since merging is slow: `max` of one sketch and nulls.
    """
    events = [event for event in service.events.values() if name in event.measures]
    function = service.measures[name].merged_by
    return "max" if function == SKETCH_MERGE and len(events) == 1 else function


def merged(name: str, function: str) -> Column:
    """Merge a measure of several parts; without a value, a sum is 0 and any other measure is null."""
    of_parts = F.expr(f"{function}({name})")
    if function == "sum":
        return F.coalesce(of_parts, F.lit(0)).alias(name)
    # A union of no sketches would be an empty sketch of the default size, which cannot be merged with other sizes.
    return F.when(F.count(name) > 0, of_parts).alias(name)
