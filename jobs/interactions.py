"""`encore interactions`: roll events up to what customers did with titles, by day; only days that changed."""

if __name__ == "__main__":
    from jobs.console.entry import run_script

    run_script(__file__)


from collections.abc import Mapping

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from conf.errors import UsageError
from conf.recommender import Interactions
from features.interactions import title_days, title_names
from jobs.console.options import DATA, PROFILE, DataOption, EngineOption, ProfileOption, ServiceOption
from jobs.console.session import open_context, working
from jobs.context import Context
from jobs.lineage.bases import title_days_bases
from jobs.lineage.incremental import bring_up_to_date, event_records, events_on
from jobs.records.layers import TitleDaysBasis, TitleDaysRecord
from jobs.storage.layer import write_partitions

EXAMPLE = "encore interactions --data /data/music"


def command(
    data: DataOption = DATA,
    service: ServiceOption = None,
    engine: EngineOption = None,
    profile: ProfileOption = PROFILE,
) -> None:
    """Roll events up to one row per customer, title and day. `encore recommend` does it by itself."""
    context = open_context(data, service, profile, engine)
    with working("interactions", context) as (spark, step):
        step.done(f"{interactions(context, spark)} days written")


def interactions(context: Context, spark: SparkSession) -> int:
    """Bring what customers did with titles up to date with the events layer.

    Returns:
        The number of days written.

    Raises:
        UsageError: the service declares no interactions, or starts from a finished table.
        InputError: there are no events, days with different samples, or events that are out of date.
    """
    declared = declared_interactions(context)
    context.require_events()
    data = context.data
    records = event_records(data, list(declared.sources))
    context.lineage.require_events()
    bases = title_days_bases(declared, records)
    written = bring_up_to_date(
        [data.title_days, data.title_names],
        records,
        bases,
        context.engine,
        lambda days: _write_days(context, spark, declared, {day: bases[day] for day in days}),
    )
    data.title_days.write_manifest(["sample", "rows"])
    return written


def declared_interactions(context: Context) -> Interactions:
    """The interactions that the service declares. Raises UsageError where it declares none."""
    if context.service.interactions is None:
        raise UsageError(
            f"{context.service_name}: this service declares no interactions of customers with titles; declare "
            f"`interactions:` in its YAML file, or give a file of ratings by --interactions"
        )
    return context.service.interactions


def _write_days(
    context: Context, spark: SparkSession, declared: Interactions, bases: Mapping[str, TitleDaysBasis]
) -> None:
    data, kinds, days = context.data, context.service.events, list(bases)
    events = {name: events_on(data, spark, name, kinds[name], days) for name in declared.sources}
    made = {data.title_names: title_names(events, declared), data.title_days: title_days(events, declared)}
    for layer, rows in made.items():
        with layer.staging() as staged:
            write_partitions(rows, staged, several=len(days) > 1)
            counts: dict[str, int] = {}
            if staged.has_rows():
                counted = staged.read(spark).groupBy("date").agg(F.count("*").alias("rows"))
                counts = {str(row["date"]): row["rows"] for row in counted.collect()}
            for day, basis in bases.items():
                record = TitleDaysRecord(basis=basis, sample=basis.sample, rows=counts.get(day, 0))
                layer.publish(staged, day, record)
