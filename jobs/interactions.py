"""`encore interactions`: events to what customers did with titles, by day; only days that changed."""

if __name__ == "__main__":
    from jobs.console.entry import submit

    submit(__file__)


from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from conf.errors import UsageError
from conf.load import fingerprint
from conf.recommender import Interactions
from features.interactions import title_days, title_names
from jobs.context import Context
from jobs.incremental import bring_up_to_date, days_of, event_records, events_on
from jobs.storage.layer import Record, write_manifest, write_partitions


def interactions(context: Context, spark: SparkSession) -> int:
    """Bring what customers did with titles up to date with the events layer.

    Returns:
        The number of days written.

    Raises:
        UsageError: the service declares no interactions, or begins with a finished table.
        InputError: there are no events, or days with different samples.
    """
    declared = declared_interactions(context)
    records = event_records(context, list(declared.sources))
    bases = {
        day: _basis(declared, {name: of_event[day] for name, of_event in records.items() if day in of_event})
        for day in days_of(records)
    }
    layers = [context.title_days, context.title_names]
    written = bring_up_to_date(
        context, layers, records, bases, lambda days: _write_days(context, spark, declared, days, bases)
    )
    write_manifest(context.title_days, ["sample", "rows"])
    return written


def declared_interactions(context: Context) -> Interactions:
    """The interactions that the service declares. Raises UsageError where it declares none."""
    if context.service.interactions is None:
        raise UsageError(
            f"{context.service_name}: this service declares no interactions of customers with titles; declare "
            f"`interactions:` in its YAML file, or give some by --interactions FILE"
        )
    return context.service.interactions


def _basis(declared: Interactions, records: dict[str, Record]) -> Record:
    return {
        "events": {name: record["basis"] for name, record in records.items()},
        "configuration": fingerprint(*declared.sources.values()),
        "sample": next(iter(records.values()))["sample"],
    }


def _write_days(
    context: Context, spark: SparkSession, declared: Interactions, days: list[str], bases: dict[str, Record]
) -> None:
    events = {name: events_on(context, spark, name, days) for name in declared.sources}
    made = {context.title_names: title_names(events, declared), context.title_days: title_days(events, declared)}
    for layer, rows in made.items():
        with layer.staging() as staged:
            write_partitions(rows, staged, several=len(days) > 1)
            counts: dict[str, int] = {}
            if staged.has_rows():
                counted = staged.read(spark).groupBy("date").agg(F.count("*").alias("rows"))
                counts = {str(row["date"]): row["rows"] for row in counted.collect()}
            for day in days:
                record = {"basis": bases[day], "sample": bases[day]["sample"], "rows": counts.get(day, 0)}
                layer.publish(staged, day, record)
