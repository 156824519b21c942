"""Events to daily tiles: one row per customer and day, of measures that can be merged.

A new day touches only its own tiles, and every feature is computed from tiles alone.
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
    """One row per customer and day with an event.

    Args:
        events: the events layer of some days by the name of the event, each event of the service among them.

    Returns:
        `customer_id`, `date`, `events` (number of events of any kind), the measures of the service, `is_bot`.
        A count or sum over nothing is 0; any other measure over nothing is null.
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
    """Tiles of one event; sketches stand in tiles of their own, without events.

    A sketch is made row by row, and both engines do that several times faster where the rows of a customer stand
    together. To sort for it is worth while for the few columns of the sketches alone.
    """
    measures = {name: F.expr(measure.sql).alias(name) for name, measure in event.measures.items()}
    sketches = [measures.pop(name) for name, measure in event.measures.items() if measure.merged_by == SKETCH_MERGE]
    parts = [events.groupBy(*GRAIN).agg(F.count("*").alias("events"), *measures.values())]
    if sketches:
        together = events.sortWithinPartitions("customer_id").groupBy(*GRAIN)
        parts.append(together.agg(F.lit(0).cast("bigint").alias("events"), *sketches))
    return parts


def united(parts: list[DataFrame]) -> DataFrame:
    """The rows of all parts; a column that one lacks is null in its rows."""
    types = {field.name: field.dataType for part in parts for field in part.schema.fields}
    return reduce(DataFrame.unionByName, (_with_columns(part, types) for part in parts))


def _with_columns(part: DataFrame, types: dict[str, DataType]) -> DataFrame:
    """The part with typed nulls for the columns of others (Sail's unionByName would add untyped ones)."""
    missing = {name: F.lit(None).cast(kind) for name, kind in types.items() if name not in part.columns}
    return part.withColumns(missing) if missing else part  # Connect refuses to add no column


def _merge_function(name: str, service: Service) -> str:
    """A sketch that only one event has is taken as it is: a tile has one, and to merge it with nothing is slow."""
    events = [event for event in service.events.values() if name in event.measures]
    function = service.measures[name].merged_by
    return "max" if function == SKETCH_MERGE and len(events) == 1 else function


def merged(name: str, function: str) -> Column:
    """A measure of several parts; a sum over nothing is 0, anything else over nothing is null."""
    of_parts = F.expr(f"{function}({name})")
    if function == "sum":
        return F.coalesce(of_parts, F.lit(0)).alias(name)
    # A union of no sketches would be an empty one of the default size, which unites with no other.
    return F.when(F.count(name) > 0, of_parts).alias(name)
