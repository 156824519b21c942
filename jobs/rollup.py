"""`encore rollup`: roll events up to one row per customer and day; only days that changed."""

if __name__ == "__main__":
    from jobs.console.entry import run_script

    run_script(__file__)


from collections.abc import Mapping
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from conf.errors import DataCheckError
from conf.schema import Service
from features.tiles import daily_tiles
from jobs.console.options import DATA, PROFILE, DataOption, EngineOption, ProfileOption, ServiceOption
from jobs.console.session import open_context, working
from jobs.context import Context
from jobs.data_folder import DataFolder
from jobs.lineage.bases import tiles_bases
from jobs.lineage.incremental import bring_up_to_date, event_records, events_on
from jobs.records.layers import TilesBasis, TilesRecord
from jobs.storage.layer import write_partitions

EXAMPLE = "encore rollup --data /data/music"


def command(
    data: DataOption = DATA,
    service: ServiceOption = None,
    engine: EngineOption = None,
    profile: ProfileOption = PROFILE,
) -> None:
    """Roll events up to one row per customer and day."""
    context = open_context(data, service, profile, engine)
    with working("rollup", context) as (spark, step):
        step.done(summary(rollup(context, spark)))


def rollup(context: Context, spark: SparkSession) -> int:
    """Bring the daily layer up to date with the events layer.

    Returns:
        The number of days written.

    Raises:
        UsageError: the service starts from a finished table.
        InputError: there are no events, days with different samples, or events that are out of date.
        DataCheckError: events were lost or made on the way.
    """
    context.require_events()
    data, service = context.data, context.service
    records = event_records(data, list(service.events))
    context.lineage.require_events()
    bases = tiles_bases(service, records)
    events = {
        day: {name: of_event[day].events for name, of_event in records.items() if day in of_event} for day in bases
    }
    written = bring_up_to_date(
        [data.daily],
        records,
        bases,
        context.engine,
        lambda days: _write_days(data, service, spark, {day: bases[day] for day in days}, events),
    )
    data.daily.write_manifest(["sample", "customers", "bots", "events", "missing_parts"])
    return written


def summary(written: int) -> str:
    """What was written, in a line."""
    return f"{written} days written"


def _write_days(
    data: DataFolder,
    service: Service,
    spark: SparkSession,
    bases: Mapping[str, TilesBasis],
    expected: Mapping[str, Mapping[str, int]],
) -> None:
    """Write the tiles of some days; `expected` says how many events of each kind each has."""
    layer, days = data.daily, list(bases)
    events = {name: events_on(data, spark, name, event, days) for name, event in service.events.items()}
    with layer.staging() as staged:
        counts: dict[str, Mapping[str, Any]] = {day: {"customers": 0, "bots": 0, "events": 0} for day in days}
        write_partitions(daily_tiles(events, service), staged, several=len(days) > 1)
        if staged.has_rows():
            totals = (
                staged.read(spark)
                .groupBy("date")
                .agg(
                    F.count("*").alias("customers"),
                    F.count_if("is_bot").alias("bots"),
                    F.sum("events").alias("events"),
                )
            )
            for row in totals.collect():
                counts[str(row["date"])] = {key: row[key] for key in ("customers", "bots", "events")}
        records = {
            day: TilesRecord(
                basis=basis,
                sample=basis.sample,
                missing_parts=basis.missing_parts,
                by_kind=dict(expected[day]),
                **counts[day],
            )
            for day, basis in bases.items()
        }
        for day, record in records.items():
            if record.events != (events_of_day := sum(expected[day].values())):
                raise DataCheckError(
                    f"rollup of {day}: there were {events_of_day} events, and the tiles count {record.events}; "
                    f"the days rolled up together with it were not kept. Remove {data.root / 'events'}, and run "
                    f"`encore ingest` again; if it stays so, report it"
                )
        for day, record in records.items():
            layer.publish(staged, day, record)
