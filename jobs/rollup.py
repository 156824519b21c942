"""`encore rollup`: events to one row per customer and day; only days that changed."""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.errors import InputError
from conf.load import fingerprint
from features.tiles import daily_tiles
from jobs.batches import batches
from jobs.context import Context
from jobs.storage import Record, write_manifest, write_partitions

BATCH_EVENTS = 4_000_000


def rollup(context: Context, spark: SparkSession) -> int:
    """Bring the daily layer up to date with the events layer.

    Returns:
        The number of days written.

    Raises:
        UsageError: the service begins with a finished table.
        InputError: there are no events, or days with different samples.
    """
    context.require_events()
    layer = context.daily
    records = {name: context.events(name).records() for name in context.service.events}
    days = sorted({day for of_event in records.values() for day in of_event})
    if not days:
        raise InputError(
            f"{context.data / 'events'}: there are no events; run `encore ingest --data {context.data}` first"
        )
    bases = {day: _basis(context, {name: records[name].get(day) for name in records}) for day in days}
    rates = {basis["sample"] for basis in bases.values()}
    if len(rates) > 1:
        raise InputError(f"{context.data / 'events'}: days hold different samples; ingest them again with one sample")
    for day in set(layer.values()) - set(days):
        layer.remove(day)
    done = layer.records()
    changed = [day for day in days if done.get(day, {}).get("basis") != bases[day]]
    sizes = {day: sum(of_event[day]["events"] for of_event in records.values() if day in of_event) for day in changed}
    for batch in batches(sizes, BATCH_EVENTS, context.engine):
        _write_days(context, spark, batch, bases)
    write_manifest(layer, ["sample", "customers", "bots", "events", "missing_parts"])
    return len(changed)


def _missing_parts(context: Context, records: dict[str, Record | None]) -> list[str]:
    """The parts that a day lacks, as `play 2`; of an event without any archive, all its parts."""
    missing = []
    for name, event in context.service.events.items():
        record = records[name]
        parts = record["missing_parts"] if record else event.landing.parts()
        missing += [f"{name} {part}" for part in parts]
    return missing


def _basis(context: Context, records: dict[str, Record | None]) -> Record:
    present = {name: record for name, record in records.items() if record}
    measures = {name: event.measures for name, event in context.service.events.items()}
    declared = [measure for of_event in measures.values() for measure in of_event.values()]
    bots = [context.service.bots] if context.service.bots else []
    return {
        "events": {name: record["basis"] for name, record in present.items()},
        "configuration": fingerprint(*declared, *bots),
        "sample": next(iter(present.values()))["sample"],
        "missing_parts": _missing_parts(context, records),
    }


def _write_days(context: Context, spark: SparkSession, days: list[str], bases: dict[str, Record]) -> None:
    layer = context.daily
    events = {name: _events(context, spark, name, days) for name in context.service.events}
    with layer.staging() as staged:
        counts = {day: {"customers": 0, "bots": 0, "events": 0} for day in days}
        write_partitions(daily_tiles(events, context.service), staged)
        if staged.has_rows():
            per_day = staged.read(spark).groupBy("date")
            totals = per_day.agg(
                F.count("*").alias("customers"),
                F.count_if("is_bot").alias("bots"),
                F.sum("events").alias("events"),
            )
            for row in totals.collect():
                counts[str(row["date"])] = {key: row[key] for key in ("customers", "bots", "events")}
        for day in days:
            basis = bases[day]
            extra = {"sample": basis["sample"], "missing_parts": basis["missing_parts"]}
            layer.publish(staged, day, {"basis": basis} | extra | counts[day])


def _events(context: Context, spark: SparkSession, name: str, days: list[str]) -> DataFrame:
    """The events of one kind on `days`; where there are none, no rows of the same columns."""
    layer = context.events(name)
    if layer.has_rows(days):
        return layer.read(spark, days)
    columns = context.service.events[name].columns
    return spark.createDataFrame([], ", ".join([*(f"`{key}` {c.type}" for key, c in columns.items()), "`date` date"]))
