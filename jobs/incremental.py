"""What layers made of events by day have in common: which days have changed, and the events of some days."""

from collections.abc import Callable, Mapping, Sequence

from pyspark.sql import DataFrame, SparkSession

from conf.errors import InputError
from jobs.batches import batches
from jobs.context import Context
from jobs.storage.layer import Layer, Record

BATCH_EVENTS = 4_000_000


def event_records(context: Context, names: Sequence[str]) -> dict[str, dict[str, Record]]:
    """By kind of event and day, the record of the events.

    Raises:
        UsageError: the service begins with a finished table.
        InputError: there are no events, or days with different samples.
    """
    context.require_events()
    root = context.data / "events"
    records = {name: context.events(name).records() for name in names}
    if not any(records.values()):
        raise InputError(f"{root}: there are no events; run `encore ingest --data {context.data}` first")
    if len({record["sample"] for of_event in records.values() for record in of_event.values()}) > 1:
        raise InputError(f"{root}: days hold different samples; ingest them again with one sample")
    return records


def days_of(records: Mapping[str, Mapping[str, Record]]) -> list[str]:
    """Every day on which there is an event of any kind."""
    return sorted({day for of_event in records.values() for day in of_event})


def bring_up_to_date(
    context: Context,
    layers: Sequence[Layer],
    records: Mapping[str, Mapping[str, Record]],
    bases: Mapping[str, Record],
    write: Callable[[list[str]], None],
) -> int:
    """Write the days of which a layer has none of the same basis, in batches, and remove those without events.

    Args:
        bases: what each day is made from.
        write: makes the partitions of some days in all of the layers.

    Returns:
        The number of days written.
    """
    for layer in layers:
        for day in set(layer.values()) - set(bases):
            layer.remove(day)
    done = [layer.records() for layer in layers]
    changed = [day for day in bases if any(of_layer.get(day, {}).get("basis") != bases[day] for of_layer in done)]
    sizes = {day: sum(of_event[day]["events"] for of_event in records.values() if day in of_event) for day in changed}
    for batch in batches(sizes, BATCH_EVENTS, context.engine):
        write(batch)
    return len(changed)


def events_on(context: Context, spark: SparkSession, name: str, days: Sequence[str]) -> DataFrame:
    """The events of one kind on `days`; where there are none, no rows of the same columns."""
    layer = context.events(name)
    if layer.has_rows(days):
        return layer.read(spark, days)
    columns = context.service.events[name].columns
    return spark.createDataFrame([], ", ".join([*(f"`{key}` {c.type}" for key, c in columns.items()), "`date` date"]))
