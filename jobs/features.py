"""`encore features`: tiles to feature tables, one partition per as-of date."""

if __name__ == "__main__":
    from jobs.console.entry import submit

    submit(__file__)


from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial

import pyarrow.csv
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.errors import DataCheckError, InputError
from conf.load import fingerprint
from conf.schema import Service
from features.contract import broken_promises
from features.declared import table_features
from features.dictionary import HEADER, dictionary_markdown, dictionary_rows
from features.table import capped_customers, excluded_bots, feature_table
from features.windows import Moment, Window, default_moments, longest_hole
from jobs.context import Context
from jobs.storage.layer import Layer, Record, write_csv, write_manifest, write_partitions, write_text
from jobs.storage.location import Place, dataset, written_here

EXPORT = "_export"
MANIFEST = (
    "sample",
    "customers",
    "eligible",
    "positives",
    "label_status",
    "bots_excluded",
    "capped",
    "missing_days",
    "missing_parts",
)


def features(context: Context, spark: SparkSession, as_of: Sequence[date] = ()) -> list[date]:
    """Bring the feature tables of the as-of dates up to date; without any, the newest and the newest mature one.

    Returns:
        The as-of dates whose tables were written.

    Raises:
        UsageError: the service begins with a finished table.
        InputError: an as-of date lies outside the logs, or nobody is in the table.
        DataCheckError: a table breaks its contract.
    """
    context.require_events()
    logs = context.logs()
    moments = _moments(context, logs, as_of)
    layer = context.features
    bases = {moment: _basis(context, moment, logs) for moment in moments}
    done = layer.records()
    changed = [moment for moment in moments if done.get(str(moment.as_of), {}).get("basis") != bases[moment]]
    if changed:
        _write_tables(context, spark, changed, logs, bases)
    write_for_people(context)
    write_manifest(layer, MANIFEST)
    return [moment.as_of for moment in changed]


def _moments(context: Context, logs: Window, as_of: Sequence[date]) -> list[Moment]:
    windows = context.service.windows
    days = [date.fromisoformat(day) for day in context.daily.values()]
    moments = sorted({Moment.at(day, windows) for day in as_of}) or default_moments(logs, windows)
    if not as_of:
        _refuse_stray_end(context, days, logs, moments[-1])
    for moment in moments:
        refuse_outside(context, logs, moment)
        _refuse_silence(context, days, moment, moment.observation)
        if moment.is_mature(logs):
            _refuse_silence(context, days, moment, moment.outcome)
    return moments


def refuse_outside(context: Context, logs: Window, moment: Moment) -> None:
    """Raise InputError where no day of the logs lies before the moment, or it lies later than the day after them."""
    if not moment.is_inside(logs):
        raise InputError(
            f"as_of {moment.as_of} is outside the logs in {context.daily.root}, which go from {logs.start} up to "
            f"{logs.dates()[-1]}; give an --as-of after {logs.start} and not after {logs.end}"
        )


def _refuse_silence(context: Context, days: Sequence[date], moment: Moment, window: Window) -> None:
    """Without any log in the window everybody would look gone."""
    if not any(day in window for day in days):
        raise InputError(
            f"as_of {moment.as_of}: there are no logs of the {window.days} days from {window.start} in "
            f"{context.daily.root}; unpack the days that are missing, or give an --as-of with logs around it"
        )


def _refuse_stray_end(context: Context, days: Sequence[date], logs: Window, newest: Moment) -> None:
    """One line with a date of its own far ahead would move the end of the logs, and label everybody gone."""
    observation = newest.observation
    hole = longest_hole(days, Window(max(observation.start, logs.start), observation.end))
    if hole.days >= newest.outcome_days:
        raise InputError(
            f"{context.daily.root}: there are no logs from {hole.start} for {hole.days} days, but some after them; "
            f"if the last days are strays, remove their archive, else unpack what is missing or give an --as-of"
        )


def _basis(context: Context, moment: Moment, logs: Window) -> Record:
    """What the table at a moment is made from: the tiles up to the end of its outcome, and the declarations."""
    tiles = {day: record["basis"] for day, record in context.daily.records().items() if _is_used(day, moment)}
    return {
        "tiles": fingerprint(tiles),
        "configuration": context.features_version,
        "mature": moment.is_mature(logs),
    }


def _is_used(day: str, moment: Moment) -> bool:
    return date.fromisoformat(day) < moment.outcome.end


def _write_tables(
    context: Context, spark: SparkSession, moments: list[Moment], logs: Window, bases: dict[Moment, Record]
) -> None:
    layer, service = context.features, context.service
    days = [day for day in context.daily.values() if any(_is_used(day, moment) for moment in moments)]
    tiles = context.daily.read(spark, days)
    with layer.staging() as staged:
        write_partitions(feature_table(tiles, moments, logs, service), staged, several=len(moments) > 1)
        written = {date.fromisoformat(value) for value in staged.values()}
        for moment in moments:
            if moment.as_of not in written:
                raise InputError(
                    f"as_of {moment.as_of}: no customer was active in the {moment.observation_days} days before it; "
                    f"take a larger sample or another --as-of"
                )
        table = staged.read(spark)
        dates = ", ".join(str(moment.as_of) for moment in moments)
        refuse_broken_promises(table, service, f"features at {dates}", "events")
        counted = counts(table)
        excluded = {row["as_of"]: row["bots"] for row in excluded_bots(tiles, moments).collect()}
        above = capped(service, lambda: capped_customers(tiles, moments, service))
        for moment in moments:
            record = {"basis": bases[moment], **counted[moment.as_of], **_caveats(context, moment)}
            record["bots_excluded"] = excluded.get(moment.as_of, 0)
            record["capped"] = above.get(moment.as_of, {})
            layer.publish(staged, str(moment.as_of), record)


def refuse_broken_promises(table: DataFrame, service: Service, what: str, made_of: str) -> None:
    """Raise DataCheckError where a table, named by `what`, breaks the contract."""
    broken = broken_promises(table, service)
    if broken:
        promise, rows = next(iter(broken.items()))
        raise DataCheckError(
            f"{what}: {promise} in {rows} rows ({len(broken)} promises broken in all); nothing was kept. "
            f"Mend the declaration or the {made_of}"
        )


def counts(table: DataFrame) -> dict[date, Record]:
    """Of each as-of date the customers, and what is known of their labels, as its record says."""
    rows = table.groupBy("as_of").agg(
        F.count("*").alias("customers"),
        F.count_if("eligible").alias("eligible"),
        F.count_if(F.col("eligible") & (F.col("label") == 1)).alias("positives"),
        F.max("label_status").alias("label_status"),
    )
    return {row["as_of"]: row.asDict() for row in rows.collect()}


def capped(service: Service, counted: Callable[[], DataFrame]) -> dict[date, dict[str, int]]:
    """By as-of date and feature, the customers whose value was above the cap; nothing is counted without a cap.

    Args:
        counted: gives what `above_caps` says of them.
    """
    if not any(feature.cap is not None for feature in table_features(service)):
        return {}
    rows = [row.asDict() for row in counted().collect()]
    return {row.pop("as_of"): row for row in rows}


def _caveats(context: Context, moment: Moment) -> Record:
    """What makes the features or the label of a moment lower than the customers were: missing days and parts."""
    records = context.daily.records()
    outcome = moment.outcome.dates() if moment.is_mature(context.logs()) else []
    used = [str(day) for day in (*moment.observation.dates(), *outcome)]
    return {
        "sample": next(iter(records.values()))["sample"],
        "missing_days": [day for day in used if day not in records],
        "missing_parts": {
            day: records[day]["missing_parts"] for day in used if records.get(day, {}).get("missing_parts")
        },
    }


def write_for_people(context: Context) -> None:
    """The dictionary, and each table as CSV. The folder's name keeps readers of the layer from taking it for rows."""
    folder = context.features.root / EXPORT
    write_text(folder / "dictionary.md", dictionary_markdown(context.service))
    write_csv(folder / "dictionary.csv", HEADER, dictionary_rows(context.service))
    with ThreadPoolExecutor() as pool:  # Arrow lets go of the interpreter's lock
        list(pool.map(partial(_export_csv, context.features, folder), context.features.values()))


def _export_csv(layer: Layer, folder: Place, value: str) -> None:
    """A table as one CSV file, a batch at a time, unless it is there already."""
    target = folder / f"features_{value}.csv"
    if target.exists() and target.stat().st_mtime >= layer.changed(value):
        return
    rows = dataset(layer.partition(value))
    with written_here(target) as file, pyarrow.csv.CSVWriter(file, rows.schema) as writer:
        for batch in rows.to_batches():
            writer.write_batch(batch)
