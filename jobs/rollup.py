"""`encore rollup`: events to one row per customer and day; only days that changed."""

if __name__ == "__main__":
    from jobs.console.entry import submit

    submit(__file__)


from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from conf.errors import DataCheckError
from conf.load import fingerprint
from features.tiles import daily_tiles
from jobs.context import Context
from jobs.incremental import bring_up_to_date, days_of, event_records, events_on
from jobs.storage.layer import Record, write_manifest, write_partitions


def rollup(context: Context, spark: SparkSession) -> int:
    """Bring the daily layer up to date with the events layer.

    Returns:
        The number of days written.

    Raises:
        UsageError: the service begins with a finished table.
        InputError: there are no events, or days with different samples.
        DataCheckError: events were lost or made on the way.
    """
    records = event_records(context, list(context.service.events))
    bases = {
        day: _basis(context, {name: of_event.get(day) for name, of_event in records.items()})
        for day in days_of(records)
    }
    events = {day: sum(of_event[day]["events"] for of_event in records.values() if day in of_event) for day in bases}
    layer = context.daily
    written = bring_up_to_date(
        context, [layer], records, bases, lambda days: _write_days(context, spark, days, bases, events)
    )
    write_manifest(layer, ["sample", "customers", "bots", "events", "missing_parts"])
    return written


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


def _write_days(
    context: Context, spark: SparkSession, days: list[str], bases: dict[str, Record], expected: dict[str, int]
) -> None:
    layer = context.daily
    events = {name: events_on(context, spark, name, days) for name in context.service.events}
    with layer.staging() as staged:
        counts = {day: {"customers": 0, "bots": 0, "events": 0} for day in days}
        write_partitions(daily_tiles(events, context.service), staged, several=len(days) > 1)
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
            if counts[day]["events"] != expected[day]:
                raise DataCheckError(
                    f"rollup of {day}: there were {expected[day]} events, and the tiles count {counts[day]['events']}; "
                    f"the days rolled up together with it were not kept. Remove {context.data / 'events'}, and run "
                    f"`encore ingest` again; if it stays so, report it"
                )
            basis = bases[day]
            extra = {"sample": basis["sample"], "missing_parts": basis["missing_parts"]}
            layer.publish(staged, day, {"basis": basis} | extra | counts[day])
