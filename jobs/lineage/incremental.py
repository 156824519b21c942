"""Layers that are made of events by day: which days have changed, and the events of some days."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from conf.errors import InputError
from conf.events import Event
from jobs.data_folder import DataFolder
from jobs.records.layers import EventsRecord
from jobs.storage.batches import batches
from jobs.storage.layer import Layer

BATCH_EVENTS = 4_000_000
EventRecords = Mapping[str, Mapping[str, EventsRecord]]  # by kind of event and day


def event_records(data: DataFolder, names: Sequence[str]) -> dict[str, dict[str, EventsRecord]]:
    """By kind of event and day, the record of the events.

    Raises:
        InputError: there are no events, or days with different samples.
    """
    root = data.root / "events"
    records = {name: data.events(name).records() for name in names}
    if not any(records.values()):
        raise InputError(f"{root}: there are no events; run `encore ingest --data {data}` first")
    if len({record.sample for of_event in records.values() for record in of_event.values()}) > 1:
        raise InputError(f"{root}: days hold different samples; ingest them again with one sample")
    return records


def days_of(records: EventRecords) -> list[str]:
    """Every day on which there is an event of any kind."""
    return sorted({day for of_event in records.values() for day in of_event})


def bring_up_to_date(
    layers: Sequence[Layer[Any]],
    records: EventRecords,
    bases: Mapping[str, Any],
    engine: str,
    write: Callable[[list[str]], None],
) -> int:
    """Write the days that are not up to date in one of the layers, in batches; remove days without events.

    Args:
        bases: by day, what its partition is made from.
        engine: name of the engine, which decides the size of a batch.
        write: writes the partitions of some days in all of the layers.

    Returns:
        The number of days written.
    """
    for layer in layers:
        for day in set(layer.values()) - set(bases):
            layer.remove(day)
    done = [layer.up_to_date(bases) for layer in layers]
    changed = [day for day in bases if not all(day in of_layer for of_layer in done)]
    sizes = {day: sum(of_event[day].events for of_event in records.values() if day in of_event) for day in changed}
    for batch in batches(sizes, BATCH_EVENTS, engine):
        write(batch)
    return len(changed)


def events_on(data: DataFolder, spark: SparkSession, name: str, event: Event, days: Sequence[str]) -> DataFrame:
    """The events of one kind on `days`; where there are none, no rows of the same columns."""
    layer = data.events(name)
    if layer.has_rows(days):
        return layer.read(spark, days)
    columns = [*(f"`{key}` {column.type}" for key, column in event.columns.items()), "`date` date"]
    return spark.createDataFrame([], ", ".join(columns))
